/*
 * An entry of a `.txnindex`, 34 bytes: int16 version 0, then int64 producer id, first offset, last offset (the
 * marker's) and last stable offset. Source: apache/kafka, org.apache.kafka.storage.internals.log.AbortedTxn.
 */

export const ABORTED_TXN_SIZE = 34
const VERSION = 0

/** A transaction that was aborted. */
export interface AbortedTxn {
  readonly producerId: number
  readonly firstOffset: number
  /** The marker's offset. */
  readonly lastOffset: number
  /** Up to where all transactions were decided when this one was. */
  readonly lastStableOffset: number
}

export function formatAbortedTxns(txns: readonly AbortedTxn[]): Buffer {
  const bytes = Buffer.alloc(txns.length * ABORTED_TXN_SIZE)
  for (const [index, { producerId, firstOffset, lastOffset, lastStableOffset }] of txns.entries()) {
    const at = index * ABORTED_TXN_SIZE
    bytes.writeInt16BE(VERSION, at)
    bytes.writeBigInt64BE(BigInt(producerId), at + 2)
    bytes.writeBigInt64BE(BigInt(firstOffset), at + 10)
    bytes.writeBigInt64BE(BigInt(lastOffset), at + 18)
    bytes.writeBigInt64BE(BigInt(lastStableOffset), at + 26)
  }
  return bytes
}

/** The entry at `at`, undefined for one of another version. */
export function readAbortedTxn(bytes: Buffer, at: number): AbortedTxn | undefined {
  if (bytes.readInt16BE(at) !== VERSION) return undefined
  return {
    producerId: Number(bytes.readBigInt64BE(at + 2)),
    firstOffset: Number(bytes.readBigInt64BE(at + 10)),
    lastOffset: Number(bytes.readBigInt64BE(at + 18)),
    lastStableOffset: Number(bytes.readBigInt64BE(at + 26)),
  }
}

/**
 * The entries of an index; undefined where they cannot be true: markers come in order and lie in the segment, behind
 * what they end.
 */
export function parseAbortedTxns(
  bytes: Buffer,
  { baseOffset, endOffset }: { baseOffset: number; endOffset: number },
): AbortedTxn[] | undefined {
  if (bytes.length % ABORTED_TXN_SIZE !== 0) return undefined
  const txns: AbortedTxn[] = []
  let due = baseOffset
  for (let at = 0; at < bytes.length; at += ABORTED_TXN_SIZE) {
    const txn = readAbortedTxn(bytes, at)
    if (txn === undefined) return undefined
    const { producerId, firstOffset, lastOffset, lastStableOffset } = txn
    const sound =
      producerId >= 0 &&
      firstOffset >= 0 &&
      firstOffset < lastOffset &&
      lastOffset >= due &&
      lastOffset < endOffset &&
      lastStableOffset >= 0 &&
      lastStableOffset <= lastOffset + 1
    if (!sound) return undefined
    txns.push(txn)
    due = lastOffset + 1
  }
  return txns
}
