/*
 * `.index`: entries of 8 bytes, big-endian:
 *
 *   0  relative offset  int32   last offset of a batch, minus the segment's base offset
 *   4  position         int32   where that batch starts in the segment
 *
 * Offsets and positions grow from entry to entry. Kafka preallocates the file: zeros behind the last entry are no
 * entries. Source: apache/kafka, org.apache.kafka.storage.internals.log.OffsetIndex.
 */

export const OFFSET_ENTRY_SIZE = 8

export interface OffsetPosition {
  /** The last offset of a batch. */
  readonly offset: number
  /** Where that batch starts in the segment's file. */
  readonly position: number
}

/** Where batches lie in one segment, sparsely. A cache: what it says is checked against the batch found there. */
export class OffsetIndex {
  readonly baseOffset: number
  #bytes: Buffer
  #entries: number

  constructor(baseOffset: number, bytes: Buffer = Buffer.alloc(0), entries = 0) {
    this.baseOffset = baseOffset
    this.#bytes = bytes
    this.#entries = entries
  }

  /** The index that a file holds, `undefined` when its entries cannot be true for a segment of `logSize` bytes. */
  static parse(
    bytes: Buffer,
    { baseOffset, logSize }: { baseOffset: number; logSize: number },
  ): OffsetIndex | undefined {
    if (bytes.length % OFFSET_ENTRY_SIZE !== 0) return undefined
    const entries = entriesBeforeZeros(bytes, OFFSET_ENTRY_SIZE, 0)
    let offset = -1
    let position = 0
    for (let at = 0; at < entries * OFFSET_ENTRY_SIZE; at += OFFSET_ENTRY_SIZE) {
      const nextOffset = bytes.readInt32BE(at)
      const nextPosition = bytes.readInt32BE(at + 4)
      // Position 0 is never indexed: the first entry comes after at least one batch.
      if (nextOffset <= offset || nextPosition <= position) return undefined
      offset = nextOffset
      position = nextPosition
    }
    return position < logSize || entries === 0 ? new OffsetIndex(baseOffset, bytes, entries) : undefined
  }

  get entries(): number {
    return this.#entries
  }

  /** The entries as the file holds them, without a preallocated rest. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#entries * OFFSET_ENTRY_SIZE)
  }

  get last(): OffsetPosition | undefined {
    return this.#entries === 0 ? undefined : this.#at(this.#entries - 1)
  }

  append(offset: number, position: number): void {
    const at = this.#entries * OFFSET_ENTRY_SIZE
    this.#bytes = withRoom(this.#bytes, at, OFFSET_ENTRY_SIZE)
    this.#bytes.writeInt32BE(offset - this.baseOffset, at)
    this.#bytes.writeInt32BE(position, at + 4)
    this.#entries++
  }

  /** The last entry whose offset is at most `offset`. */
  floor(offset: number): OffsetPosition | undefined {
    const relative = offset - this.baseOffset
    const slot = floorSlot(
      this.#entries,
      slot => this.#bytes.readInt32BE(slot * OFFSET_ENTRY_SIZE) <= relative,
    )
    return slot < 0 ? undefined : this.#at(slot)
  }

  /** Whether an entry points exactly at `position`. */
  hasPosition(position: number): boolean {
    const slot = floorSlot(
      this.#entries,
      slot => this.#bytes.readInt32BE(slot * OFFSET_ENTRY_SIZE + 4) <= position,
    )
    return slot >= 0 && this.#at(slot).position === position
  }

  /** Forgets the entries from `position` on. */
  truncateTo(position: number): void {
    while (this.#entries > 0 && this.#at(this.#entries - 1).position >= position) this.#entries--
  }

  #at(slot: number): OffsetPosition {
    const at = slot * OFFSET_ENTRY_SIZE
    return {
      offset: this.baseOffset + this.#bytes.readInt32BE(at),
      position: this.#bytes.readInt32BE(at + 4),
    }
  }
}

/** The last slot for which `fits` holds, where it holds for a first part of the slots; -1 for none. */
export function floorSlot(slots: number, fits: (slot: number) => boolean): number {
  let low = -1
  let high = slots - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}

/** How many whole entries come before the zeros at the end; never fewer than `atLeast` where there are as many. */
export function entriesBeforeZeros(bytes: Buffer, entrySize: number, atLeast: number): number {
  let used = bytes.length
  while (used > 0 && bytes[used - 1] === 0) used--
  return Math.max(Math.ceil(used / entrySize), Math.min(atLeast, bytes.length / entrySize))
}

/** `bytes` with room for `size` more at `at`; grows by doubling. */
export function withRoom(bytes: Buffer, at: number, size: number): Buffer {
  if (at + size <= bytes.length) return bytes
  const grown = Buffer.alloc(Math.max(64 * size, bytes.length * 2))
  bytes.copy(grown, 0, 0, at)
  return grown
}
