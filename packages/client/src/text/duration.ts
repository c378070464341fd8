const WHOLE = /^\d+(\.\d+)?(ms|s|m|h|d|w)(\d+(\.\d+)?(ms|s|m|h|d|w))*$/
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `1h30m`, `7d`, `250ms` in whole milliseconds; `undefined` for a text that is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined
  let ms = 0
  for (const [, count, unit] of text.matchAll(PART))
    ms += Number(count) * (MS_PER_UNIT[unit ?? ''] ?? Number.NaN)
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : undefined
}
