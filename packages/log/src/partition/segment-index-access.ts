import type { VfsFile } from '@varve/platform'
import type { LogSegment } from '../segment/log-segment.ts'
import type { SegmentIndexes } from '../segment/segment-indexes.ts'
import { SegmentScanner } from '../segment/segment-scanner.ts'
import type { LogState } from './log-state.ts'

/** The indexes of a log's segments as its readers want them: there, and made anew when they turn out to lie. */
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

  async of(segment: LogSegment): Promise<SegmentIndexes> {
    const store = this.#state.context.indexes
    const cached = store.cached(segment)
    if (cached !== undefined) return cached
    const read = await store.read(segment)
    if (read === undefined) return this.rebuild(segment)
    store.keep(segment, read)
    return read
  }

  /** The indexes anew from the batches, in memory, and for an owner's finished segments also in their files. */
  async rebuild(segment: LogSegment): Promise<SegmentIndexes> {
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
    }
    return indexes
  }

  /**
   * The indexes, of which the largest timestamp is known to be right: a time index that lost its last entries would
   * hide the records behind them.
   */
  async withTimes(segment: LogSegment): Promise<SegmentIndexes> {
    const indexes = await this.of(segment)
    if (segment.timesChecked) return indexes
    const right = await this.#state.context.files.use(segment.logPath, file =>
      this.#timesAreRight(segment, indexes, file),
    )
    segment.timesChecked = true
    return right ? indexes : this.rebuild(segment)
  }

  async #timesAreRight(segment: LogSegment, indexes: SegmentIndexes, file: VfsFile): Promise<boolean> {
    const scanner = this.scanner(segment, file)
    const { offsetOfMaxTimestamp, maxTimestamp } = indexes
    let seen = maxTimestamp < 0
    for (
      let position = indexes.offsets.floor(offsetOfMaxTimestamp)?.position ?? 0;
      position < scanner.size;
    ) {
      const span = await scanner.peek(position)
      // Damage is the reader's matter, where it is met.
      if (span === undefined) return true
      if (span.maxTimestamp > maxTimestamp) return false
      if (span.lastOffset === offsetOfMaxTimestamp && span.maxTimestamp === maxTimestamp) seen = true
      position += span.size
    }
    return seen
  }
}
