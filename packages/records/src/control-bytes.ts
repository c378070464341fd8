import { VarveError } from '@varve/platform'
import { readInt64 } from './int64.ts'

/*
 * The primitives of Kafka's flexible messages, as far as control records use them: lengths and counts are unsigned
 * varints, one more than they say (0 is null), and every structure ends with tagged fields.
 */

/** Reads a control record's value, every length checked against what is left. */
export class ControlReader {
  private readonly bytes: Buffer
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
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

  int64(): number {
    return readInt64(this.bytes, this.take(8))
  }

  uuid(): string {
    const at = this.take(16)
    return this.bytes.toString('base64url', at, at + 16)
  }

  string(): string {
    const size = this.unsignedVarint() - 1
    const at = this.take(size)
    return this.bytes.toString('utf8', at, at + size)
  }

  /** @param sizeMin the fewest bytes that an item takes: a count that cannot fit is refused */
  array<T>(sizeMin: number, read: () => T): T[] {
    const count = this.unsignedVarint() - 1
    if (count > (this.bytes.length - this.at) / sizeMin) throw this.cutShort(count * sizeMin)
    const items: T[] = []
    while (items.length < count) items.push(read())
    return items
  }

  /** Tagged fields are additions of later versions; none is known here. */
  skipTags(): void {
    const count = this.unsignedVarint()
    for (let index = 0; index < count; index++) {
      this.unsignedVarint()
      this.take(this.unsignedVarint())
    }
  }

  private unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.bytes[this.take(1)] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw this.cutShort(1)
  }

  private take(size: number): number {
    const at = this.at
    if (size < 0 || size > this.bytes.length - at) throw this.cutShort(size)
    this.at += size
    return at
  }

  private cutShort(wanted: number): VarveError {
    return new VarveError('CORRUPT_MESSAGE', `A control record is damaged at byte ${this.at} of its value.`, {
      context: { position: this.at, wanted, found: this.bytes.length - this.at },
    })
  }
}

/** Writes a control record's value. They are small and rare: plain parts, joined at the end. */
export class ControlWriter {
  private readonly bytes: number[] = []

  int16(value: number): void {
    this.bytes.push((value >> 8) & 0xff, value & 0xff)
  }

  int32(value: number): void {
    this.int16(value >> 16)
    this.int16(value)
  }

  int64(value: number): void {
    this.int32(Math.floor(value / 2 ** 32))
    this.int32(value)
  }

  /** @param uuid 16 bytes in base64url; absent: zeros */
  uuid(uuid: string | undefined): void {
    const bytes = Buffer.alloc(16)
    if (uuid !== undefined) Buffer.from(uuid, 'base64url').copy(bytes)
    this.bytes.push(...bytes)
  }

  string(text: string): void {
    const bytes = Buffer.from(text, 'utf8')
    this.unsignedVarint(bytes.length + 1)
    this.bytes.push(...bytes)
  }

  array<T>(items: readonly T[], write: (item: T) => void): void {
    this.unsignedVarint(items.length + 1)
    for (const item of items) write(item)
  }

  noTags(): void {
    this.bytes.push(0)
  }

  finish(): Buffer {
    return Buffer.from(this.bytes)
  }

  private unsignedVarint(value: number): void {
    for (; value >= 0x80; value >>>= 7) this.bytes.push((value & 0x7f) | 0x80)
    this.bytes.push(value)
  }
}
