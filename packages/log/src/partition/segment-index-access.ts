import { isVarveError, type VfsFile } from '@varve/platform'
import type { LogSegment } from '../segment/log-segment.ts'
import type { OffsetPosition } from '../segment/offset-index.ts'
import type { SegmentIndexes } from '../segment/segment-indexes.ts'
import { SegmentScanner } from '../segment/segment-scanner.ts'
import type { TimestampOffset } from '../segment/time-index.ts'
import type { LogState } from './log-state.ts'

/** Positions behind a damage that are known to be batches; those further on have to do without. */
const ANCHORS_MAX = 4096

/** Indexes whose largest timestamp was compared with the log. */
const checked = new WeakSet<SegmentIndexes>()

/**
 * The indexes of a log's segments as its readers want them: asked through the pages, and made anew when they turn out to
 * lie. Never asked while a handle of the segment is held: their own might be the one too many.
 *
 * Of all entries only the one that a search lands on is compared with the log. That is enough. By offset: it is at most
 * the wanted one, its batch is there and ends with that very offset, and every batch behind it is walked over and has to
 * continue, so that a search which a lying entry led astray begins too early at worst. By time: all entries before it
 * could be missing without harm; it is the one whose promise (`nothing up to here is newer`) is used, and its batch has
 * to end with its offset and hold its timestamp as the largest. The largest timestamp of a segment hides whole segments,
 * so it is compared with all batches behind the one that holds it, up to the segment's end.
 */
export class SegmentIndexAccess {
  readonly #state: LogState

  constructor(state: LogState) {
    this.#state = state
  }

  scanner(segment: LogSegment, file: VfsFile, size = segment.size): SegmentScanner {
    const { gaps } = this.#state
    return new SegmentScanner({
      file,
      size,
      baseOffset: segment.baseOffset,
      endOffset: this.#state.endOffsetOf(segment),
      gaps,
    })
  }

  /** Where the last batch starts that has an entry and does not end above `offset`. */
  floor(segment: LogSegment, offset: number): Promise<OffsetPosition | undefined> {
    return this.#ask(segment, async indexes => {
      const found = await indexes.offsets.floor(offset)
      if (found === undefined) return undefined
      const { entry, next } = found
      return entry.position < segment.notedSize && (next === undefined || next.position > entry.position)
        ? { answer: entry }
        : 'lies'
    })
  }

  /** The last entry below `timestamp`, and where to look for the batch that it means. */
  before(
    segment: LogSegment,
    timestamp: number,
  ): Promise<{ time: TimestampOffset; floor: OffsetPosition | undefined } | undefined> {
    return this.#ask(segment, async indexes => {
      const found = await indexes.times.before(timestamp)
      if (found === undefined) return undefined
      const { entry: time, next } = found
      if (next !== undefined && (next.offset < time.offset || next.timestamp <= time.timestamp)) return 'lies'
      return { answer: { time, floor: (await indexes.offsets.floor(time.offset))?.entry } }
    })
  }

  /** Tells positions at or behind `position` that are batches, as far as the index knows. */
  async anchors(segment: LogSegment, position: number): Promise<ReadonlySet<number>> {
    const found = await this.#ask(segment, async indexes => ({
      answer: await indexes.offsets.positionsFrom(position, ANCHORS_MAX),
    }))
    return found ?? new Set()
  }

  /** The indexes anew from the batches, in memory, and for an owner's finished segments also in their files. */
  rebuild(segment: LogSegment): Promise<SegmentIndexes> {
    return this.#state.context.indexes.once(segment, () => this.#rebuild(segment))
  }

  /**
   * The indexes, of which the largest timestamp is known to be right: a time index that lost its last entries would
   * hide the records behind them.
   */
  async withTimes(segment: LogSegment): Promise<SegmentIndexes> {
    const indexes = await this.#of(segment)
    // What was checked are these indexes: others of the segment may be read from files that are just being written.
    if (checked.has(indexes) || (segment.timesChecked && indexes === segment.indexes)) return indexes
    const { offsetOfMaxTimestamp, maxTimestamp } = indexes
    const floor = await this.floor(segment, offsetOfMaxTimestamp)
    const right = await this.#state.context.files.use(segment.logPath, file =>
      this.#timesAreRight(segment, file, { from: floor?.position ?? 0, maxTimestamp, offsetOfMaxTimestamp }),
    )
    const sure = right ? indexes : await this.rebuild(segment)
    checked.add(sure)
    segment.timesChecked = true
    return sure
  }

  async #of(segment: LogSegment): Promise<SegmentIndexes> {
    const store = this.#state.context.indexes
    const cached = store.cached(segment)
    if (cached !== undefined) return cached
    const read = await store.read(segment)
    if (read === undefined) return this.rebuild(segment)
    store.keep(segment, read)
    return read
  }

  /** Asks the indexes, and once more when they are made anew; no answer where a search has to begin at the start. */
  async #ask<T>(
    segment: LogSegment,
    question: (indexes: SegmentIndexes) => Promise<{ answer: T } | 'lies' | undefined>,
  ): Promise<T | undefined> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const indexes = attempt === 0 ? await this.#of(segment) : await this.rebuild(segment)
      try {
        const found = await question(indexes)
        if (found === undefined) return undefined
        if (found !== 'lies') return found.answer
      } catch (error) {
        if (!isVarveError(error, 'CORRUPT_INDEX', 'NOT_FOUND', 'IO_ERROR')) throw error
      }
    }
    return undefined
  }

  async #rebuild(segment: LogSegment): Promise<SegmentIndexes> {
    const { context, config } = this.#state
    const indexes = await context.files.use(segment.logPath, file =>
      context.indexes.rebuild(segment, size => this.scanner(segment, file, size), config.indexIntervalBytes),
    )
    context.logger.warn(
      { path: segment.logPath },
      'The indexes of a segment did not fit its batches; they were made anew.',
    )
    if (!context.readOnly && segment.indexes === undefined && !segment.deleted) {
      await context.indexes.save(segment, indexes, { sync: false }).catch(() => undefined)
      context.indexes.keep(segment, indexes)
    }
    return indexes
  }

  async #timesAreRight(
    segment: LogSegment,
    file: VfsFile,
    found: { from: number; maxTimestamp: number; offsetOfMaxTimestamp: number },
  ): Promise<boolean> {
    const scanner = this.scanner(segment, file)
    const { from, offsetOfMaxTimestamp, maxTimestamp } = found
    let seen = maxTimestamp < 0
    let expected: number | undefined
    for (let position = from; position < scanner.size;) {
      const span = await scanner.peek(position)
      // Damage is the reader's matter, where it is met; but what it hides may be newer than all that is left.
      if (span === undefined || (expected !== undefined && !scanner.continues(expected, span))) {
        segment.damaged = true
        return true
      }
      if (span.maxTimestamp > maxTimestamp) return false
      if (span.lastOffset === offsetOfMaxTimestamp && span.maxTimestamp === maxTimestamp) seen = true
      position += span.size
      expected = span.lastOffset + 1
    }
    // Records that were lost from the end of the file.
    if (!this.#state.gaps && expected !== undefined && expected < this.#state.endOffsetOf(segment))
      segment.damaged = true
    return seen
  }
}
