import { LRUCache } from 'lru-cache'
import { isVarveError, type Vfs } from '@varve/platform'
import { logLimits } from '../limits.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { LogSegment } from './log-segment.ts'
import { OffsetIndex } from './offset-index.ts'
import { SegmentIndexes } from './segment-indexes.ts'
import type { BatchSpan, SegmentScanner } from './segment-scanner.ts'
import { TimeIndex } from './time-index.ts'

/** Reads, keeps, rebuilds and saves the indexes of segments, for a whole directory. */
export class IndexStore {
  readonly #vfs: Vfs
  readonly #cache = new LRUCache<LogSegment, SegmentIndexes>({
    maxSize: logLimits.indexCacheBytesMax,
    sizeCalculation: indexes => indexes.offsets.bytes.length + indexes.times.bytes.length + 256,
  })

  constructor(vfs: Vfs) {
    this.#vfs = vfs
  }

  /** The indexes of a segment if they are in memory. */
  cached(segment: LogSegment): SegmentIndexes | undefined {
    return segment.indexes ?? this.#cache.get(segment)
  }

  keep(segment: LogSegment, indexes: SegmentIndexes): void {
    this.#cache.set(segment, indexes)
  }

  forget(segment: LogSegment): void {
    this.#cache.delete(segment)
  }

  /** The indexes that the segment's files hold; `undefined` when a file is missing or cannot be true. */
  async read(segment: LogSegment): Promise<SegmentIndexes | undefined> {
    const offsetBytes = await this.#readFile(segment.offsetIndexPath)
    const timeBytes = await this.#readFile(segment.timeIndexPath)
    if (offsetBytes === undefined || timeBytes === undefined) return undefined
    const offsets = OffsetIndex.parse(offsetBytes, { baseOffset: segment.baseOffset, logSize: segment.size })
    const times = TimeIndex.parse(timeBytes, { baseOffset: segment.baseOffset })
    if (offsets === undefined || times === undefined) return undefined
    segment.savedOffsetEntries = offsets.entries
    segment.savedTimeEntries = times.entries
    // A preallocated rest has to go before a clean end: Kafka would take its zeros for entries then.
    const preallocated = offsetBytes.length + timeBytes.length - offsets.bytes.length - times.bytes.length
    if (preallocated > 0) segment.indexesChanged = true
    return new SegmentIndexes(offsets, times)
  }

  /**
   * Makes the indexes anew from the batches; damage is stepped over where sound batches follow. The newest segment may
   * grow meanwhile: what came is caught up with before the new indexes take the place of the old ones.
   */
  async rebuild(
    segment: LogSegment,
    scannerOf: (size: number) => SegmentScanner,
    intervalBytes: number,
  ): Promise<SegmentIndexes> {
    const indexes = SegmentIndexes.empty(segment.baseOffset)
    let expected = segment.baseOffset
    let position = 0
    let previous: BatchSpan | undefined
    while (position < segment.notedSize) {
      const scanner = scannerOf(segment.notedSize)
      while (position < scanner.size) {
        let span = await scanner.peek(position)
        if (span === undefined || !scanner.continues(expected, span))
          span = await scanner.findSoundAfter({ position, expected, previous }, () => false)
        if (span === undefined) {
          position = scanner.size
          break
        }
        indexes.note(span, intervalBytes)
        position = span.position + span.size
        expected = span.lastOffset + 1
        previous = span
      }
    }
    segment.savedOffsetEntries = 0
    segment.savedTimeEntries = 0
    segment.indexesChanged = true
    segment.timesChecked = true
    if (segment.indexes !== undefined) segment.indexes = indexes
    else {
      indexes.seal()
      this.keep(segment, indexes)
    }
    return indexes
  }

  /**
   * Writes the entries that the files lack and cuts what they have too much. Not synced: whoever needs that passes
   * `sync`.
   */
  async save(segment: LogSegment, indexes: SegmentIndexes, { sync }: { sync: boolean }): Promise<void> {
    const { offsets, times } = indexes
    await this.#saveFile(segment.offsetIndexPath, offsets.bytes, segment.savedOffsetEntries * 8, sync)
    await this.#saveFile(segment.timeIndexPath, times.bytes, segment.savedTimeEntries * 12, sync)
    segment.savedOffsetEntries = offsets.entries
    segment.savedTimeEntries = times.entries
  }

  /** Entries that a crash would cost. */
  unsaved(segment: LogSegment, indexes: SegmentIndexes): number {
    return indexes.offsets.entries - segment.savedOffsetEntries
  }

  async #readFile(path: string): Promise<Buffer | undefined> {
    try {
      return await this.#vfs.readFile(path, { max: 2 ** 31 })
    } catch (error) {
      if (isVarveError(error, 'NOT_FOUND', 'TOO_LARGE')) return undefined
      throw error
    }
  }

  async #saveFile(path: string, bytes: Buffer, saved: number, sync: boolean): Promise<void> {
    const file = await this.#vfs.open(path, 'create')
    try {
      const from = Math.min(saved, bytes.length)
      if (from < bytes.length) await file.write([bytes.subarray(from)], from)
      if ((await file.stat()).size !== bytes.length) await file.truncate(bytes.length)
      if (sync && !plantedBugs.dataSyncLeftOut) await file.datasync()
    } finally {
      await file.close()
    }
  }
}
