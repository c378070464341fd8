import { IndexEntries, type IndexEntry } from './index-entries.ts'

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
  readonly stored: IndexEntries
  #last: OffsetPosition | undefined

  /** @param last the last of the stored entries */
  constructor(baseOffset: number, stored = new IndexEntries(OFFSET_ENTRY_SIZE), last?: OffsetPosition) {
    this.baseOffset = baseOffset
    this.stored = stored
    this.#last = last
  }

  get entries(): number {
    return this.stored.count
  }

  get last(): OffsetPosition | undefined {
    return this.#last
  }

  append(offset: number, position: number): void {
    const { bytes, at } = this.stored.add()
    bytes.writeInt32BE(offset - this.baseOffset, at)
    bytes.writeInt32BE(position, at + 4)
    this.#last = { offset, position }
  }

  /**
   * The last entry whose offset is at most `offset`, and the one behind it: the search went wrong at a lying entry if
   * the two do not lie in order.
   */
  async floor(
    offset: number,
  ): Promise<{ entry: OffsetPosition; next: OffsetPosition | undefined } | undefined> {
    const relative = offset - this.baseOffset
    const found = await this.stored.floor((bytes, at) => bytes.readInt32BE(at) <= relative)
    if (found === undefined) return undefined
    const next = await this.stored.entry(found.slot + 1)
    return {
      entry: offsetEntryOf(this.baseOffset, found),
      next: next && offsetEntryOf(this.baseOffset, next),
    }
  }

  /** The positions from the first entry at `position` or behind it on, at most `max` of them. */
  async positionsFrom(position: number, max: number): Promise<Set<number>> {
    const before = await this.stored.floor((bytes, at) => bytes.readInt32BE(at + 4) < position)
    const positions = new Set<number>()
    for (let slot = (before?.slot ?? -1) + 1; positions.size < max; slot++) {
      const entry = await this.stored.entry(slot)
      if (entry === undefined) break
      positions.add(offsetEntryOf(this.baseOffset, entry).position)
    }
    return positions
  }
}

export function offsetEntryOf(baseOffset: number, { bytes, at }: Omit<IndexEntry, 'slot'>): OffsetPosition {
  return { offset: baseOffset + bytes.readInt32BE(at), position: bytes.readInt32BE(at + 4) }
}
