import { optionError, show, VarveError } from '@varve/platform'
import type { HeaderInput } from '@varve/records'
import type * as api from '../api.ts'

/** What a batch is made of; a value of a record that waits has its own copy. */
export type Bytes = Uint8Array | string | null

const NO_HEADERS: readonly HeaderInput[] = []

/** @throws `INVALID_ARGUMENT` for headers that are none */
export function headersOf(headers: api.HeaderInput | undefined): readonly HeaderInput[] {
  if (headers === undefined) return NO_HEADERS
  if (typeof headers !== 'object' || (headers as unknown) === null) {
    throw optionError('headers', 'an object or a list of [key, value]', headers)
  }
  const entries: readonly (readonly [string, Uint8Array | string | null])[] = Array.isArray(headers)
    ? (headers as readonly (readonly [string, Uint8Array | string | null])[])
    : Object.entries(headers)
  return entries.map(([key, value]) => {
    if (typeof key !== 'string') throw optionError('headers', 'made of [text, bytes or text]', key)
    if (typeof value === 'string' || value === null || value instanceof Uint8Array) return { key, value }
    throw optionError(`headers['${key}']`, 'bytes, a text or null', value)
  })
}

/** Milliseconds since 1970, -1 for none. @throws `INVALID_TIMESTAMP` */
export function timestampOf(timestamp: unknown, topic: string): number {
  const ms = timestamp instanceof Date ? timestamp.getTime() : timestamp
  if (typeof ms === 'number' && Number.isSafeInteger(ms) && ms >= -1) return ms
  throw new VarveError(
    'INVALID_TIMESTAMP',
    `The timestamp of a record for topic '${topic}' is ${show(timestamp)}; use a Date or whole milliseconds since 1970.`,
    { context: { topic, field: 'timestamp', found: timestamp } },
  )
}

/** A copy where the caller may change the bytes later. */
export function copied(bytes: Bytes): Bytes {
  return bytes instanceof Uint8Array ? Buffer.from(bytes) : bytes
}

export function copiedHeaders(headers: readonly HeaderInput[]): readonly HeaderInput[] {
  return headers.length === 0
    ? headers
    : headers.map(({ key, value }) => ({ key, value: copied(value ?? null) }))
}

/** The bytes that a record takes at least; a text counts as ASCII. */
export function leastSize(key: Bytes, value: Bytes): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
