import { VarveError } from '@varve/platform'

/*
 * Signed integers as Kafka's records hold them: zigzag (0, -1, 1, -2 … become 0, 1, 2, 3 …), then seven bits a byte,
 * low bits first, the top bit set on all but the last. Varint is 32 bits wide (at most 5 bytes), varlong 64 (at most
 * 10). Source: protobuf's encoding guide, as in org.apache.kafka.common.utils.ByteUtils.
 */

/** Bytes that `value`, a safe integer, takes. */
export function sizeOfVarlong(value: number): number {
  if (value >= -0x40 && value < 0x40) return 1
  // The lowest seven bits of the zigzag form hold six bits of the magnitude and the sign.
  let rest = Math.floor((value >= 0 ? value : -value - 1) / 0x40)
  let size = 1
  while (rest > 0) {
    rest = Math.floor(rest / 0x80)
    size++
  }
  return size
}

/** Writes a safe integer and returns the position behind it. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value >= -0x40 && value < 0x40) {
    bytes[at] = (value << 1) ^ (value >> 31)
    return at + 1
  }
  const magnitude = value >= 0 ? value : -value - 1
  let rest = Math.floor(magnitude / 0x40)
  let byte = (magnitude % 0x40) * 2 + (value >= 0 ? 0 : 1)
  while (rest > 0) {
    bytes[at++] = byte | 0x80
    byte = rest % 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = byte
  return at
}

/** Bytes that a length or count (-1 to 2^31 - 1) takes as a varint. */
export function sizeOfLength(length: number): number {
  const rest = (length << 1) ^ (length >> 31)
  if (rest >>> 7 === 0) return 1
  if (rest >>> 14 === 0) return 2
  if (rest >>> 21 === 0) return 3
  return rest >>> 28 === 0 ? 4 : 5
}

/** Writes an int32 as a varint and returns the position behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = (value << 1) ^ (value >> 31)
  while (rest >>> 7 !== 0) {
    bytes[at++] = rest | 0x80 // stored as one byte: the higher bits fall away
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

/** Reads varints one after the other from `at` up to `end`; the position moves along. */
export class VarintReader {
  bytes: Buffer
  at: number
  end: number

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** @throws `CORRUPT_MESSAGE` past the end, or for one longer than 5 bytes or wider than 32 bits */
  readVarint(): number {
    const first = this.at < this.end ? (this.bytes[this.at] ?? 0x80) : 0x80
    if (first < 0x80) {
      this.at++
      return (first >>> 1) ^ -(first & 1)
    }
    return this.readLongVarint()
  }

  /** @throws `CORRUPT_MESSAGE` past the end, or beyond ±(2^53 - 1) */
  readVarlong(): number {
    const first = this.at < this.end ? (this.bytes[this.at] ?? 0x80) : 0x80
    if (first < 0x80) {
      this.at++
      return (first >>> 1) ^ -(first & 1)
    }
    return this.readLongVarlong()
  }

  private readLongVarint(): number {
    const { bytes, end } = this
    let at = this.at
    let rest = 0
    for (let shift = 0; shift <= 28; shift += 7) {
      if (at >= end) throw cutShort(at)
      const byte = bytes[at++] ?? 0
      if (shift === 28 && byte > 0x0f) throw tooWide(this.at, 32)
      rest |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    this.at = at
    return (rest >>> 1) ^ -(rest & 1)
  }

  private readLongVarlong(): number {
    const { bytes, end } = this
    let at = this.at
    let low = 0 // 28 bits
    let high = 0 // what lies above them
    let scale = 1
    for (let index = 0; ; index++) {
      if (at >= end) throw cutShort(at)
      // Ten bytes hold 64 bits and more; eight hold 56, and anything above 2^54 is unreadable here anyway.
      if (index === 10) throw tooWide(this.at, 64)
      const byte = bytes[at++] ?? 0
      if (index < 4) low += (byte & 0x7f) * 2 ** (7 * index)
      else {
        high += (byte & 0x7f) * scale
        scale *= 0x80
      }
      if (byte < 0x80) break
    }
    // The value is (high * 2^28 + low), zigzag: the lowest bit is the sign.
    const half = high * 0x800_0000 + Math.floor(low / 2)
    const value = (low & 1) === 0 ? half : -half - 1
    if (!Number.isSafeInteger(value)) throw tooWide(this.at, 53)
    this.at = at
    return value
  }
}

function cutShort(position: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The records end inside a number at position ${position}, so the batch is damaged.`,
    {
      context: { position },
    },
  )
}

function tooWide(position: number, bits: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The number at position ${position} is wider than ${bits} bits, so the batch is damaged.`,
    { context: { position, max: bits } },
  )
}
