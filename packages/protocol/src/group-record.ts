import {
  RecordFormat,
  type KnownRecord,
  type RecordBytes,
  type RecordInput,
  type UnknownRecord,
} from './coordinator-record.ts'
import { GROUP_RECORDS } from './generated/group-records.ts'
import type { DecodeOptions } from './message.ts'

/** The records of `__consumer_offsets` by name: `OffsetCommit`, `GroupMetadata` and those of the newer protocols. */
export type GroupRecords = typeof GROUP_RECORDS
export type GroupRecordName = keyof GroupRecords
export type KnownGroupRecord = KnownRecord<GroupRecords>
export type GroupRecord = KnownGroupRecord | UnknownRecord
export type GroupRecordInput = RecordInput<GroupRecords>

const format = new RecordFormat(GROUP_RECORDS)

/**
 * Reads a record of `__consumer_offsets`. A type or version that is not known comes back as bytes.
 *
 * @throws `CORRUPT_MESSAGE` when a known one does not decode to its last byte
 */
export function readGroupRecord(
  key: Buffer | null,
  value: Buffer | null,
  options: DecodeOptions = {},
): GroupRecord {
  return format.read(key, value, options)
}

/**
 * Key and value of a record of `__consumer_offsets`; a value of null is a tombstone.
 * Kafka 4.3 writes `OffsetCommit` in version 4 and `GroupMetadata` in version 3.
 *
 * @throws as {@link encode} does
 */
export function writeGroupRecord(record: GroupRecordInput): RecordBytes {
  return format.write(record)
}
