import { OFFSET_ENTRY_SIZE, OffsetIndex } from './offset-index.ts'
import { TIME_ENTRY_SIZE, TimeIndex, type TimestampOffset } from './time-index.ts'

/** What an index has to know of a batch. */
export interface IndexedBatch {
  readonly position: number
  readonly size: number
  readonly lastOffset: number
  readonly maxTimestamp: number
}

/**
 * Both indexes of a segment and the state that decides when they take an entry. Appending, recovering and rebuilding
 * all go through `note`, so that they agree to the byte with each other and with Kafka (`LogSegment.append`, `recover`).
 */
export class SegmentIndexes {
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
  /** The largest timestamp of the segment so far, -1 without. */
  maxTimestamp: number
  /** The last offset of the batch that holds it. */
  offsetOfMaxTimestamp: number
  /** The last entry of the time index's file, which may have been cut here. */
  readonly #lastTimeInFile: TimestampOffset | undefined
  #bytesSinceEntry = 0

  constructor(offsets: OffsetIndex, times: TimeIndex, lastTimeInFile?: TimestampOffset) {
    this.offsets = offsets
    this.times = times
    this.#lastTimeInFile = lastTimeInFile
    this.maxTimestamp = times.last?.timestamp ?? -1
    this.offsetOfMaxTimestamp = times.last?.offset ?? offsets.baseOffset
  }

  static empty(baseOffset: number): SegmentIndexes {
    return new SegmentIndexes(new OffsetIndex(baseOffset), new TimeIndex(baseOffset))
  }

  /** Takes note of the batch that comes next; adds entries if `intervalBytes` have passed since the last ones. */
  note(batch: IndexedBatch, intervalBytes: number): void {
    this.noteTimestamp(batch)
    if (this.#bytesSinceEntry > intervalBytes) {
      this.offsets.append(batch.lastOffset, batch.position)
      this.times.maybeAppend(this.maxTimestamp, this.offsetOfMaxTimestamp)
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += batch.size
  }

  /** Takes note of the batch that the last offset entry points at, when going on behind indexes read from files. */
  resume(batch: IndexedBatch): void {
    this.noteTimestamp(batch)
    this.#bytesSinceEntry = batch.size
  }

  /** The last time entry is forced when a segment is finished, so that its largest timestamp can be read off. */
  seal(): void {
    this.times.maybeAppend(this.maxTimestamp, this.offsetOfMaxTimestamp)
  }

  /** Whether the files are behind, or hold what they should not. */
  get changed(): boolean {
    return this.offsets.stored.changed || this.times.stored.changed
  }

  /** Bytes of entries that are in no file. */
  get unsavedBytes(): number {
    return this.offsets.stored.unsavedBytes.length + this.times.stored.unsavedBytes.length
  }

  /**
   * Having gone on behind the last entry to the end of the segment: a last time entry that was forced when the log was
   * closed stays, and is not written anew.
   */
  settle(): void {
    const last = this.#lastTimeInFile
    if (last?.timestamp !== this.maxTimestamp || last.offset !== this.offsetOfMaxTimestamp) return
    this.seal()
    if (this.offsets.stored.unsaved === 0) this.times.stored.adopt()
  }

  /** Whether one of the two would not take another entry within `bytesMax`. */
  isFull(bytesMax: number): boolean {
    const offsetsMax = Math.floor(bytesMax / OFFSET_ENTRY_SIZE)
    // Kafka keeps the last place of the time index for the entry that is forced at the end.
    const timesMax = Math.floor(bytesMax / TIME_ENTRY_SIZE) - 1
    return this.offsets.entries >= offsetsMax || this.times.entries >= timesMax
  }

  private noteTimestamp(batch: IndexedBatch): void {
    if (batch.maxTimestamp <= this.maxTimestamp) return
    this.maxTimestamp = batch.maxTimestamp
    this.offsetOfMaxTimestamp = batch.lastOffset
  }
}
