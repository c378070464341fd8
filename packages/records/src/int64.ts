import { VarveError } from '@varve/platform'

const TWO_32 = 0x1_0000_0000

/**
 * Reads a big-endian int64 as a number.
 *
 * @throws `CORRUPT_MESSAGE` beyond ±(2^53 - 1), which no offset, timestamp or producer id of a real log reaches
 */
export function readInt64(bytes: Buffer, at: number): number {
  const value = bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)
  if (!Number.isSafeInteger(value)) throw beyondSafe(value, at)
  return value
}

/** Writes a safe integer as a big-endian int64. */
export function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  writeInt32(bytes, at, Math.floor(value / TWO_32))
  writeInt32(bytes, at + 4, value)
}

/** Writes the low 32 bits of `value`, big-endian: works for int32 and uint32. */
export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Writes the low 16 bits of `value`, big-endian. */
export function writeInt16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

function beyondSafe(value: number, position: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The 64-bit number at position ${position} is about ${value}, beyond what any offset, timestamp or producer id can be, so the bytes are damaged.`,
    { context: { position, found: value, max: Number.MAX_SAFE_INTEGER } },
  )
}
