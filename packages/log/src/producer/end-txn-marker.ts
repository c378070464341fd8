import { recordsOf, readControlRecord, readRecordsCount } from '@varve/records'

/** What a coordinator writes at the end of a transaction: it was aborted, or committed. */
export interface EndTxnMarker {
  readonly aborted: boolean
  readonly coordinatorEpoch: number
  readonly timestamp: number
}

/**
 * The marker in the control batch at `at`, whose checksum was compared; undefined for other control records, and where
 * the cleaner took it out. Source: apache/kafka, org.apache.kafka.common.record.EndTransactionMarker.
 *
 * @throws `CORRUPT_MESSAGE`
 */
export function readEndTxnMarker(bytes: Buffer, at: number): EndTxnMarker | undefined {
  if (readRecordsCount(bytes, at) === 0) return undefined
  for (const { key, value, timestamp } of recordsOf(bytes, at)) {
    const record = readControlRecord(key, value)
    if (record.type !== 'abort' && record.type !== 'commit') return undefined
    return { aborted: record.type === 'abort', coordinatorEpoch: record.coordinatorEpoch, timestamp }
  }
  return undefined
}
