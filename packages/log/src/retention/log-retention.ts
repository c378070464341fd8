import type { LogAppender } from '../partition/log-appender.ts'
import type { LogFlusher } from '../partition/log-flusher.ts'
import type { LogState } from '../partition/log-state.ts'
import type { SegmentIndexAccess } from '../partition/segment-index-access.ts'
import type { LogSegment } from '../segment/log-segment.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { markDeleted, removeLater } from './deleted-files.ts'
import { countDeletable } from './retention-rules.ts'

/** As the offset of `deleteRecords`: everything that may be read. */
const HIGH_WATERMARK = -1

/**
 * Takes the oldest records out of one log: by its settings, or because someone asks for it. One thing at a time.
 *
 * The order is what makes it survive a power cut at any step. First, everything below the new start is synced, and so
 * are the names of the segments that stay. Then the recovery point, and then the log's start, are durable in their
 * checkpoints; only then the start moves for readers, whoever asked is told, and files go. So a crash in between leaves
 * files below the log's start, which nobody misses and the next check removes, and never a log that seems to have lost
 * its beginning.
 */
export class LogRetention {
  readonly #state: LogState
  readonly #flusher: LogFlusher
  readonly #appender: LogAppender
  readonly #indexes: SegmentIndexAccess
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: {
    state: LogState
    flusher: LogFlusher
    appender: LogAppender
    indexes: SegmentIndexAccess
  }) {
    this.#state = options.state
    this.#flusher = options.flusher
    this.#appender = options.appender
    this.#indexes = options.indexes
  }

  /** @returns how many segments left the log */
  apply(): Promise<number> {
    return this.#serially(async () => {
      const { closed, offline, context } = this.#state
      return closed || offline !== undefined || context.readOnly ? 0 : this.#apply()
    })
  }

  /** @returns the log's start, which is `before` or was above it already */
  deleteRecords(before: number): Promise<number> {
    return this.#serially(async () => {
      const state = this.#state
      this.#appender.checkWritable()
      const start = before === HIGH_WATERMARK ? state.highWatermark : before
      if (!(Number.isSafeInteger(start) && start >= 0 && start <= state.highWatermark)) {
        const { name, highWatermark } = state
        throw state.error(
          'OFFSET_OUT_OF_RANGE',
          `The records of ${name} before offset ${before} cannot be deleted: its high watermark is ${highWatermark}; give a whole number up to that, or -1 for all.`,
          { offset: before },
        )
      }
      if (start <= state.logStartOffset) return state.logStartOffset
      await this.#raiseStart(start)
      // The files below go with it; if they cannot now, the next check tries again.
      await this.#apply().catch((error: unknown) => {
        state.context.logger.warn({ path: state.folder, error }, 'Deleted records could not be removed yet.')
      })
      return state.logStartOffset
    })
  }

  /** Waits for what is under way. */
  async idle(): Promise<void> {
    await this.#last
  }

  #serially<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task)
    this.#last = done.catch(() => undefined)
    return done
  }

  async #apply(): Promise<number> {
    const state = this.#state
    const segments = [...state.segments]
    const { config, logStartOffset, logEndOffset, highWatermark, context } = state
    let count = await countDeletable({
      segments,
      config,
      logStartOffset,
      logEndOffset,
      highWatermark,
      now: context.clock.now(),
      largestTimestamp: segment => this.#largestTimestamp(segment),
      writtenAt: segment => this.#writtenAt(segment),
    })
    if (count === segments.length && !(await this.#rollBehind(logEndOffset))) count--
    const oldest = segments.slice(0, Math.max(0, count))
    const last = oldest.at(-1)
    const start = last === undefined ? undefined : state.segments.after(last)?.baseOffset
    if (start === undefined) return 0
    await this.#raiseStart(start)
    if (!(await this.#knowsProducers(start))) return 0
    await this.#remove(oldest)
    return oldest.length
  }

  /**
   * Whether a snapshot stands for what the producers did below `start`: no batch will. It is written once what it says is
   * durable, so it may come later than the segment; then the next check takes the files.
   */
  async #knowsProducers(start: number): Promise<boolean> {
    const { producers, snapshots } = this.#state
    await snapshots.settle()
    return producers.entries().length === 0 || snapshots.offsets.some(offset => offset >= start)
  }

  async #largestTimestamp(segment: LogSegment): Promise<number> {
    if (segment.indexes !== undefined) return segment.indexes.maxTimestamp
    return (segment.largestTimestamp ??= (await this.#indexes.withTimes(segment)).maxTimestamp)
  }

  async #writtenAt(segment: LogSegment): Promise<number> {
    const { vfs, clock } = this.#state.context
    return segment.writtenAt ?? (await vfs.stat(segment.logPath))?.modifiedMs ?? clock.now()
  }

  /** There is always a segment to append to. Not done where the newest one took an append meanwhile. */
  #rollBehind(logEndOffset: number): Promise<boolean> {
    return this.#appender.between(async writer => {
      if (this.#state.logEndOffset !== logEndOffset) return false
      await writer.roll()
      return true
    })
  }

  async #raiseStart(start: number): Promise<void> {
    const state = this.#state
    // Also where nothing is dirty: no sync of the segments that go may be under way any more.
    await this.#flusher.flush()
    if (start <= state.logStartOffset) return
    await state.context.checkpointStart(state.name, { start, durableOffset: state.durableOffset })
    state.logStartOffset = start
    // With the newest segment, where that is another one by now.
    if (state.durableOffset === state.logEndOffset) state.durableUpTo(state.end())
    else state.note()
    await this.#appender.between(async () => {
      const { epochs, folder, context } = state
      epochs.truncateFromStart(start)
      try {
        if (epochs.changed) await epochs.write(context.vfs, folder)
      } catch (error) {
        // The next append writes them, and so does the next opening.
        context.logger.warn({ path: folder, error }, 'The leader epochs could not be written.')
      }
    })
  }

  /** Out of the list, then renamed for good, then removed after the delay. */
  async #remove(oldest: readonly LogSegment[]): Promise<void> {
    const { context, segments, folder, config, name, logStartOffset } = this.#state
    const { indexes, vfs, logger } = context
    const { snapshots, abortedTxns } = this.#state
    // The one at the new start is there before the ones below go.
    await snapshots.settle()
    const marked: string[] = []
    // Between two rounds: no writer saves an index under a name that was given up.
    await this.#appender.between(async () => {
      segments.removeFirst(oldest.length)
      for (const segment of oldest) {
        segment.deleted = true
        indexes.forget(segment)
        abortedTxns.forget(segment.baseOffset)
        snapshots.forget(segment.baseOffset)
        try {
          marked.push(...(await markDeleted(context, segment)))
        } catch (error) {
          logger.warn(
            { path: segment.logPath, error },
            'A segment that left its log could not be deleted; the next opening tries again.',
          )
        }
      }
    })
    if (!plantedBugs.directorySyncLeftOut) await vfs.syncDir(folder)
    await removeLater(context, marked, config.fileDeleteDelayMs)
    logger.info(
      { path: folder, segments: oldest.length, logStartOffset },
      `Old segments of ${name} were deleted.`,
    )
  }
}
