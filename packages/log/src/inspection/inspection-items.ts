import type { CodecName, TimestampType } from '@varve/records'

/** What an inspection hands out. Offsets, positions and timestamps (ms) as they stand in the files; -1 is Kafka's "none". */
export type InspectionItem =
  | DirectoryItem
  | LockItem
  | PartitionItem
  | SegmentItem
  | BatchItem
  | OffsetIndexItem
  | TimeIndexItem
  | AbortedTransactionItem
  | ProducerItem
  | LeaderEpochItem
  | CheckpointItem
  | ProblemItem

export interface DirectoryItem {
  readonly type: 'directory'
  readonly path: string
  /** Who wrote it last. */
  readonly writtenBy: 'varve' | 'kafka'
  /** Closed in good order. Otherwise it is in use, or its owner has crashed. */
  readonly clean: boolean
  readonly clusterId: string | null
  readonly nodeId: number | null
  readonly directoryId: string | null
  /** Of Varve's own format; null in a directory that Varve has never owned. */
  readonly formatVersion: number | null
  /** What the marker of a clean shutdown holds. */
  readonly brokerEpoch: number | null
  readonly partitions: number
}

export interface LockItem {
  readonly type: 'lock'
  readonly path: string
  readonly number: number
  readonly pid: number | null
  readonly machineId: string | null
  readonly bootId: string | null
  /** Whether its owner gave the directory back. */
  readonly released: boolean | null
}

interface InPartition {
  readonly topic: string | null
  readonly partition: number | null
}

export interface PartitionItem extends InPartition {
  readonly type: 'partition'
  readonly path: string
  readonly topicId: string | null
  /** Base offset of the first segment. */
  readonly baseOffset: number | null
  /** The offset behind the last whole batch. */
  readonly endOffset: number | null
  /** These as the files at the root have them. */
  readonly logStartOffset: number | null
  readonly recoveryPoint: number | null
  readonly durableOffset: number | null
  readonly highWatermark: number | null
  readonly cleanedTo: number | null
  readonly segments: number
  readonly batches: number
  readonly records: number
  /** Of the segments' logs. */
  readonly bytes: number
}

export interface SegmentItem extends InPartition {
  readonly type: 'segment'
  readonly path: string
  readonly baseOffset: number
  readonly endOffset: number
  readonly bytes: number
  readonly batches: number
  readonly records: number
  /** The smallest base timestamp and the largest timestamp of its batches; null without records. */
  readonly firstTimestamp: number | null
  readonly lastTimestamp: number | null
  /** Entries of the indexes, a preallocated rest left out; null without the file. */
  readonly offsetIndexEntries: number | null
  readonly timeIndexEntries: number | null
  readonly abortedTransactions: number | null
}

export interface BatchItem extends InPartition {
  readonly type: 'batch'
  readonly path: string
  readonly position: number
  readonly size: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly records: number
  readonly leaderEpoch: number
  readonly codec: CodecName | null
  readonly timestampType: TimestampType
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly transactional: boolean
  readonly control: boolean
  readonly deleteHorizon: number | null
  readonly crc: number
  readonly crcOk: boolean
}

export interface OffsetIndexItem extends InPartition {
  readonly type: 'offset-index-entry'
  readonly path: string
  readonly offset: number
  readonly position: number
}

export interface TimeIndexItem extends InPartition {
  readonly type: 'time-index-entry'
  readonly path: string
  readonly timestamp: number
  readonly offset: number
}

export interface AbortedTransactionItem extends InPartition {
  readonly type: 'aborted-transaction'
  readonly path: string
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly lastStableOffset: number
}

export interface ProducerItem extends InPartition {
  readonly type: 'producer'
  readonly path: string
  /** What the snapshot is of. */
  readonly snapshotOffset: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  readonly timestamp: number
  readonly coordinatorEpoch: number
  readonly currentTxnFirstOffset: number
}

export interface LeaderEpochItem extends InPartition {
  readonly type: 'leader-epoch'
  readonly path: string
  readonly epoch: number
  readonly startOffset: number
}

export interface CheckpointItem extends InPartition {
  readonly type: 'checkpoint'
  readonly path: string
  readonly offset: number
}

/** What cannot be shown, because it is not what its kind has. `verify` looks for all of these. */
export interface ProblemItem extends InPartition {
  readonly type: 'problem'
  readonly path: string
  readonly position: number | null
  readonly message: string
}
