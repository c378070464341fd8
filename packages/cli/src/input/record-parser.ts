import type { RecordInput } from '@varve/runtime'

export type BytesRecord = RecordInput<Buffer | string, Buffer | string>

/** Makes a record of a line, or throws a LineError; `undefined` for a line that holds none. */
export type RecordParser = (line: Buffer) => BytesRecord | undefined

/** Why a line is no record: the end of a sentence that begins with the line's number. */
export class LineError extends Error {}

/** The line is the value. */
export const lineParser: RecordParser = line => ({ value: line })

/** The line is a JSON object and the value as it is; one of its fields is the key. */
export function keyFieldParser(field: string): RecordParser {
  return line => {
    if (isBlank(line)) return undefined
    const object = parseObject(line)
    const key = Object.hasOwn(object, field) ? object[field] : undefined
    if (key === undefined) throw new LineError(`has no field "${field}" for the key`)
    return { key: textOf(key), value: line }
  }
}

/** What `read -o json` prints and a record does not take: where it was. */
const IGNORED = new Set(['topic', 'offset', 'timestampType', 'leaderEpoch'])
const KNOWN = new Set(['key', 'value', 'headers', 'timestamp', 'partition', ...IGNORED])

/**
 * A record as JSON: `{"key":…,"value":…,"headers":[["k","v"]],"timestamp":ms,"partition":n}`. What `read -o json`
 * prints fits, with the same `--bytes`. Objects and numbers as key or value are taken as their JSON text.
 */
export function jsonParser(bytes: 'utf8' | 'base64'): RecordParser {
  return line => {
    if (isBlank(line)) return undefined
    const object = parseObject(line)
    for (const name of Object.keys(object)) {
      if (!KNOWN.has(name))
        throw new LineError(`has the unknown field "${name}" (${[...KNOWN].slice(0, 5).join(', ')})`)
    }
    if (!Object.hasOwn(object, 'value')) throw new LineError('has no field "value" (null is a tombstone)')
    const { key, value, headers, timestamp, partition } = object
    return {
      key: key === undefined ? null : decoded('key', key, bytes),
      value: decoded('value', value, bytes),
      ...(headers !== undefined && headers !== null && { headers: headersOf(headers, bytes) }),
      ...(timestamp !== undefined && { timestamp: whole('timestamp', timestamp) }),
      ...(partition !== undefined && { partition: whole('partition', partition) }),
    }
  }
}

function isBlank(line: Buffer): boolean {
  return line.length < 100 && line.toString('latin1').trim() === ''
}

function parseObject(line: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(line.toString('utf8'))
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ')
    throw new LineError(`is not JSON (${reason})`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new LineError(
    `is not a JSON object but ${Array.isArray(value) ? 'an array' : JSON.stringify(value).slice(0, 40)}`,
  )
}

function textOf(value: unknown): string | null {
  if (value === null) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function decoded(name: string, value: unknown, bytes: 'utf8' | 'base64'): Buffer | string | null {
  if (bytes === 'utf8' || value === null) return textOf(value)
  if (typeof value !== 'string' || !BASE64.test(value))
    throw new LineError(`has a ${name} that is not base64`)
  return Buffer.from(value, 'base64')
}

function headersOf(value: unknown, bytes: 'utf8' | 'base64'): [string, Buffer | string | null][] {
  const pairs = Array.isArray(value)
    ? (value as unknown[])
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : []
  if (pairs.length === 0 && !Array.isArray(value) && typeof value !== 'object') {
    throw new LineError('has headers that are neither an array of [key, value] nor an object')
  }
  return pairs.map((pair): [string, Buffer | string | null] => {
    const [key, header] = Array.isArray(pair) && pair.length === 2 ? (pair as unknown[]) : []
    if (typeof key === 'string' && (typeof header === 'string' || header === null)) {
      return [key, decoded('header', header, bytes)]
    }
    throw new LineError('has a header that is not [key, value] with texts (the value may be null)')
  })
}

function whole(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= (name === 'timestamp' ? -1 : 0))
    return value
  throw new LineError(`has a ${name} that is not a whole number from 0 on`)
}
