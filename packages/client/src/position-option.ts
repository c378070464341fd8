import type { Position } from './api.ts'
import { optionError } from '@varve/platform'
import { parseInstant } from './text/instant.ts'
import { parsePosition } from './text/position.ts'

const WANTED = "'start', 'end', an offset, a Date or a position such as '@2026-11-01T09:00'"

/** A position in any of the shapes that options take. @throws `INVALID_ARGUMENT` that names the option */
export function positionOf(field: string, value: unknown, clock: { now(): number }): Position {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return { kind: 'offset', offset: value }
    throw optionError(field, WANTED, value)
  }
  if (value instanceof Date) {
    const timestamp = value.getTime()
    if (timestamp >= 0) return { kind: 'time', timestamp }
    throw optionError(field, WANTED, value)
  }
  if (typeof value === 'string') {
    const instant = value.includes('-', 1) ? parseInstant(value) : undefined
    return instant === undefined
      ? parsePosition(value, { now: clock.now() })
      : { kind: 'time', timestamp: instant }
  }
  if (isPosition(value)) return value
  throw optionError(field, WANTED, value)
}

function isPosition(value: unknown): value is Position {
  if (typeof value !== 'object' || value === null) return false
  const position = value as Record<string, unknown>
  const number = { start: 'plus', end: 'minus', offset: 'offset', time: 'timestamp' }[
    String(position['kind'])
  ]
  const n = number === undefined ? undefined : position[number]
  return typeof n === 'number' && Number.isSafeInteger(n) && n >= 0
}
