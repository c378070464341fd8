import { VarveError } from '@varve/platform'
import { writeUuid } from './uuid.ts'

const HIGH_WORD = 0x1_0000_0000

/** Writes Kafka's primitives into one growing buffer. A value that does not fit its type is `INVALID_ARGUMENT`. */
export class ByteWriter {
  /** Named in errors. */
  message = 'message'
  field = ''
  #bytes: Buffer
  #at = 0

  constructor(sizeHint = 256) {
    this.#bytes = Buffer.allocUnsafe(sizeHint)
  }

  get size(): number {
    return this.#at
  }

  /** What was written so far: a view that later writes leave as it is. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  fail(wanted: string, found: unknown, code = 'INVALID_ARGUMENT'): never {
    const where = this.field === '' ? this.message : `${this.message}.${this.field}`
    const shown = typeof found === 'string' || typeof found === 'number' ? `: ${found}` : `: ${typeof found}`
    throw new VarveError(code, `${where} must be ${wanted}, found${shown.slice(0, 80)}.`, {
      context: { field: where, wanted, found },
    })
  }

  #room(size: number): number {
    const at = this.#at
    const needed = at + size
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#at = needed
    return at
  }

  #checked(value: number, min: number, max: number): number {
    if (!Number.isInteger(value) || value < min || value > max) {
      this.fail(`a whole number from ${min} to ${max}`, value)
    }
    return value
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') this.fail('true or false', value)
    const at = this.#room(1)
    this.#bytes.writeInt8(value ? 1 : 0, at)
  }

  int8(value: number): void {
    this.#checked(value, -0x80, 0x7f)
    const at = this.#room(1)
    this.#bytes.writeInt8(value, at)
  }

  int16(value: number): void {
    this.#checked(value, -0x8000, 0x7fff)
    const at = this.#room(2)
    this.#bytes.writeInt16BE(value, at)
  }

  uint16(value: number): void {
    this.#checked(value, 0, 0xffff)
    const at = this.#room(2)
    this.#bytes.writeUInt16BE(value, at)
  }

  int32(value: number): void {
    this.#checked(value, -0x8000_0000, 0x7fff_ffff)
    const at = this.#room(4)
    this.#bytes.writeInt32BE(value, at)
  }

  uint32(value: number): void {
    this.#checked(value, 0, 0xffff_ffff)
    const at = this.#room(4)
    this.#bytes.writeUInt32BE(value, at)
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) this.fail('a whole number up to 2^53-1', value)
    const high = Math.floor(value / HIGH_WORD)
    const at = this.#room(8)
    this.#bytes.writeInt32BE(high, at)
    this.#bytes.writeUInt32BE(value - high * HIGH_WORD, at + 4)
  }

  bigint64(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value)
      this.fail('a bigint of 64 bits', value)
    const at = this.#room(8)
    this.#bytes.writeBigInt64BE(value, at)
  }

  float64(value: number): void {
    if (typeof value !== 'number') this.fail('a number', value)
    const at = this.#room(8)
    this.#bytes.writeDoubleBE(value, at)
  }

  uuid(value: string): void {
    const at = this.#room(16)
    if (!writeUuid(value, this.#bytes, at)) this.fail('an id of 22 base64url characters', value)
  }

  uvarint(value: number): void {
    this.#checked(value, 0, 0xffff_ffff)
    let rest = value
    while (rest >= 0x80) {
      const at = this.#room(1)
      this.#bytes.writeUInt8((rest % 0x80) | 0x80, at)
      rest = Math.floor(rest / 0x80)
    }
    const at = this.#room(1)
    this.#bytes.writeUInt8(rest, at)
  }

  /** `size` is `Buffer.byteLength(value)`, which the caller needed for the length in front. */
  utf8(value: string, size: number): void {
    const at = this.#room(size)
    this.#bytes.write(value, at, size, 'utf8')
  }

  raw(value: Uint8Array): void {
    const at = this.#room(value.length)
    this.#bytes.set(value, at)
  }
}
