import { IndexEntries, type IndexEntry } from './index-entries.ts'

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
  readonly stored: IndexEntries
  #last: TimestampOffset | undefined

  /** @param last the last of the stored entries */
  constructor(baseOffset: number, stored = new IndexEntries(TIME_ENTRY_SIZE), last?: TimestampOffset) {
    this.baseOffset = baseOffset
    this.stored = stored
    this.#last = last
  }

  get entries(): number {
    return this.stored.count
  }

  get last(): TimestampOffset | undefined {
    return this.#last
  }

  /** Adds an entry where the timestamp has grown since the last one. */
  maybeAppend(timestamp: number, offset: number): void {
    if (timestamp <= (this.#last?.timestamp ?? -1)) return
    const { bytes, at } = this.stored.add()
    bytes.writeInt32BE(Math.floor(timestamp / TWO_32), at)
    bytes.writeUInt32BE(timestamp % TWO_32, at + 4)
    bytes.writeInt32BE(offset - this.baseOffset, at + 8)
    this.#last = { timestamp, offset }
  }

  /**
   * The last entry whose timestamp is below `timestamp`, everything up to whose offset is older, and the one behind it:
   * the search went wrong at a lying entry if the two do not lie in order.
   */
  async before(
    timestamp: number,
  ): Promise<{ entry: TimestampOffset; next: TimestampOffset | undefined } | undefined> {
    const found = await this.stored.floor((bytes, at) => timestampAt(bytes, at) < timestamp)
    if (found === undefined) return undefined
    const next = await this.stored.entry(found.slot + 1)
    return { entry: timeEntryOf(this.baseOffset, found), next: next && timeEntryOf(this.baseOffset, next) }
  }

  /** The last entry whose offset is at most `offset`: the largest timestamp up to there. */
  async upTo(offset: number): Promise<TimestampOffset | undefined> {
    const relative = offset - this.baseOffset
    const found = await this.stored.floor((bytes, at) => bytes.readInt32BE(at + 8) <= relative)
    return found && timeEntryOf(this.baseOffset, found)
  }
}

export function timeEntryOf(baseOffset: number, { bytes, at }: Omit<IndexEntry, 'slot'>): TimestampOffset {
  return { timestamp: timestampAt(bytes, at), offset: baseOffset + bytes.readInt32BE(at + 8) }
}

function timestampAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)
}
