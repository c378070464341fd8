import type { Clock, Logger, Random, Vfs } from '@varve/platform'
import type { Machine } from '../lock/machine.ts'
import type { LogConfig } from '../log-config.ts'
import type { TopicPartition } from '../topic-partition.ts'

export interface LogDirectoryOptions {
  readonly vfs: Vfs
  readonly clock: Clock
  readonly random: Random
  /** The machine that the lock speaks of. Default: one on which only this process sees the directory, as in memory. */
  readonly machine?: Machine
  /** Takes no lock and changes nothing. Default false. */
  readonly readOnly?: boolean
  /** Owns also a directory that Kafka did not close. Default false. */
  readonly recover?: boolean
  /** Takes the lock also from an owner of whom it cannot be told whether it lives. Default false. */
  readonly force?: boolean
  readonly logger?: Logger
  /** The settings of a partition; the defaults where it answers undefined. They can be set later, too. */
  readonly configOf?: (of: TopicPartition, topicId: string | undefined) => LogConfig | undefined
  /** Told after each partition that is open. */
  readonly progress?: (progress: { readonly opened: number; readonly partitions: number }) => void
  /** Time between two checks of retention, milliseconds, as Kafka's `log.retention.check.interval.ms`. Default 5 minutes. */
  readonly retentionCheckIntervalMs?: number
  /**
   * Bytes of the disk that are kept free: appends of clients are refused with `DISK_FULL` while less is left. A tenth of
   * a smaller disk. 0 keeps nothing free. Default 64 MiB.
   */
  readonly headroomBytes?: number
  /** Handles of segments. Default 800. */
  readonly openFilesMax?: number
  /** Bytes of memory for what index files hold. Default 64 MiB. */
  readonly indexCacheBytesMax?: number
  /** `producer.id.expiration.ms`: how long a producer that is not seen is remembered. Default 86,400,000. */
  readonly producerIdExpirationMs?: number
  /** Bytes of memory for the newest batches of partitions whose end somebody reads; 0 for none. Default 64 MiB. */
  readonly tailCacheBytesMax?: number
}

export interface NewPartition extends TopicPartition {
  /** 22 characters of base64url. */
  readonly topicId: string
  readonly config?: LogConfig
  /** The epoch that appends are stamped with. Default 0. */
  readonly leaderEpoch?: number
}
