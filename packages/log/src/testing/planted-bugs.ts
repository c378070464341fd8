/**
 * Bugs that a test can switch on, to prove that its suite finds them. Read at the few points that they concern;
 * nothing but tests ever sets one.
 */
export const plantedBugs = {
  /** The data of a round is never synced. */
  dataSyncLeftOut: false,
  /** The folder is not synced after a file was made in it. */
  directorySyncLeftOut: false,
  /** Appends are acknowledged before their sync. */
  acknowledgedBeforeSync: false,
  /** A lock is taken from a living owner. */
  twoOwners: false,
  /** What recovery found above the durable offset is visible without a sync. */
  recoveredTailUnsynced: false,
  /** A failed sync is tried again, and believed. */
  failedSyncRetried: false,
  /** A bad batch below the durable offset cuts the log. */
  truncationOnCorruption: false,
  /** The position that an index gives is not compared with the batch found there. */
  indexTrustedUnchecked: false,
  /** What a read of the newest batches gives lies in memory that later appends use again. */
  bufferReusedUnderReader: false,
  /** Of all that wait for more records one is woken. */
  wakeUpLost: false,
  /** Zeros are taken for records: their range counts as readable. */
  zerosTakenForRecords: false,
  /** The high watermark moves before the sync. */
  highWatermarkBeforeDurable: false,
  /** The marker of a clean shutdown goes after recovery instead of before. */
  cleanMarkerDeletedLate: false,
  /** A record from the future keeps its segment until that future is gone. */
  retentionPinnedByFuture: false,
  /** The space of a deleted segment is freed while it is read. */
  retentionUnderReader: false,
  /** Segments go before their log's new start is durable. */
  logStartUnsynced: false,
  /** A batch that was sent twice is appended twice. */
  duplicateGivenNewOffset: false,
  /** A snapshot of producers lacks the last one of them. */
  sequenceLostInSnapshot: false,
  /** The last stable offset does not wait for open transactions. */
  stableOffsetPastOpenTransaction: false,
  /** Readers of committed records are not told which transactions were aborted. */
  abortedDataShown: false,
  /** The marker of a clean shutdown is written before the partitions are closed. */
  cleanMarkerEarly: false,
  /** The file of the leader epochs is replaced without a sync. */
  epochFileUnsynced: false,
  /** The folder is not synced after a checkpoint got its name. */
  checkpointRenameUnsynced: false,
  /** A topic's name becomes part of a path unchecked. */
  topicNameAsPath: false,
  /** After a failed sync the next process believes what the page cache shows. */
  pageCacheTrusted: false,
  /** Memory is taken for the length that a batch says it has, before that is compared with what is left of the file. */
  lengthTrusted: false,
}

export type PlantedBug = keyof typeof plantedBugs

/** Switches bugs on until the returned function is called. */
export function plant(...names: PlantedBug[]): () => void {
  for (const name of names) plantedBugs[name] = true
  return () => {
    for (const name of names) plantedBugs[name] = false
  }
}
