import type { VfsFile } from '@varve/platform'
import { BatchReader, codecOf, loadCodec, readAttributes } from '@varve/records'
import type { LogSegment } from '../segment/log-segment.ts'
import type { BatchSpan } from '../segment/segment-scanner.ts'
import type { LogState } from './log-state.ts'
import type { SegmentIndexAccess } from './segment-index-access.ts'

/** The first record at or after a timestamp. */
export interface TimestampAnswer {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

/**
 * Finds the first record, in the order of offsets, whose timestamp is at least the one asked for, as Kafka answers
 * (org.apache.kafka.storage.internals.log.LogSegment.findOffsetByTimestamp).
 */
export class TimestampLookup {
  readonly #state: LogState
  readonly #indexes: SegmentIndexAccess

  constructor(state: LogState, indexes: SegmentIndexAccess) {
    this.#state = state
    this.#indexes = indexes
  }

  async find(timestamp: number): Promise<TimestampAnswer | undefined> {
    const state = this.#state
    for (;;) {
      const { logStartOffset } = state
      try {
        return await this.#find(timestamp)
      } catch (error) {
        // Where segments were deleted meanwhile, what is left has the answer.
        if (state.closed || state.logStartOffset === logStartOffset) throw error
      }
    }
  }

  async #find(timestamp: number): Promise<TimestampAnswer | undefined> {
    const state = this.#state
    state.checkOpen()
    // As it is now: what becomes visible in a later segment meanwhile would be answered over what came before it.
    const limit = state.highWatermark
    for (const segment of state.segments) {
      if (segment.baseOffset >= limit) return undefined
      if (state.endOffsetOf(segment) <= state.logStartOffset || segment.size === 0) continue
      const { maxTimestamp } = await this.#indexes.withTimes(segment)
      if (maxTimestamp < timestamp) continue
      const answer = await state.context.files.use(segment.logPath, file =>
        this.#inSegment(segment, file, { timestamp, limit }),
      )
      if (answer !== undefined) return answer
    }
    return undefined
  }

  async #inSegment(
    segment: LogSegment,
    file: VfsFile,
    { timestamp, limit }: { timestamp: number; limit: number },
  ): Promise<TimestampAnswer | undefined> {
    const scanner = this.#indexes.scanner(segment, file)
    let position = await this.#start(segment, file, timestamp)
    let expected: number | undefined
    while (position < scanner.size) {
      const span = await scanner.peek(position)
      const sound = span !== undefined && (expected === undefined || scanner.continues(expected, span))
      if (!sound) throw this.#corrupt(segment, position, scanner.problem)
      if (span.lastOffset >= limit) return undefined
      // Also what is passed over: its largest timestamp could be the damage.
      if (!(await scanner.verify(span))) throw this.#corrupt(segment, position, scanner.problem)
      if (span.maxTimestamp >= timestamp && span.lastOffset >= this.#state.logStartOffset) {
        const bytes = await scanner.batchBytes(span)
        const answer =
          bytes === undefined ? undefined : await this.#inBatch(Buffer.from(bytes), span, timestamp)
        if (answer !== undefined) return answer
      }
      position += span.size
      expected = span.lastOffset + 1
    }
    return undefined
  }

  /** Where to begin: everything before it is older. An entry is believed only if its batch says the same. */
  async #start(segment: LogSegment, file: VfsFile, timestamp: number): Promise<number> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const indexes = attempt === 0 ? await this.#indexes.of(segment) : await this.#indexes.rebuild(segment)
      const entry = indexes.times.before(timestamp)
      if (entry === undefined) return 0
      const scanner = this.#indexes.scanner(segment, file)
      const floor = indexes.offsets.floor(entry.offset)
      let position = floor?.position ?? 0
      for (;;) {
        const span = await scanner.peek(position)
        const isFloor = span !== undefined && position === floor?.position
        if (span === undefined || (isFloor && span.lastOffset !== floor.offset)) break
        if (span.lastOffset === entry.offset && span.maxTimestamp === entry.timestamp) return position
        if (span.lastOffset >= entry.offset) break
        position += span.size
      }
    }
    return 0
  }

  async #inBatch(bytes: Buffer, span: BatchSpan, timestamp: number): Promise<TimestampAnswer | undefined> {
    const codec = codecOf(readAttributes(bytes, 0))
    if (codec !== 'none') await loadCodec(codec)
    const reader = BatchReader.of(bytes)
    while (reader.advance()) {
      if (reader.timestamp >= timestamp && reader.offset >= this.#state.logStartOffset) {
        return { offset: reader.offset, timestamp: reader.timestamp, leaderEpoch: span.leaderEpoch }
      }
    }
    return undefined
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
