/*
 * `.txnindex`: entries of 34 bytes, big-endian: version int16 (0), producer id, first offset, last offset (the ABORT
 * marker's) and last stable offset, each int64. Source: apache/kafka, org.apache.kafka.storage.internals.log.AbortedTxn.
 */

export const ABORTED_ENTRY_SIZE = 34

export interface AbortedEntry {
  readonly producerId: number
  readonly firstOffset: number
  /** That of the ABORT marker. */
  readonly lastOffset: number
  readonly lastStableOffset: number
}

/** What an entry says, or why it says nothing. */
export function readAbortedTransaction(bytes: Buffer): AbortedEntry | string {
  const version = bytes.readInt16BE(0)
  if (version !== 0) return `has version ${version}, not 0`
  const [producerId = -1, firstOffset = -1, lastOffset = -1, lastStableOffset = -1] = [2, 10, 18, 26].map(
    at => Number(bytes.readBigInt64BE(at)),
  )
  return { producerId, firstOffset, lastOffset, lastStableOffset }
}
