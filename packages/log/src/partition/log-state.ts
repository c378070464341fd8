import type { Clock, Logger, Random, Vfs } from '@varve/platform'
import { VarveError } from '@varve/platform'
import { LeaderEpochs } from '../checkpoints/leader-epoch-checkpoint.ts'
import type { DurableNote } from '../checkpoints/durable-note.ts'
import type { OpenFiles } from '../files/open-files.ts'
import type { Semaphore } from '../files/semaphore.ts'
import type { LogConfig } from '../log-config.ts'
import type { DiskHeadroom } from '../retention/disk-headroom.ts'
import type { Schedule } from '../retention/schedule.ts'
import { AbortedTransactions } from '../producer/aborted-transactions.ts'
import { ProducerSnapshots } from '../producer/producer-snapshots.ts'
import { ProducerStateManager } from '../producer/producer-state-manager.ts'
import type { IndexStore } from '../segment/index-store.ts'
import type { Finding } from './finding.ts'
import { type LogSegment, LogSegments } from '../segment/log-segment.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { PartitionTail, TailCache } from './tail-cache.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'

/** What all partitions of a directory share. */
export interface LogContext {
  readonly vfs: Vfs
  readonly clock: Clock
  readonly logger: Logger
  readonly files: OpenFiles
  readonly indexes: IndexStore
  readonly tails: TailCache
  /** Limits the syncs that run at the same time. */
  readonly syncs: Semaphore
  readonly readOnly: boolean
  readonly random: Random
  readonly schedule: Schedule
  readonly headroom: DiskHeadroom
  /** Makes it durable, in the checkpoints at the root, that a log starts there, and how far it is durable. */
  checkpointStart(name: string, offsets: { start: number; durableOffset: number }): Promise<void>
  /** Told of what is found wrong after a partition was opened, as on its first append. */
  readonly report: (finding: Finding) => void
  /** How long a producer that is not seen is remembered, milliseconds. */
  readonly producerIdExpirationMs: number
  /** Notes, unsynced, how far a partition is durable. */
  noteDurable(name: string, note: DurableNote): void
}

/** Where a log ends, as offset and as place in its files. */
export interface LogEnd {
  readonly offset: number
  /** The newest segment's base offset. */
  readonly segment: number
  /** Bytes of it. */
  readonly position: number
}

/** The state of one partition log: the one place that its appender, reader and loader share. */
export class LogState {
  readonly context: LogContext
  readonly topicPartition: TopicPartition
  readonly name: string
  readonly folder: string
  /** 22 characters of base64url; undefined in a folder that Kafka wrote without `partition.metadata`. */
  readonly topicId: string | undefined
  config: LogConfig
  segments = new LogSegments()
  epochs = new LeaderEpochs()
  /** Whether compaction has been here, so that offsets may skip. */
  compacted = false
  /** The epoch that appends are stamped with. */
  leaderEpoch = 0
  logStartOffset = 0
  /** The offset that the next queued record gets. */
  nextOffset = 0
  /** Everything below is handed to the operating system. */
  logEndOffset = 0
  /** Everything below survives a loss of power. */
  durableOffset = 0
  /** Where the durable part ends: a segment's base offset, and bytes of its file. */
  durableSegment = 0
  durablePosition = 0
  /** Whether all that belongs to the log was saved, and nothing was written since. */
  settled = false
  /** Whether the newest segment's end was not looked at yet, because its note says that nothing happened to it. */
  tailUnread = false
  /** Everything below may be read. */
  highWatermark = 0
  /** Set by a failed sync or cut: why nothing is appended any more. */
  offline: VarveError | undefined
  /** Whether a sync failed: what lies above the durable offset may be readable and yet not on the disk. */
  untrusted = false
  /** Why the folder could not be opened at all: then there is nothing to read either. */
  unopened: VarveError | undefined
  closed = false
  /** The newest batches, for readers at the log's end. Undefined as long as there are none. */
  tail: PartitionTail | undefined
  /** Segments with bytes that are not synced. */
  readonly dirty = new Set<LogSegment>()
  readonly producers = new ProducerStateManager()
  readonly snapshots = new ProducerSnapshots(this)
  readonly abortedTxns = new AbortedTransactions(this)
  /** Whether a file was made whose name is not synced. */
  folderDirty = false

  constructor(options: {
    context: LogContext
    topicPartition: TopicPartition
    folder: string
    topicId: string | undefined
    config: LogConfig
  }) {
    this.context = options.context
    this.topicPartition = options.topicPartition
    this.name = partitionName(options.topicPartition)
    this.folder = options.folder
    this.topicId = options.topicId
    this.config = options.config
  }

  /** Whether offsets may skip in the files. */
  get gaps(): boolean {
    return this.compacted || this.config.compact
  }

  /**
   * Everything below is visible and belongs to no open transaction: what readers of committed records see. A
   * transaction counts as ended when its marker is visible.
   */
  get lastStableOffset(): number {
    const { highWatermark } = this
    const unstable = this.producers.firstUnstableOffset(highWatermark)
    if (unstable === undefined || plantedBugs.stableOffsetPastOpenTransaction) return highWatermark
    // What was deleted is nobody's to wait for.
    return Math.min(Math.max(unstable, this.logStartOffset), highWatermark)
  }

  /** The offset that no batch of `segment` reaches: they lie outside of the checksum, so they could say anything. */
  endOffsetOf(segment: LogSegment): number {
    return this.segments.after(segment)?.baseOffset ?? this.logEndOffset
  }

  note(): void {
    this.context.noteDurable(this.name, {
      topicId: this.topicId,
      durableOffset: this.durableOffset,
      logStartOffset: this.logStartOffset,
      segment: this.durableSegment,
      position: this.durablePosition,
      state: this.untrusted ? 'failed' : this.settled ? 'settled' : 'open',
    })
  }

  /** Takes down that what `end` says survives a loss of power, and notes it. */
  durableUpTo(end: LogEnd): void {
    this.durableOffset = end.offset
    this.durableSegment = end.segment
    this.durablePosition = end.position
    this.note()
  }

  /** Where the log ends now. */
  end(): LogEnd {
    const { last } = this.segments
    return {
      offset: this.logEndOffset,
      segment: last?.baseOffset ?? this.logEndOffset,
      position: last?.size ?? 0,
    }
  }

  /** @throws `CLOSED`; `KAFKA_STORAGE_ERROR` of a folder that could not be opened */
  checkOpen(): void {
    if (this.unopened !== undefined) throw this.unopened
    if (this.closed)
      throw this.error('CLOSED', `The partition ${this.name} is closed; open its directory again.`)
  }

  error(
    code: string,
    message: string,
    context: { offset?: number; path?: string; position?: number } = {},
    cause?: unknown,
  ): VarveError {
    return new VarveError(code, message, { context: { ...this.topicPartition, ...context }, cause })
  }
}
