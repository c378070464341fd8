import { isVarveError, type VfsFile } from '@varve/platform'
import type { OpenFiles } from '../files/open-files.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { IndexEntries } from './index-entries.ts'
import { corruptIndex, IndexPages } from './index-pages.ts'
import type { LogSegment } from './log-segment.ts'
import { OFFSET_ENTRY_SIZE, OffsetIndex, offsetEntryOf } from './offset-index.ts'
import { SegmentIndexes } from './segment-indexes.ts'
import type { BatchSpan, SegmentScanner } from './segment-scanner.ts'
import { TIME_ENTRY_SIZE, timeEntryOf, TimeIndex } from './time-index.ts'

/** Bytes that are read at a time behind the last entry of a file that Kafka preallocated. */
const ZEROS_CHUNK_BYTES = 60 * 1024

/** Reads, keeps, rebuilds and saves the indexes of segments, for a whole directory. */
export class IndexStore {
  readonly #files: OpenFiles
  readonly #pages: IndexPages<SegmentIndexes>
  readonly #rebuilding = new Map<LogSegment, Promise<SegmentIndexes>>()

  /** @param options.bytesMax of memory for what files hold */
  constructor(files: OpenFiles, options: { bytesMax: number }) {
    this.#files = files
    this.#pages = new IndexPages(files, options)
  }

  /** Bytes of memory for what files hold. */
  get bytes(): number {
    return this.#pages.bytes
  }

  /** The indexes of a segment if they are in memory. */
  cached(segment: LogSegment): SegmentIndexes | undefined {
    return segment.indexes ?? this.#pages.known(segment.id)
  }

  keep(segment: LogSegment, indexes: SegmentIndexes): void {
    this.#pages.keep(segment.id, indexes, indexes.unsavedBytes)
  }

  /** Gives up what is known of a segment whose files are gone or no longer its own. */
  forget(segment: LogSegment): void {
    this.#pages.forget(segment.id)
  }

  /**
   * The indexes that the segment's files hold; `undefined` when a file is missing or cannot be true. Only their last
   * entries are read now, the others when they are wanted.
   *
   * @param below leaves out what lies behind the last batch with an entry and a last offset below this one
   */
  async read(segment: LogSegment, below = Infinity): Promise<SegmentIndexes | undefined> {
    try {
      let offsets = await this.#readOffsets(segment, below)
      const end = below === Infinity ? Infinity : (offsets.last?.offset ?? -1)
      let { times, lastInFile } = await this.#readTimes(segment, end)
      // Whoever goes on behind the last entry needs to know the largest timestamp up to there. The files are not synced
      // together: where times end earlier, a crash may have taken some, so what is sure ends with them.
      if (below !== Infinity && offsets.last !== undefined && times.last?.offset !== offsets.last.offset) {
        if (times.last === undefined) return undefined
        offsets = await this.#readOffsets(segment, times.last.offset + 1)
        ;({ times, lastInFile } = await this.#readTimes(segment, offsets.last?.offset ?? -1))
      }
      const indexes = new SegmentIndexes(offsets, times, lastInFile)
      // A preallocated rest has to go before a clean end: Kafka would take its zeros for entries then.
      if (below === Infinity && indexes.changed) segment.indexesChanged = true
      return indexes
    } catch (error) {
      if (isVarveError(error, 'NOT_FOUND', 'CORRUPT_INDEX')) return undefined
      throw error
    }
  }

  /** Runs `rebuild` for a segment unless that is under way: all who find an index lying wait for the same new one. */
  once(segment: LogSegment, rebuild: () => Promise<SegmentIndexes>): Promise<SegmentIndexes> {
    const running = this.#rebuilding.get(segment)
    if (running !== undefined) return running
    const started = rebuild().finally(() => this.#rebuilding.delete(segment))
    this.#rebuilding.set(segment, started)
    return started
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
        if (span === undefined || !scanner.continues(expected, span)) {
          segment.damaged = true
          span = await scanner.findSoundAfter({ position, expected, previous }, () => false)
        }
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
    await this.#saveFile(segment.offsetIndexPath, indexes.offsets.stored, sync)
    await this.#saveFile(segment.timeIndexPath, indexes.times.stored, sync)
  }

  async #readOffsets(
    { offsetIndexPath: path, baseOffset, size }: LogSegment,
    below: number,
  ): Promise<OffsetIndex> {
    const { count, inFile, last } = await this.#lastEntry(path, OFFSET_ENTRY_SIZE)
    const file = this.#pages.file(path)
    const whole = new IndexEntries(OFFSET_ENTRY_SIZE, file, { count, inFile })
    if (last === undefined) return new OffsetIndex(baseOffset, whole)
    const entry = offsetEntryOf(baseOffset, { bytes: last, at: 0 })
    // Position 0 is never indexed: the first entry comes after at least one batch.
    if (entry.position <= 0 || entry.position >= size || entry.offset < baseOffset)
      throw corruptIndex(path, `its last entry points at position ${entry.position} of ${size}`)
    const index = new OffsetIndex(baseOffset, whole, entry)
    if (entry.offset < below) return index
    const found = await whole.floor((bytes, at) => offsetEntryOf(baseOffset, { bytes, at }).offset < below)
    return new OffsetIndex(
      baseOffset,
      this.#cut(path, whole, found?.slot),
      found && offsetEntryOf(baseOffset, found),
    )
  }

  async #readTimes(
    { timeIndexPath: path, baseOffset }: LogSegment,
    upTo: number,
  ): Promise<{ times: TimeIndex; lastInFile: ReturnType<typeof timeEntryOf> | undefined }> {
    const { count, inFile, last } = await this.#lastEntry(path, TIME_ENTRY_SIZE)
    const whole = new IndexEntries(TIME_ENTRY_SIZE, this.#pages.file(path), { count, inFile })
    if (last === undefined) return { times: new TimeIndex(baseOffset, whole), lastInFile: undefined }
    const entry = timeEntryOf(baseOffset, { bytes: last, at: 0 })
    if (!Number.isSafeInteger(entry.timestamp) || entry.timestamp < 0 || entry.offset < baseOffset)
      throw corruptIndex(path, `its last entry says ${entry.timestamp} at offset ${entry.offset}`)
    if (entry.offset <= upTo) return { times: new TimeIndex(baseOffset, whole, entry), lastInFile: entry }
    const found = await whole.floor((bytes, at) => timeEntryOf(baseOffset, { bytes, at }).offset <= upTo)
    const cut = this.#cut(path, whole, found?.slot)
    return {
      times: new TimeIndex(baseOffset, cut, found && timeEntryOf(baseOffset, found)),
      lastInFile: entry,
    }
  }

  /** The same file with fewer entries. What was read of the others must not be seen again when they are written anew. */
  #cut(path: string, whole: IndexEntries, lastSlot = -1): IndexEntries {
    return new IndexEntries(whole.size, this.#pages.file(path), { count: lastSlot + 1, inFile: whole.inFile })
  }

  /** The last entry of a file and how many there are, without the zeros that Kafka preallocates. */
  #lastEntry(
    path: string,
    size: number,
  ): Promise<{ count: number; inFile: number; last: Buffer | undefined }> {
    const look = async (
      file: VfsFile,
    ): Promise<{ count: number; inFile: number; last: Buffer | undefined }> => {
      const { size: bytes } = await file.stat()
      if (bytes % size !== 0)
        throw corruptIndex(path, `it has ${bytes} bytes, which are no whole entries of ${size}`)
      const inFile = bytes / size
      const last = Buffer.alloc(size)
      if (bytes === 0) return { count: 0, inFile, last: undefined }
      await file.read(last, bytes - size)
      // One entry of zeros alone is a batch at offset 0 with the timestamp 0, not a preallocated rest.
      if (last.some(byte => byte !== 0) || (size === TIME_ENTRY_SIZE && inFile === 1))
        return { count: inFile, inFile, last }
      const count = await entriesBeforeZeros(file, bytes - size, size)
      if (count > 0) await file.read(last, (count - 1) * size)
      return { count, inFile, last: count > 0 ? last : undefined }
    }
    // Often nothing more is wanted of it.
    return this.#files.use(path, look, { keep: false })
  }

  async #saveFile(path: string, entries: IndexEntries, sync: boolean): Promise<void> {
    const { saved, unsaved, unsavedBytes: bytes, size } = entries
    const from = saved * size
    await this.#files.use(
      path,
      async file => {
        if (bytes.length > 0) await file.write([bytes], from)
        if ((await file.stat()).size !== from + bytes.length) await file.truncate(from + bytes.length)
        if (sync && !plantedBugs.dataSyncLeftOut) await file.datasync()
      },
      { mode: 'create', keep: false },
    )
    entries.markSaved(unsaved, this.#pages.file(path))
  }
}

/** How many whole entries come before the zeros at the end; `end` is where an entry of zeros begins. */
async function entriesBeforeZeros(file: VfsFile, end: number, size: number): Promise<number> {
  const memory = Buffer.alloc(ZEROS_CHUNK_BYTES)
  for (let to = end; to > 0;) {
    const from = Math.max(0, to - ZEROS_CHUNK_BYTES)
    const chunk = memory.subarray(0, to - from)
    await file.read(chunk, from)
    const last = chunk.findLastIndex(byte => byte !== 0)
    if (last >= 0) return Math.floor((from + last) / size) + 1
    to = from
  }
  return 0
}
