import { show, VarveError } from '@varve/platform'
import type { Position } from '../api.ts'
import { parseDuration } from './duration.ts'
import { parseInstant } from './instant.ts'

/** Two positions: `from` is read, `to` is not. */
export interface PositionRange {
  readonly from: Position
  readonly to: Position
}

const NUMBER = /^\d+$/
const START: Position = { kind: 'start', plus: 0 }
const END: Position = { kind: 'end', minus: 0 }

/**
 * One position of the grammar that library and command line share: `start`, `end`, `now`, `42` (an offset), `-10` (ten
 * before the end), `+5` (five after the start), `start+5`, `end-10`, `@2026-11-01T09:00` (UTC unless it names a zone),
 * `@1767225600000` (milliseconds, 12 digits or more), `@-1h` and `@+30m` (from now). In a topic of several partitions
 * it is looked up in each of them.
 *
 * @param clock `now`: what `@-1h` counts from, milliseconds since 1970
 * @throws `INVALID_ARGUMENT` that names the text
 */
export function parsePosition(text: string, clock: { now: number }): Position {
  if (text === 'start' || text === 'earliest' || text === 'beginning') return START
  if (text === 'end' || text === 'latest') return END
  if (text === 'now') return { kind: 'time', timestamp: clock.now }
  if (text.startsWith('@')) return { kind: 'time', timestamp: parseTime(text, clock.now) }
  if (NUMBER.test(text)) return { kind: 'offset', offset: count(text, text) }
  const relative = /^(start\+|\+|end-|-)(\d+)$/.exec(text)
  const [, sign, digits] = relative ?? []
  if (sign === undefined || digits === undefined) throw badPosition(text)
  const n = count(digits, text)
  return sign.endsWith('+') ? { kind: 'start', plus: n } : { kind: 'end', minus: n }
}

/**
 * `A..B` from A up to, but without, B. A side left out is `start` or `end`; a single position reads from there to the end.
 *
 * @throws `INVALID_ARGUMENT` that names the text
 */
export function parseRange(text: string, clock: { now: number }): PositionRange {
  const dots = text.indexOf('..')
  if (dots < 0) return { from: parsePosition(text, clock), to: END }
  const from = text.slice(0, dots)
  const to = text.slice(dots + 2)
  return {
    from: from === '' ? START : parsePosition(from, clock),
    to: to === '' ? END : parsePosition(to, clock),
  }
}

function parseTime(text: string, now: number): number {
  const rest = text.slice(1)
  if (rest === 'now') return now
  const sign = rest.startsWith('-') ? -1 : rest.startsWith('+') ? 1 : 0
  const duration = sign === 0 ? undefined : parseDuration(rest.slice(1))
  const timestamp = duration === undefined ? parseInstant(rest) : now + sign * duration
  if (timestamp !== undefined && timestamp >= 0) return timestamp
  throw badPosition(text)
}

function count(digits: string, text: string): number {
  const n = Number(digits)
  if (Number.isSafeInteger(n)) return n
  throw badPosition(text)
}

function badPosition(text: string): VarveError {
  return new VarveError(
    'INVALID_ARGUMENT',
    `There is no position ${show(text)}; use start, end, an offset (42), -10, +5, @2026-11-01T09:00 or @-1h.`,
    { context: { field: 'position', found: text } },
  )
}
