import { isVarveError } from '@varve/platform'
import {
  patchBaseOffset,
  patchLeaderEpoch,
  patchLogAppendTime,
  readBatchSize,
  readLastOffsetDelta,
} from '@varve/records'
import { plantedBugs } from '../testing/planted-bugs.ts'
import {
  analyzeProducers,
  involvesProducers,
  isDuplicate,
  noteRefused,
  type AppendOrigin,
  type DuplicateAppend,
} from '../producer/producer-append-info.ts'
import { refusal, unsynced } from './append-errors.ts'
import { AppendQueue, type AppendInfo, type PendingAppend } from './append-queue.ts'
import { CodecLoading } from './codec-loading.ts'
import type { LogFlusher } from './log-flusher.ts'
import type { LogState } from './log-state.ts'
import { validateAppend, type ValidatedBatches } from './log-validator.ts'
import { SegmentWriter } from './segment-writer.ts'

const NO_BYTES = Buffer.alloc(0)

export interface AppendOptions {
  /** 0 resolves when queued and promises nothing; 1 and -1 when the append is visible. Default -1. */
  readonly acks?: 0 | 1 | -1
  /** Whether it may use what is kept free of the disk: for what makes room again, or is worth it. Default false. */
  readonly useHeadroom?: boolean
  /** Control batches are taken from a coordinator only, who has no sequences. Default `client`. */
  readonly origin?: AppendOrigin
  /**
   * The caller vouches for the records: it wrote them, or decoded and checked each. Headers, checksums and sizes are checked all
   * the same. Default false.
   */
  readonly validated?: boolean
}

/** Rounds of the microtask queue without a new append after which nobody is expected to come any more. */
const QUIET_TURNS = 4

/** Appends that are written together. */
interface Round {
  readonly appends: readonly PendingAppend[]
  readonly outcome: Promise<Outcome>
}

interface Outcome {
  /** How many of the appends are written. */
  readonly written: number
  /** Why the others are not. */
  readonly failed: unknown
}

/**
 * The way of an append: checked, given its offsets in place and queued, without a pause in between; then everything
 * that waits goes out in one write, and one sync covers it. Only one round runs at a time.
 */
export class LogAppender {
  readonly #state: LogState
  readonly #flusher: LogFlusher
  readonly #writer: SegmentWriter
  readonly #queue = new AppendQueue()
  readonly #codecs: CodecLoading
  readonly #visible: () => void
  /** What runs between two rounds. */
  readonly #tasks: (() => Promise<void>)[] = []
  #running: Promise<void> | undefined

  constructor(state: LogState, flusher: LogFlusher, visible: () => void) {
    this.#state = state
    this.#flusher = flusher
    this.#visible = visible
    this.#writer = new SegmentWriter(state, flusher)
    this.#codecs = new CodecLoading(state)
  }

  append(batches: Buffer, options: AppendOptions = {}): Promise<AppendInfo> {
    return new Promise((resolve, reject) => {
      const loading = this.#codecs.load(batches)
      if (loading === undefined) this.#enter(batches, options, resolve, reject)
      else {
        // Without an acknowledgement the caller's memory is free at once.
        const bytes = options.acks === 0 ? Buffer.from(batches) : batches
        loading.then(() => {
          this.#enter(bytes, options, resolve, reject)
        }, reject)
      }
    })
  }

  /** Checks the batches, before their turn, and lets them in as soon as there is room. */
  #enter(
    batches: Buffer,
    { acks = -1, origin = 'client', validated = false, useHeadroom = false }: AppendOptions,
    resolve: PendingAppend['resolve'],
    reject: PendingAppend['reject'],
  ): void {
    const refuse = (error: unknown): void => {
      if (isVarveError(error) && error.retriable) noteRefused(batches, this.#state.producers)
      reject(error)
    }
    try {
      this.checkWritable()
      const { config, topicPartition: of, context } = this.#state
      let checked = validateAppend(batches, { of, config, now: context.clock.now(), validated })
      if (acks === 0 && checked.bytes === batches) checked = { ...checked, bytes: Buffer.from(batches) }
      const admit = (): void => {
        try {
          if (!useHeadroom) this.#checkHeadroom(bytes)
          const append = this.#assign(checked, origin, resolve, reject)
          if (acks === 0 || isVisible(append, this.#state)) resolve(infoOf(append))
          this.#queue.push(append)
          this.#running ??= this.#run()
        } catch (error) {
          refuse(error)
        }
      }
      const bytes = checked.bytes.length
      if (this.#queue.hasRoomFor(bytes)) admit()
      else this.#queue.wait({ bytes, admit, reject })
    } catch (error) {
      refuse(error)
    }
  }

  /** Runs `task` while no round does, so that neither sees the other's work half done. */
  between<T>(task: (writer: SegmentWriter) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(() => task(this.#writer).then(resolve, reject))
      this.#running ??= this.#run()
    })
  }

  /** Waits until nothing is queued. */
  async idle(): Promise<void> {
    await this.#codecs.idle()
    while (this.#running !== undefined) await this.#running
  }

  #checkHeadroom(bytes: number): void {
    const { context, name } = this.#state
    context.headroom.admit(bytes, context.clock.now(), name)
  }

  /** @throws `CLOSED`, `KAFKA_STORAGE_ERROR`, `NOT_PERMITTED` */
  checkWritable(): void {
    const state = this.#state
    state.checkOpen()
    if (state.offline !== undefined) throw state.offline
    if (state.context.readOnly) {
      throw state.error(
        'NOT_PERMITTED',
        `The partition ${state.name} is open for reading only; open its directory as its owner to append.`,
      )
    }
  }

  /** Gives batches their offsets. No `await` may come between this and the queue. */
  #assign(
    { bytes, offsets, maxTimestamp }: ValidatedBatches,
    origin: AppendOrigin,
    resolve: PendingAppend['resolve'],
    reject: PendingAppend['reject'],
  ): PendingAppend {
    const state = this.#state
    this.checkWritable()
    const { config, topicPartition: of, leaderEpoch } = state
    const now = state.context.clock.now()
    const logAppendTime = config.messageTimestampType === 'LogAppendTime' ? now : -1
    const baseOffset = state.nextOffset
    const producers = involvesProducers(bytes)
      ? analyzeProducers(bytes, {
          of,
          producers: state.producers,
          baseOffset,
          logAppendTime,
          origin,
          seenAt: state.context.clock.monotonic(),
        })
      : undefined
    if (producers !== undefined && isDuplicate(producers))
      return this.#duplicate(producers, { logAppendTime, resolve, reject })
    if (producers !== undefined) state.producers.assigned(producers)
    let offset = baseOffset
    for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
      patchBaseOffset(bytes, at, offset)
      patchLeaderEpoch(bytes, at, leaderEpoch)
      if (logAppendTime >= 0) patchLogAppendTime(bytes, at, logAppendTime)
      offset += readLastOffsetDelta(bytes, at) + 1
    }
    state.nextOffset = offset
    return {
      bytes,
      offsets,
      maxTimestamp: logAppendTime >= 0 ? logAppendTime : maxTimestamp,
      producers,
      baseOffset,
      lastOffset: offset - 1,
      logAppendTime,
      logStartOffset: state.logStartOffset,
      resolve,
      reject,
    }
  }

  /** Nothing is to be written, but it is acknowledged no earlier than the append that it doubles. */
  #duplicate(
    { baseOffset, lastOffset, timestamp }: DuplicateAppend,
    { logAppendTime, resolve, reject }: Pick<PendingAppend, 'logAppendTime' | 'resolve' | 'reject'>,
  ): PendingAppend {
    return {
      bytes: NO_BYTES,
      offsets: 0,
      maxTimestamp: -1,
      producers: undefined,
      baseOffset,
      lastOffset,
      logAppendTime: logAppendTime < 0 ? -1 : timestamp,
      logStartOffset: this.#state.logStartOffset,
      resolve,
      reject,
    }
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 || this.#tasks.length > 0) {
      for (const task of this.#tasks.splice(0)) await task()
      if (this.#queue.length === 0) continue
      await this.#gather()
      for (let round = this.#begin(); round !== undefined;) round = await this.#finish(round)
    }
    this.#running = undefined
  }

  /**
   * Where a sync follows, whoever was told of the last one has time to come back and share the next: it costs more
   * than any number of promises. A write alone is not worth the wait.
   */
  async #gather(): Promise<void> {
    await Promise.resolve()
    if (this.#state.config.flushMessages > 1) return
    let known = this.#queue.length
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await Promise.resolve()
      if (this.#queue.length === known) continue
      known = this.#queue.length
      quiet = 0
    }
  }

  /** Hands what waits to the operating system: in the common case before this returns. */
  #begin(): Round | undefined {
    const appends = this.#queue.takeRound()
    return appends.length === 0 ? undefined : { appends, outcome: this.#write(appends) }
  }

  async #write(appends: readonly PendingAppend[]): Promise<Outcome> {
    const state = this.#state
    let failed: unknown = state.offline
    let written = 0
    try {
      while (written < appends.length && failed === undefined)
        written = await this.#writer.write(appends, written)
    } catch (error) {
      failed = error
    }
    return { written, failed }
  }

  /**
   * Acknowledges a round. Never throws: whatever goes wrong is told to those who wait.
   *
   * @returns the next round where it is under way already
   */
  async #finish({ appends, outcome }: Round): Promise<Round | undefined> {
    const state = this.#state
    const { written, failed } = await outcome
    const done = written === appends.length ? appends : appends.slice(0, written)
    let next: Round | undefined
    if (state.config.flushMessages > 1 && failed === undefined && state.offline === undefined) {
      this.#show(state.logEndOffset)
      // Whoever is told now may keep the loop busy for long; the disk has something to do meanwhile.
      if (!this.#writer.indexesNeedSaving && this.#tasks.length === 0) next = this.#begin()
      settle(done)
      this.#flusher.written(done)
    } else if (done.length > 0) await this.#acknowledge(done)
    if (failed !== undefined) this.#failRest(appends.slice(written), failed)
    this.#queue.settled(appends)
    if (state.offline !== undefined) this.#queue.rejectWaiting(state.offline)
    if (next === undefined) await this.#writer.saveIndexes()
    return next
  }

  async #acknowledge(appends: readonly PendingAppend[]): Promise<void> {
    const state = this.#state
    const durably = state.config.flushMessages <= 1
    if (durably && plantedBugs.highWatermarkBeforeDurable) this.#show(state.logEndOffset)
    if (durably && plantedBugs.acknowledgedBeforeSync) settle(appends)
    try {
      if (durably) await this.#flusher.flush()
      // A failed sync in the background reached this partition while the write was under way.
      if (state.offline !== undefined) throw state.offline
    } catch (cause) {
      const error = state.offline ?? unsynced(state, cause)
      for (const append of appends) append.reject(error)
      return
    }
    this.#show(state.logEndOffset)
    settle(appends)
    if (!durably) this.#flusher.written(appends)
  }

  #show(offset: number): void {
    if (offset <= this.#state.highWatermark) return
    this.#state.highWatermark = offset
    this.#visible()
  }

  /** The offsets that were given out behind a failed write are taken back: nobody has seen them. */
  #failRest(appends: readonly PendingAppend[], cause: unknown): void {
    const state = this.#state
    const behind = this.#queue.takeAll()
    state.nextOffset = state.logEndOffset
    state.producers.failed([...appends, ...behind].map(({ producers }) => producers))
    const error = state.offline ?? refusal(state, cause)
    for (const append of appends) append.reject(error)
    for (const append of behind) append.reject(error)
    this.#queue.settled(behind)
  }
}

/** Whether it doubles an append that was acknowledged long ago. */
function isVisible({ bytes, lastOffset }: PendingAppend, { highWatermark }: LogState): boolean {
  return bytes.length === 0 && lastOffset < highWatermark
}

function settle(appends: readonly PendingAppend[]): void {
  for (const append of appends) append.resolve(infoOf(append))
}

function infoOf({ baseOffset, lastOffset, logAppendTime, logStartOffset }: PendingAppend): AppendInfo {
  return { baseOffset, lastOffset, logAppendTime, logStartOffset }
}
