import { isVarveError } from '@varve/platform'
import { BatchReader, codecOf, loadCodec, readAttributes } from '@varve/records'
import type { LogSegment } from '../segment/log-segment.ts'
import type { BatchSpan, SegmentScanner } from '../segment/segment-scanner.ts'
import type { LogState } from './log-state.ts'
import type { SegmentIndexAccess } from './segment-index-access.ts'

/** The first record at or after a timestamp. */
export interface TimestampAnswer {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

/** What of a segment is looked through. */
interface Part {
  readonly from: number
  /** The offset that is due there; undefined where any may come. */
  readonly expected: number | undefined
  /** No record at or above this offset is answered. */
  readonly limit: number
}

/**
 * Finds the first record, in the order of offsets, whose timestamp is at least the one asked for, as Kafka answers
 * (org.apache.kafka.storage.internals.log.LogSegment.findOffsetByTimestamp), or is the largest of all.
 */
export class TimestampLookup {
  readonly #state: LogState
  readonly #indexes: SegmentIndexAccess

  constructor(state: LogState, indexes: SegmentIndexAccess) {
    this.#state = state
    this.#indexes = indexes
  }

  /**
   * The first record at or after `timestamp`.
   *
   * @param options.committed whether to stop at the last stable offset rather than at the high watermark
   */
  find(timestamp: number, { committed = false } = {}): Promise<TimestampAnswer | undefined> {
    return this.#retried(() => this.#find(timestamp, this.#limit(committed)))
  }

  /** The first record with the largest timestamp. */
  max({ committed = false } = {}): Promise<TimestampAnswer | undefined> {
    return this.#retried(() => this.#max(this.#limit(committed)))
  }

  /** As it is now: what becomes visible in a later segment meanwhile would be answered over what came before it. */
  #limit(committed: boolean): number {
    return committed ? this.#state.lastStableOffset : this.#state.highWatermark
  }

  /** Where segments were deleted meanwhile, what is left has the answer. */
  async #retried(lookUp: () => Promise<TimestampAnswer | undefined>): Promise<TimestampAnswer | undefined> {
    const state = this.#state
    for (;;) {
      const { logStartOffset } = state
      try {
        return await lookUp()
      } catch (error) {
        if (!state.closed && state.logStartOffset !== logStartOffset) continue
        if (!isVarveError(error, 'NOT_FOUND')) throw error
        throw state.error(
          'CORRUPT_MESSAGE',
          `A lookup by time in ${state.name} failed, since ${error.context.path} is gone; restore the file.`,
          { path: error.context.path ?? state.folder, position: 0 },
          error,
        )
      }
    }
  }

  async #find(timestamp: number, limit: number): Promise<TimestampAnswer | undefined> {
    const state = this.#state
    state.checkOpen()
    for (const segment of this.#visibleSegments(limit)) {
      const { maxTimestamp } = await this.#indexes.withTimes(segment)
      // What a damage hides may be the answer.
      if (maxTimestamp < timestamp && !segment.damaged) continue
      const start = (await this.#start(segment, timestamp)) ?? this.#beginning(segment)
      let answer: TimestampAnswer | undefined
      await this.#walk(segment, { ...start, limit }, async (span, scanner) => {
        if (span.maxTimestamp < timestamp) return false
        answer = await this.#inBatch(scanner, span, { timestamp })
        return answer !== undefined
      })
      if (answer !== undefined) return answer
    }
    return undefined
  }

  async #max(limit: number): Promise<TimestampAnswer | undefined> {
    const state = this.#state
    state.checkOpen()
    let largest = -1
    for (const segment of this.#visibleSegments(limit))
      largest = Math.max(largest, await this.#maxOf(segment, limit))
    return largest < 0 ? undefined : this.#find(largest, limit)
  }

  /** The largest timestamp of the segment's records from the log's start up to `limit`, -1 without. */
  async #maxOf(segment: LogSegment, limit: number): Promise<number> {
    const { logStartOffset } = this.#state
    const { maxTimestamp, offsetOfMaxTimestamp, times } = await this.#indexes.withTimes(segment)
    const fromItsStart = segment.baseOffset >= logStartOffset && !segment.damaged
    if (fromItsStart && offsetOfMaxTimestamp < limit) return maxTimestamp
    // What is not acknowledged yet has the largest: the entry before it tells of all but the last batches.
    const entry = fromItsStart ? await times.upTo(limit - 1) : undefined
    const start = entry && (await this.#start(segment, entry.timestamp + 1))
    let largest = start === undefined ? -1 : (entry?.timestamp ?? -1)
    await this.#walk(segment, { ...(start ?? this.#beginning(segment)), limit }, async (span, scanner) => {
      if (span.maxTimestamp <= largest) return false
      if (span.baseOffset >= logStartOffset) largest = span.maxTimestamp
      else largest = Math.max(largest, (await this.#inBatch(scanner, span, {}))?.timestamp ?? -1)
      return false
    })
    return largest
  }

  *#visibleSegments(limit: number): Generator<LogSegment> {
    const state = this.#state
    for (const segment of [...state.segments]) {
      if (segment.baseOffset >= limit) return
      if (state.endOffsetOf(segment) > state.logStartOffset && segment.size > 0) yield segment
    }
  }

  /** Goes over the sound batches of a part, until `visit` says that it is enough. */
  #walk(
    segment: LogSegment,
    { from, expected: due, limit }: Part,
    visit: (span: BatchSpan, scanner: SegmentScanner) => Promise<boolean>,
  ): Promise<void> {
    const state = this.#state
    return state.context.files.use(segment.logPath, async file => {
      const scanner = this.#indexes.scanner(segment, file)
      let expected = due
      for (let position = from; position < scanner.size;) {
        const span = await scanner.peek(position)
        const sound = span !== undefined && (expected === undefined || scanner.continues(expected, span))
        if (!sound) throw this.#corrupt(segment, position, scanner.problem)
        if (span.lastOffset >= limit) return
        // Also what is passed over: its largest timestamp could be the damage.
        if (!(await scanner.verify(span))) throw this.#corrupt(segment, position, scanner.problem)
        if (span.lastOffset >= state.logStartOffset && (await visit(span, scanner))) return
        position += span.size
        expected = span.lastOffset + 1
      }
      const end = Math.min(state.endOffsetOf(segment), limit)
      if (!state.gaps && expected !== undefined && expected < end)
        throw this.#corrupt(segment, scanner.size, `the offsets ${expected} to ${end - 1} are lost`)
    })
  }

  #beginning(segment: LogSegment): Omit<Part, 'limit'> {
    return { from: 0, expected: this.#state.gaps ? undefined : segment.baseOffset }
  }

  /** Where to begin: everything before it is older. An entry is believed only if its batch says the same. */
  async #start(segment: LogSegment, timestamp: number): Promise<Omit<Part, 'limit'> | undefined> {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (attempt > 0) await this.#indexes.rebuild(segment)
      const entry = await this.#indexes.before(segment, timestamp)
      if (entry === undefined) break
      const found = await this.#state.context.files.use(segment.logPath, file =>
        this.#meant(this.#indexes.scanner(segment, file), entry),
      )
      if (found !== undefined) return { from: found.position, expected: found.baseOffset }
    }
    return undefined
  }

  /** The batch that a time entry means, if it is there. */
  async #meant(
    scanner: SegmentScanner,
    { time, floor }: NonNullable<Awaited<ReturnType<SegmentIndexAccess['before']>>>,
  ): Promise<BatchSpan | undefined> {
    for (let position = floor?.position ?? 0; ;) {
      const span = await scanner.peek(position)
      const isFloor = span !== undefined && position === floor?.position
      if (span === undefined || (isFloor && span.lastOffset !== floor.offset)) return undefined
      if (span.lastOffset === time.offset && span.maxTimestamp === time.timestamp) return span
      if (span.lastOffset >= time.offset) return undefined
      position += span.size
    }
  }

  /** The first record of a batch at or after the timestamp, or else the first of those with the largest. */
  async #inBatch(
    scanner: SegmentScanner,
    span: BatchSpan,
    { timestamp }: { timestamp?: number },
  ): Promise<TimestampAnswer | undefined> {
    const found = await scanner.batchBytes(span)
    if (found === undefined) return undefined
    const bytes = Buffer.from(found)
    const codec = codecOf(readAttributes(bytes, 0))
    if (codec !== 'none') await loadCodec(codec)
    const { leaderEpoch } = span
    let largest: TimestampAnswer | undefined
    for (const reader = BatchReader.of(bytes); reader.advance();) {
      if (reader.offset < this.#state.logStartOffset) continue
      if (
        timestamp === undefined
          ? reader.timestamp > (largest?.timestamp ?? -1)
          : reader.timestamp >= timestamp
      )
        largest = { offset: reader.offset, timestamp: reader.timestamp, leaderEpoch }
      if (timestamp !== undefined && largest !== undefined) return largest
    }
    return largest
  }

  #corrupt(segment: LogSegment, position: number, problem: string): Error {
    const { name } = this.#state
    return this.#state.error(
      'CORRUPT_MESSAGE',
      `The first record at a timestamp of ${name} cannot be told: the batch at position ${position} of ${segment.logPath} is damaged (${problem}); restore the file.`,
      { path: segment.logPath, position },
    )
  }
}
