import { hasDeleteHorizon } from './attributes.ts'
import { readInt64 } from './int64.ts'

/*
 * RecordBatch v2, all integers big-endian:
 *
 *    0  base offset        int64   patched by the broker, outside the CRC
 *    8  length             int32   bytes that follow this field
 *   12  leader epoch       int32   patched by the broker, outside the CRC
 *   16  magic              int8    2
 *   17  CRC-32C            uint32  of everything from the attributes to the end
 *   21  attributes         int16   see attributes.ts
 *   23  last offset delta  int32
 *   27  base timestamp     int64   milliseconds since 1970; the delete horizon when attribute bit 6 is set
 *   35  max timestamp      int64   the append time of all records when attribute bit 3 is set
 *   43  producer id        int64   -1 without
 *   51  producer epoch     int16
 *   53  base sequence      int32
 *   57  records count      int32
 *   61  records, compressed as one piece or not
 *
 * The offset stays outside the CRC so that the broker can assign it without touching the checksum. It also means
 * that a bit flip in the first 17 bytes is found only by looking at whether offsets continue.
 *
 * Source: apache/kafka, org.apache.kafka.common.record.DefaultRecordBatch.
 */

export const BASE_OFFSET_AT = 0
export const LENGTH_AT = 8
export const LEADER_EPOCH_AT = 12
export const MAGIC_AT = 16
export const CRC_AT = 17
export const ATTRIBUTES_AT = 21
export const LAST_OFFSET_DELTA_AT = 23
export const BASE_TIMESTAMP_AT = 27
export const MAX_TIMESTAMP_AT = 35
export const PRODUCER_ID_AT = 43
export const PRODUCER_EPOCH_AT = 51
export const BASE_SEQUENCE_AT = 53
export const RECORDS_COUNT_AT = 57

/** Bytes of a batch before its records. */
export const BATCH_HEADER_SIZE = 61
/** Bytes in front of what the length field counts: base offset and length itself. */
export const BATCH_OVERHEAD = 12
/** The only magic that is read and written; older message formats ended with Kafka 4.0. */
export const MAGIC = 2

export const readBaseOffset = (bytes: Buffer, at: number): number => readInt64(bytes, at + BASE_OFFSET_AT)
/** The size of the whole batch in bytes, header included: 12 + the length field. */
export const readBatchSize = (bytes: Buffer, at: number): number =>
  BATCH_OVERHEAD + bytes.readInt32BE(at + LENGTH_AT)
export const readLeaderEpoch = (bytes: Buffer, at: number): number => bytes.readInt32BE(at + LEADER_EPOCH_AT)
export const readMagic = (bytes: Buffer, at: number): number => bytes.readInt8(at + MAGIC_AT)
export const readCrc = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at + CRC_AT)
export const readAttributes = (bytes: Buffer, at: number): number => bytes.readInt16BE(at + ATTRIBUTES_AT)
export const readLastOffsetDelta = (bytes: Buffer, at: number): number =>
  bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT)
/** The offset of the batch's last record; after compaction that record may be gone. */
export const readLastOffset = (bytes: Buffer, at: number): number =>
  readBaseOffset(bytes, at) + readLastOffsetDelta(bytes, at)
export const readBaseTimestamp = (bytes: Buffer, at: number): number =>
  readInt64(bytes, at + BASE_TIMESTAMP_AT)
export const readMaxTimestamp = (bytes: Buffer, at: number): number => readInt64(bytes, at + MAX_TIMESTAMP_AT)
export const readProducerId = (bytes: Buffer, at: number): number => readInt64(bytes, at + PRODUCER_ID_AT)
export const readProducerEpoch = (bytes: Buffer, at: number): number =>
  bytes.readInt16BE(at + PRODUCER_EPOCH_AT)
export const readBaseSequence = (bytes: Buffer, at: number): number =>
  bytes.readInt32BE(at + BASE_SEQUENCE_AT)
export const readRecordsCount = (bytes: Buffer, at: number): number =>
  bytes.readInt32BE(at + RECORDS_COUNT_AT)

/** The delete horizon in milliseconds since 1970, `undefined` where the batch has none. */
export function deleteHorizonOf(bytes: Buffer, at: number): number | undefined {
  return hasDeleteHorizon(readAttributes(bytes, at)) ? readBaseTimestamp(bytes, at) : undefined
}

/** The sequence of a batch's last record; sequences wrap from 2^31 - 1 to 0. -1 without a producer id. */
export function readLastSequence(bytes: Buffer, at: number): number {
  const base = readBaseSequence(bytes, at)
  return base < 0 ? -1 : (base + readLastOffsetDelta(bytes, at)) % 0x8000_0000
}

/** A batch's header as a value: for where a batch is looked at once, not for hot loops. */
export interface BatchHeader {
  readonly baseOffset: number
  readonly lastOffset: number
  /** The whole batch in bytes, header included. */
  readonly size: number
  readonly leaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordsCount: number
}

/** Reads the 61 bytes at `at`, unchecked: see `checkBatchHeader`. */
export function readBatchHeader(bytes: Buffer, at: number): BatchHeader {
  const baseOffset = readBaseOffset(bytes, at)
  const lastOffsetDelta = readLastOffsetDelta(bytes, at)
  return {
    baseOffset,
    lastOffset: baseOffset + lastOffsetDelta,
    size: readBatchSize(bytes, at),
    leaderEpoch: readLeaderEpoch(bytes, at),
    magic: readMagic(bytes, at),
    crc: readCrc(bytes, at),
    attributes: readAttributes(bytes, at),
    lastOffsetDelta,
    baseTimestamp: readBaseTimestamp(bytes, at),
    maxTimestamp: readMaxTimestamp(bytes, at),
    producerId: readProducerId(bytes, at),
    producerEpoch: readProducerEpoch(bytes, at),
    baseSequence: readBaseSequence(bytes, at),
    recordsCount: readRecordsCount(bytes, at),
  }
}
