import type { VarveError } from '@varve/platform'
import type { EpochEntry } from '../checkpoints/leader-epoch-checkpoint.ts'
import type { LogConfig } from '../log-config.ts'
import { describeProducer, type ProducerDescription } from '../producer/producer-description.ts'
import type { AppendInfo } from './append-queue.ts'
import { LogAppender, type AppendOptions } from './log-appender.ts'
import { LogFlusher } from './log-flusher.ts'
import { LogLoader, type KnownOffsets } from './log-loader.ts'
import { LogReader, type FetchData, type IsolationLevel, type ReadRequest } from './log-reader.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { LogState } from './log-state.ts'
import { catchUp } from './owner-following.ts'
import type { PartitionFiles } from './partition-files.ts'
import { LogRetention } from '../retention/log-retention.ts'
import { trimPreallocated } from '../segment/preallocation.ts'
import { SegmentIndexAccess } from './segment-index-access.ts'
import { TimestampLookup, type TimestampAnswer } from './timestamp-lookup.ts'

/** What a listing tells of a segment. */
export interface SegmentDescription {
  readonly baseOffset: number
  readonly path: string
  /** Bytes. */
  readonly size: number
}

/**
 * The durable log of one partition. Appends get their offsets in the order of the calls; what is visible is what is
 * acknowledged; the state has this one owner.
 */
export class PartitionLog {
  readonly topic: string
  readonly partition: number
  /** `<topic>-<partition>`. */
  readonly name: string
  /** 22 characters of base64url; undefined in a folder that Kafka wrote without `partition.metadata`. */
  readonly topicId: string | undefined
  readonly folder: string
  readonly #state: LogState
  readonly #appender: LogAppender
  readonly #flusher: LogFlusher
  readonly #reader: LogReader
  readonly #times: TimestampLookup
  readonly #retention: LogRetention
  readonly #listeners = new Set<() => void>()
  #refreshing: Promise<boolean> | undefined
  #closing: Promise<void> | undefined

  private constructor(state: LogState) {
    this.#state = state
    this.topic = state.topicPartition.topic
    this.partition = state.topicPartition.partition
    this.name = state.name
    this.topicId = state.topicId
    this.folder = state.folder
    const visible = (): void => {
      for (const listener of [...this.#listeners]) {
        listener()
        if (plantedBugs.wakeUpLost) return
      }
    }
    const indexes = new SegmentIndexAccess(state)
    this.#flusher = new LogFlusher(state, visible)
    this.#appender = new LogAppender(state, this.#flusher, visible)
    this.#reader = new LogReader(state, indexes)
    this.#times = new TimestampLookup(state, indexes)
    this.#retention = new LogRetention({
      state,
      flusher: this.#flusher,
      appender: this.#appender,
      indexes,
    })
  }

  /** Loads, and recovers where needed, the log in `state.folder`. For `LogDirectory`. */
  static async load(state: LogState, known: KnownOffsets, files: PartitionFiles): Promise<PartitionLog> {
    await new LogLoader(state, known, state.context.report).load(files)
    if (!state.context.readOnly) state.durableUpTo(state.end())
    return new PartitionLog(state)
  }

  /** The log if nothing happened to it since it was closed in order; undefined where it has to be loaded. */
  static loadSettled(state: LogState, known: KnownOffsets, files: PartitionFiles): PartitionLog | undefined {
    return new LogLoader(state, known, state.context.report).loadSettled(files)
      ? new PartitionLog(state)
      : undefined
  }

  /** A partition whose folder cannot be opened: each use of it says why. */
  static unopened(state: LogState, known: KnownOffsets, error: VarveError): PartitionLog {
    const end = Math.max(known.recoveryPoint ?? 0, known.note?.durableOffset ?? 0)
    state.unopened = state.offline = error
    state.logStartOffset = Math.min(known.logStartOffset ?? 0, end)
    state.nextOffset = state.logEndOffset = state.durableOffset = state.highWatermark = end
    return new PartitionLog(state)
  }

  /** The first offset that may be read. */
  get logStartOffset(): number {
    return this.#state.logStartOffset
  }

  /** The offset behind the last record that may be read. */
  get highWatermark(): number {
    return this.#state.highWatermark
  }

  /** The offset behind the last record that readers of committed records may see: no open transaction reaches below. */
  get lastStableOffset(): number {
    return this.#state.lastStableOffset
  }

  /** The offset behind the last record that is written. */
  get logEndOffset(): number {
    return this.#state.logEndOffset
  }

  /** Everything below survives a loss of power. */
  get durableOffset(): number {
    return this.#state.durableOffset
  }

  /** Bytes of all segments. */
  get size(): number {
    let size = 0
    for (const segment of this.#state.segments) size += segment.size
    return size
  }

  get segments(): SegmentDescription[] {
    return [...this.#state.segments].map(({ baseOffset, logPath, size }) => ({
      baseOffset,
      path: logPath,
      size,
    }))
  }

  get leaderEpochs(): readonly EpochEntry[] {
    return this.#state.epochs.entries
  }

  get config(): LogConfig {
    return this.#state.config
  }

  /** New settings hold from the next append on. */
  configure(config: LogConfig): void {
    this.#state.config = config
  }

  /** The epoch that appends are stamped with from now on. */
  get leaderEpoch(): number {
    return this.#state.leaderEpoch
  }

  set leaderEpoch(epoch: number) {
    this.#state.leaderEpoch = epoch
  }

  /** Why the partition takes no more appends, if so. */
  get offline(): Error | undefined {
    return this.#state.offline
  }

  /** Whether its folder could not be opened, so that it cannot be read either, and its offsets are what was noted. */
  get isUnopened(): boolean {
    return this.#state.unopened !== undefined
  }

  /**
   * Appends whole batches; they are given their offsets in place (or in new memory, where the topic's codec is another), and
   * are the log's until the promise settles (with `acks: 0` they are copied). A batch that was refused before its turn
   * leaves a place that a later call may take: without idempotence there is no promise of order beyond the first failure.
   *
   * A batch that its producer sent before, as one of its last five, gets the offset that it has; the promise settles
   * with the original's.
   *
   * @throws `CORRUPT_MESSAGE`, `INVALID_RECORD`, `MESSAGE_TOO_LARGE`, `RECORD_LIST_TOO_LARGE`, `INVALID_TIMESTAMP`,
   *   `UNSUPPORTED_VERSION`, `UNSUPPORTED_CODEC`, `DISK_FULL` (retriable), `TOO_MANY_OPEN_FILES` (retriable),
   *   `KAFKA_STORAGE_ERROR`, `NOT_PERMITTED`, `CLOSED`; `OUT_OF_ORDER_SEQUENCE_NUMBER`, `INVALID_PRODUCER_EPOCH`,
   *   `INVALID_TXN_STATE` and, for markers, `TRANSACTION_COORDINATOR_FENCED`
   */
  append(batches: Buffer, options?: AppendOptions): Promise<AppendInfo> {
    return this.#appender.append(batches, options)
  }

  /**
   * Whole batches from the one that holds the offset on. Nothing at the end.
   *
   * @throws `OFFSET_OUT_OF_RANGE`; `CORRUPT_MESSAGE` with file and position when the wanted offset is damaged; `CLOSED`
   */
  read(request: ReadRequest): Promise<FetchData> {
    return this.#whileOpen(this.#reader.read(request))
  }

  /** The first record at or after `timestamp` (milliseconds since the epoch), as Kafka answers. */
  offsetForTimestamp(
    timestamp: number,
    { isolation }: { isolation?: IsolationLevel } = {},
  ): Promise<TimestampAnswer | undefined> {
    return this.#whileOpen(this.#times.find(timestamp, { committed: isolation === 'read_committed' }))
  }

  /** What the log knows of its producers, in no order. */
  get producers(): ProducerDescription[] {
    return this.#state.producers.entries().map(describeProducer)
  }

  /**
   * Forgets producers that were not seen for as long as the directory's `producerIdExpirationMs`, while the log was
   * open; none with an open transaction. Answers how many.
   */
  expireProducers(): number {
    const { producers, context } = this.#state
    return producers.expire(context.clock.monotonic(), context.producerIdExpirationMs)
  }

  /**
   * Deletes the records before an offset; -1 stands for the high watermark. They are gone for good when the promise
   * resolves. An offset that is not above the log's start changes nothing.
   *
   * @returns the log's start now
   * @throws `OFFSET_OUT_OF_RANGE` above the high watermark; `NOT_PERMITTED`, `KAFKA_STORAGE_ERROR`, `CLOSED`, `DISK_FULL`
   */
  deleteRecords(beforeOffset: number): Promise<number> {
    return this.#retention.deleteRecords(beforeOffset)
  }

  /**
   * Deletes the segments that `retention.ms` and `retention.bytes` let go, and those below the log's start. The directory
   * does it every `retentionCheckIntervalMs`.
   *
   * @returns how many segments were deleted
   */
  applyRetention(): Promise<number> {
    return this.#retention.apply()
  }

  /** The first record that may be read with the largest timestamp, undefined in a log without records. */
  maxTimestamp({ isolation }: { isolation?: IsolationLevel } = {}): Promise<TimestampAnswer | undefined> {
    return this.#whileOpen(this.#times.max({ committed: isolation === 'read_committed' }))
  }

  /** Calls `listener` whenever the high watermark moved, until the returned function is called. */
  onVisible(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Makes durable what is written by now. */
  async flush(): Promise<void> {
    const { context, unopened } = this.#state
    if (context.readOnly || unopened !== undefined) return
    await this.#flusher.flush()
    await this.#state.snapshots.settle()
  }

  /**
   * Read-only: takes in what the owner appended since. Answers whether there is more than before.
   *
   * @throws `UNKNOWN_TOPIC_OR_PARTITION` when the owner deleted it, also if another topic has the name now
   */
  refresh(): Promise<boolean> {
    if (!this.#state.context.readOnly) return Promise.resolve(false)
    // One at a time: the older of two might end later and take the log's end back.
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(): Promise<boolean> {
    if (!(await catchUp(this.#state))) return false
    for (const listener of [...this.#listeners]) listener()
    return true
  }

  /** What ends after the log was closed means nothing: its files may be gone, or another log's. */
  async #whileOpen<T>(read: Promise<T>): Promise<T> {
    try {
      return await read
    } finally {
      this.#state.checkOpen()
    }
  }

  /**
   * Waits for appends under way, syncs, and saves the indexes. Closing twice is closing once.
   *
   * @throws what kept the log from a clean end; it is closed all the same
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const state = this.#state
    state.closed = true
    for (const listener of [...this.#listeners]) listener()
    this.#listeners.clear()
    try {
      await this.#retention.idle()
      await this.#appender.idle()
      if (!state.context.readOnly) await this.#finish()
    } finally {
      state.tail?.clear()
      state.tail = undefined
      await this.#flusher.close()
      await state.context.files.drop(`${state.folder}/`)
    }
  }

  async #finish(): Promise<void> {
    const state = this.#state
    if (state.unopened !== undefined) return
    const store = state.context.indexes
    const { last } = state.segments
    if (last?.preallocated === true) await trimPreallocated(state, last)
    await this.#flusher.idle()
    if (state.dirty.size > 0 || state.folderDirty || state.offline !== undefined) await this.#flusher.flush()
    let saved = false
    for (const segment of state.segments) {
      const indexes = segment.indexesChanged ? store.cached(segment) : undefined
      if (indexes === undefined) continue
      // As Kafka does when it closes: the largest timestamp gets its entry.
      indexes.seal()
      await store.save(segment, indexes, { sync: true })
      segment.indexesChanged = false
      saved = true
    }
    await state.abortedTxns.save({ sync: true })
    if (await state.snapshots.close()) saved = true
    if (saved) await state.context.vfs.syncDir(state.folder)
    if (state.settled || state.segments.last?.sealed === true) return
    // All of it is saved: the next opening needs no look at it.
    state.settled = true
    state.durableUpTo(state.end())
  }
}
