import { VarveError } from '@varve/platform'
import { uuidText } from './uuid.ts'

const HIGH_WORD = 0x1_0000_0000

/**
 * Reads Kafka's primitives from one buffer. Every length and count is held against the bytes that are left before
 * anything is allocated for it; whatever does not fit is `CORRUPT_MESSAGE` with the message, the field and the position.
 */
export class ByteReader {
  readonly bytes: Buffer
  /** The next byte to read. */
  at: number
  /** The first byte that must not be read; narrowed while a tagged field is read. */
  end: number
  /** Named in errors. */
  message = 'message'
  field = ''
  /** Whether unknown tagged fields become objects or are stepped over. */
  keepUnknownTags = true

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get remaining(): number {
    return this.end - this.at
  }

  fail(what: string): never {
    const where = this.field === '' ? this.message : `${this.message}.${this.field}`
    throw new VarveError(
      'CORRUPT_MESSAGE',
      `${where} at byte ${this.at} cannot be read: ${what}; the bytes are damaged or of another type or version.`,
      { context: { field: where, position: this.at } },
    )
  }

  /** Steps over `size` bytes and returns where they start. */
  take(size: number): number {
    const start = this.at
    if (size > this.end - start) this.fail(`${size} bytes are announced and ${this.end - start} are left`)
    this.at = start + size
    return start
  }

  /** A count of elements that take at least `elementSizeMin` bytes each. */
  checkCount(count: number, elementSizeMin: number): number {
    if (count * elementSizeMin > this.end - this.at) {
      this.fail(`${count} elements are announced and ${this.end - this.at} bytes are left`)
    }
    return count
  }

  bool(): boolean {
    return this.bytes.readInt8(this.take(1)) !== 0
  }

  int8(): number {
    return this.bytes.readInt8(this.take(1))
  }

  int16(): number {
    return this.bytes.readInt16BE(this.take(2))
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.take(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.take(4))
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.take(4))
  }

  int64(): number {
    const at = this.take(8)
    const value = this.bytes.readInt32BE(at) * HIGH_WORD + this.bytes.readUInt32BE(at + 4)
    if (!Number.isSafeInteger(value)) {
      this.at = at
      this.fail(
        `${this.bytes.readBigInt64BE(at)} is beyond 2^53-1, the largest whole number that is exact here`,
      )
    }
    return value
  }

  bigint64(): bigint {
    return this.bytes.readBigInt64BE(this.take(8))
  }

  float64(): number {
    return this.bytes.readDoubleBE(this.take(8))
  }

  uuid(): string {
    return uuidText(this.bytes, this.take(16))
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(): number {
    const start = this.at
    let value = 0
    for (let index = 0; index < 5; index++) {
      const at = start + index
      if (at >= this.end) this.fail('the bytes end inside a varint')
      const byte = this.bytes.readUInt8(at)
      // The fifth byte has room for four bits; a multiplication, because a shift by 28 would leave a negative number.
      if (index === 4 && byte > 0x0f) break
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) {
        this.at = at + 1
        return value
      }
    }
    return this.fail('a varint is longer than 32 bits')
  }

  utf8(size: number): string {
    const start = this.take(size)
    return this.bytes.toString('utf8', start, start + size)
  }

  /** A view, not a copy: it lives as long as the buffer that was handed in stays as it is. */
  slice(size: number): Buffer {
    const start = this.take(size)
    return this.bytes.subarray(start, start + size)
  }
}
