const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/
/** Fewer digits would be a year or an offset that was mistyped, not milliseconds after 1973. */
const MS_DIGITS = /^-?\d{12,16}$/

/**
 * `2026-11-01`, `2026-11-01T09:00`, `…T09:00:30.250+02:00`, or milliseconds since 1970 of 12 digits or more, as
 * milliseconds since 1970. Without a zone it is UTC. `undefined` for what is no date, such as 2026-02-30.
 */
export function parseInstant(text: string): number | undefined {
  if (MS_DIGITS.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : undefined
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const part = (index: number): number => Number(match[index] ?? '0')
  const [year, month, day] = [part(1), part(2), part(3)]
  const [hour, minute, second] = [part(4), part(5), part(6)]
  const fraction = Math.trunc(Number(`0.${match[7] ?? '0'}`) * 1000 + 1e-6)
  const ms = Date.UTC(year, month - 1, day, hour, minute, second, fraction)
  const date = new Date(ms)
  // Date.UTC turns the 30th of February into the 2nd of March; a user meant neither.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  return ms - zoneMs(match[8])
}

function zoneMs(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0
  const digits = zone.slice(1).replace(':', '')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
