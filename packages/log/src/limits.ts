/** The limits of the log, with their units in their names. */
export const logLimits = {
  /** Bytes of appends of one partition that may wait for the disk; further ones wait their turn. */
  appendQueueBytesMax: 64 * 1024 * 1024,
  /** Bytes that one round writes before it syncs and acknowledges. */
  appendRoundBytesMax: 16 * 1024 * 1024,
  /** Buffers handed to the system in one write; Linux takes 1,024. */
  appendRoundBuffersMax: 1000,
  /** A length field above this is taken for damage. */
  batchBytesMax: 256 * 1024 * 1024,
  /** Bytes read at a time where a segment is walked. */
  walkChunkBytes: 256 * 1024,
  /** Bytes read at a time where a segment is recovered. */
  recoveryChunkBytes: 1024 * 1024,
  /** Index entries that the newest segment may have in memory only. */
  unsavedIndexEntriesMax: 512,
  /** Bytes of memory for what index files hold, for the whole directory. */
  indexCacheBytesMax: 64 * 1024 * 1024,
  /** Bytes of memory for the newest batches of partitions whose end somebody reads, for the whole directory. */
  tailCacheBytesMax: 64 * 1024 * 1024,
  /** Bytes of it for one partition; and whoever has not read for so many bytes does not read there any more. */
  tailPartitionBytesMax: 4 * 1024 * 1024,
  /** File handles of segments, for the whole directory. */
  openFilesMax: 800,
  /** Syncs that run at the same time, for the whole directory: libuv has four threads, and they are the user's. */
  syncsInFlightMax: 2,
  /** Milliseconds that opening and closing work before the event loop turns. */
  sliceMs: 4,
  /** A look at a folder that takes longer has waited for the disk, in milliseconds. */
  diskWaitMs: 8,
  /** Partitions that are recovered, flushed or closed at the same time. */
  opensInFlightMax: 8,
  /** Text files (checkpoints) above this are refused. */
  checkpointBytesMax: 64 * 1024 * 1024,
  /** Bytes of the disk that are kept free: appends of clients are refused while less is left. */
  headroomBytes: 64 * 1024 * 1024,
  /** The largest part of a small disk that is kept free. */
  headroomShareMax: 0.1,
  /** How old a measurement of the space that is left may be while appends come in. */
  headroomCheckMs: 1000,
  /** Time between two checks of retention, as Kafka's `log.retention.check.interval.ms`. */
  retentionCheckIntervalMs: 5 * 60 * 1000,
  /** Partitions whose retention is looked after at the same time: one write of a checkpoint, of all, covers them. */
  retentionChecksInFlightMax: 64,
  /** Bytes of log behind a snapshot of the producers before the next one is taken. */
  producerSnapshotBytes: 16 * 1024 * 1024,
  /** How long a producer that is not seen is remembered: a day, as in Kafka. */
  producerIdExpirationMs: 24 * 3600 * 1000,
  /** Least time between two notes of the durable offsets. */
  durableNoteIntervalMs: 100,
} as const
