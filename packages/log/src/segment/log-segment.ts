import { join } from 'node:path'
import { floorSlot } from './index-entries.ts'
import type { SegmentIndexes } from './segment-indexes.ts'
import { LOG_SUFFIX, OFFSET_INDEX_SUFFIX, segmentFileName, TIME_INDEX_SUFFIX } from './segment-files.ts'

/** One segment: a file of batches, the first of which starts at the base offset, and its indexes. */
export class LogSegment {
  static #made = 0
  /** Tells it from all others of this process, also from one that has its place later. */
  readonly id = ++LogSegment.#made
  readonly baseOffset: number
  readonly folder: string
  /** Changes once, when the segment is deleted and its file waits for its removal. */
  logPath: string
  /** Bytes that are written and whole; what the file has beyond is none of the log's. */
  size: number
  /** Bytes that the indexes have taken note of. */
  notedSize: number
  /**
   * The indexes of the newest segment, which grow; older ones have theirs in the store. A newest one whose files hold
   * all may go without until it takes an append.
   */
  indexes: SegmentIndexes | undefined
  /** The largest timestamp of the first batch: `segment.ms` counts from it. Undefined while unknown or empty. */
  rollTimestamp: number | undefined
  /** When it was made, or first asked: `segment.ms` counts from it where the first batch has no timestamp. */
  createdAt: number | undefined
  /** What is taken off `segment.ms`, milliseconds. Undefined until it is drawn. */
  rollJitterMs: number | undefined
  /** Whether its file is longer than what was written. */
  preallocated = false
  /** The largest timestamp of a segment that takes no more appends, -1 without. Undefined while nobody asked. */
  largestTimestamp: number | undefined
  /** When it was last written, milliseconds since the epoch. Undefined where that was not in this life: ask the file. */
  writtenAt: number | undefined
  /** Whether it left the log: nothing may be saved under its names any more. */
  deleted = false
  /** Whether the files of the indexes are behind the memory. */
  indexesChanged = false
  /** Whether the file takes no more appends although it is the newest: what it holds at its end is damaged. */
  sealed = false
  /** Whether the indexes of an older segment were compared with its end. */
  timesChecked = false
  /** Whether damage was met in it: the indexes do not tell of all that it held. */
  damaged = false

  constructor(folder: string, baseOffset: number, size: number) {
    this.folder = folder
    this.baseOffset = baseOffset
    this.size = size
    this.notedSize = size
    this.logPath = join(folder, segmentFileName(baseOffset, LOG_SUFFIX))
  }

  /** What the paths of all its files begin with. */
  get pathPrefix(): string {
    return join(this.folder, segmentFileName(this.baseOffset, '.'))
  }

  get offsetIndexPath(): string {
    return join(this.folder, segmentFileName(this.baseOffset, OFFSET_INDEX_SUFFIX))
  }

  get timeIndexPath(): string {
    return join(this.folder, segmentFileName(this.baseOffset, TIME_INDEX_SUFFIX))
  }
}

/** The segments of a log in the order of their base offsets; the last one takes the appends. */
export class LogSegments {
  #segments: LogSegment[]

  constructor(segments: readonly LogSegment[] = []) {
    this.#segments = [...segments].sort((a, b) => a.baseOffset - b.baseOffset)
  }

  get length(): number {
    return this.#segments.length
  }

  get first(): LogSegment | undefined {
    return this.#segments[0]
  }

  get last(): LogSegment | undefined {
    return this.#segments.at(-1)
  }

  add(segment: LogSegment): void {
    this.#segments.push(segment)
  }

  /** Who goes through the segments meanwhile still meets those that left. */
  removeFirst(count: number): void {
    this.#segments = this.#segments.slice(count)
  }

  removeLast(): LogSegment | undefined {
    return this.#segments.pop()
  }

  /** The segment that holds `offset` if any does: the last one whose base offset is at most `offset`. */
  floor(offset: number): LogSegment | undefined {
    return this.#segments[this.#slot(offset)]
  }

  /** Whether `segment` is still one of the log's. */
  has(segment: LogSegment): boolean {
    return this.floor(segment.baseOffset) === segment
  }

  /** The segment behind `segment`. */
  after(segment: LogSegment): LogSegment | undefined {
    return this.#segments[this.#slot(segment.baseOffset) + 1]
  }

  #slot(offset: number): number {
    return floorSlot(this.#segments.length, slot => (this.#segments[slot]?.baseOffset ?? 0) <= offset)
  }

  [Symbol.iterator](): Iterator<LogSegment> {
    return this.#segments[Symbol.iterator]()
  }
}
