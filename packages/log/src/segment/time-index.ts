import { entriesBeforeZeros, floorSlot, withRoom } from './offset-index.ts'

/*
 * `.timeindex`: entries of 12 bytes, big-endian:
 *
 *   0  timestamp        int64   the largest timestamp up to here
 *   8  relative offset  int32   last offset of the batch that holds it, minus the segment's base offset
 *
 * Timestamps grow from entry to entry. Source: apache/kafka, org.apache.kafka.storage.internals.log.TimeIndex.
 */

export const TIME_ENTRY_SIZE = 12
const TWO_32 = 0x1_0000_0000

export interface TimestampOffset {
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** The last offset of the batch that holds this timestamp as its largest. */
  readonly offset: number
}

/** Which timestamps a segment had reached where, sparsely. A cache, like the offset index. */
export class TimeIndex {
  readonly baseOffset: number
  #bytes: Buffer
  #entries: number

  constructor(baseOffset: number, bytes: Buffer = Buffer.alloc(0), entries = 0) {
    this.baseOffset = baseOffset
    this.#bytes = bytes
    this.#entries = entries
  }

  /** The index that a file holds, `undefined` when its entries cannot be true. */
  static parse(bytes: Buffer, { baseOffset }: { baseOffset: number }): TimeIndex | undefined {
    if (bytes.length % TIME_ENTRY_SIZE !== 0) return undefined
    // One entry of zeros alone is a batch at offset 0 with the timestamp 0, not a preallocated rest.
    const entries = entriesBeforeZeros(bytes, TIME_ENTRY_SIZE, bytes.length === TIME_ENTRY_SIZE ? 1 : 0)
    const index = new TimeIndex(baseOffset, bytes, entries)
    let previous: TimestampOffset = { timestamp: -1, offset: baseOffset }
    for (let slot = 0; slot < entries; slot++) {
      const next = index.#at(slot)
      if (!(next.timestamp > previous.timestamp) || next.offset < previous.offset) return undefined
      if (!Number.isSafeInteger(next.timestamp)) return undefined
      previous = next
    }
    return index
  }

  get entries(): number {
    return this.#entries
  }

  /** The entries as the file holds them, without a preallocated rest. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#entries * TIME_ENTRY_SIZE)
  }

  get last(): TimestampOffset | undefined {
    return this.#entries === 0 ? undefined : this.#at(this.#entries - 1)
  }

  /** Adds an entry if the timestamp is larger than all before. */
  maybeAppend(timestamp: number, offset: number): void {
    if (timestamp <= (this.last?.timestamp ?? -1)) return
    const at = this.#entries * TIME_ENTRY_SIZE
    this.#bytes = withRoom(this.#bytes, at, TIME_ENTRY_SIZE)
    this.#bytes.writeInt32BE(Math.floor(timestamp / TWO_32), at)
    this.#bytes.writeUInt32BE(timestamp % TWO_32, at + 4)
    this.#bytes.writeInt32BE(offset - this.baseOffset, at + 8)
    this.#entries++
  }

  /** The last entry whose timestamp is below `timestamp`: everything up to its offset is older. */
  before(timestamp: number): TimestampOffset | undefined {
    const slot = floorSlot(this.#entries, slot => this.#at(slot).timestamp < timestamp)
    return slot < 0 ? undefined : this.#at(slot)
  }

  /** Forgets the entries of `offset` and above. */
  truncateTo(offset: number): void {
    while (this.#entries > 0 && this.#at(this.#entries - 1).offset >= offset) this.#entries--
  }

  #at(slot: number): TimestampOffset {
    const at = slot * TIME_ENTRY_SIZE
    const timestamp = this.#bytes.readInt32BE(at) * TWO_32 + this.#bytes.readUInt32BE(at + 4)
    return { timestamp, offset: this.baseOffset + this.#bytes.readInt32BE(at + 8) }
  }
}
