import {
  RecordFormat,
  type KnownRecord,
  type RecordBytes,
  type RecordInput,
  type UnknownRecord,
} from './coordinator-record.ts'
import { TRANSACTION_RECORDS } from './generated/transaction-records.ts'
import type { DecodeOptions } from './message.ts'

/** The records of `__transaction_state`: there is one kind, `TransactionLog`. */
export type TransactionRecords = typeof TRANSACTION_RECORDS
export type KnownTransactionRecord = KnownRecord<TransactionRecords>
export type TransactionRecord = KnownTransactionRecord | UnknownRecord
export type TransactionRecordInput = RecordInput<TransactionRecords>

const format = new RecordFormat(TRANSACTION_RECORDS)

/** `TransactionLogValue.transactionStatus`, by number, as Kafka's `TransactionState` numbers them. */
export const TRANSACTION_STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const

/**
 * Reads a record of `__transaction_state`. A type or version that is not known comes back as bytes.
 *
 * @throws `CORRUPT_MESSAGE` when a known one does not decode to its last byte
 */
export function readTransactionRecord(
  key: Buffer | null,
  value: Buffer | null,
  options: DecodeOptions = {},
): TransactionRecord {
  return format.read(key, value, options)
}

/**
 * Key and value of a record of `__transaction_state`; a value of null is a tombstone. Kafka 4.3 writes version 1.
 *
 * @throws as {@link encode} does
 */
export function writeTransactionRecord(record: TransactionRecordInput): RecordBytes {
  return format.write(record)
}
