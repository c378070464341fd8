import { VarveError } from '@varve/platform'
import type { RecordHeader } from './record.ts'
import { VarintReader } from './varint.ts'

/** Decodes a count and that many headers, which must fill `bytes` exactly. */
export function readHeaders(bytes: Buffer): RecordHeader[] {
  const headers: RecordHeader[] = []
  forEachHeader(bytes, (key, value) => headers.push({ key: key.toString('utf8'), value }))
  return headers
}

/** Checks headers, and hands them over where someone takes them. */
export function forEachHeader(
  bytes: Buffer,
  take: ((key: Buffer, value: Buffer | null) => void) | undefined,
): void {
  const numbers = new VarintReader(bytes, 0, bytes.length)
  const count = numbers.readVarint()
  // A header takes two bytes at least: a count beyond that is refused before anything is made of it.
  if (count < 0 || count > (bytes.length - numbers.at) / 2)
    throw badSize('headers count', 0, count, bytes.length)
  for (let index = 0; index < count; index++) {
    const keySize = numbers.readVarint()
    const keyAt = numbers.at
    numbers.at += keySize
    if (keySize < 0 || numbers.at > bytes.length)
      throw badSize('header key', keyAt, keySize, bytes.length - keyAt)
    const valueSize = numbers.readVarint()
    const valueAt = numbers.at
    if (valueSize > 0) numbers.at += valueSize
    if (valueSize < -1 || numbers.at > bytes.length) {
      throw badSize('header value', valueAt, valueSize, bytes.length - valueAt)
    }
    take?.(bytes.subarray(keyAt, keyAt + keySize), valueSize < 0 ? null : bytes.subarray(valueAt, numbers.at))
  }
  if (numbers.at !== bytes.length) throw trailing(numbers.at, bytes.length)
}

export function badSize(what: string, position: number, found: number, max: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The ${what} at position ${position} of the records says ${found}, but ${Math.max(max, 0)} bytes are left, so the batch is damaged.`,
    { context: { position, found, max } },
  )
}

export function trailing(position: number, end: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The last record ends at position ${position}, but ${end - position} bytes follow it, so the batch is damaged.`,
    { context: { position, found: end - position, wanted: 0 } },
  )
}
