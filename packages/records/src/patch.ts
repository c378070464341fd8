import { LOG_APPEND_TIME_BIT } from './attributes.ts'
import { crc32c } from './crc.ts'
import { writeInt16, writeInt32, writeInt64 } from './int64.ts'
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BASE_SEQUENCE_AT,
  CRC_AT,
  LEADER_EPOCH_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  readAttributes,
  readBatchSize,
} from './layout.ts'

/*
 * What a broker may change in a batch that it did not write. Base offset and leader epoch lie outside the CRC; the
 * rest needs a new one, which passes over the whole batch: patch several fields, then the checksum once.
 */

/** Assigns the offset of the batch's first record. The CRC does not cover it. */
export function patchBaseOffset(bytes: Buffer, at: number, offset: number): void {
  writeInt64(bytes, at + BASE_OFFSET_AT, offset)
}

/** Sets the partition leader epoch. The CRC does not cover it. */
export function patchLeaderEpoch(bytes: Buffer, at: number, epoch: number): void {
  writeInt32(bytes, at + LEADER_EPOCH_AT, epoch)
}

/** Sets the largest timestamp of the batch, in milliseconds since 1970, and the CRC anew. */
export function patchMaxTimestamp(bytes: Buffer, at: number, timestamp: number): void {
  writeInt64(bytes, at + MAX_TIMESTAMP_AT, timestamp)
  patchCrc(bytes, at)
}

/** Gives all records of the batch one append time (attribute bit 3 and max timestamp), and the CRC anew. */
export function patchLogAppendTime(bytes: Buffer, at: number, timestamp: number): void {
  writeInt16(bytes, at + ATTRIBUTES_AT, readAttributes(bytes, at) | LOG_APPEND_TIME_BIT)
  patchMaxTimestamp(bytes, at, timestamp)
}

/** Gives all records of the batch back their own timestamps (attribute bit 3 cleared), and the CRC anew. */
export function patchCreateTime(bytes: Buffer, at: number, maxTimestamp: number): void {
  writeInt16(bytes, at + ATTRIBUTES_AT, readAttributes(bytes, at) & ~LOG_APPEND_TIME_BIT)
  patchMaxTimestamp(bytes, at, maxTimestamp)
}

/** Sets who produced the batch, for a producer that learns its id after encoding, and the CRC anew. */
export function patchProducer(
  bytes: Buffer,
  at: number,
  producer: { producerId: number; producerEpoch: number; baseSequence: number },
): void {
  writeInt64(bytes, at + PRODUCER_ID_AT, producer.producerId)
  writeInt16(bytes, at + PRODUCER_EPOCH_AT, producer.producerEpoch)
  writeInt32(bytes, at + BASE_SEQUENCE_AT, producer.baseSequence)
  patchCrc(bytes, at)
}

/** Computes the CRC of the batch at `at` and stores it. */
export function patchCrc(bytes: Buffer, at: number): void {
  writeInt32(bytes, at + CRC_AT, computeCrc(bytes, at))
}

/** The CRC that the batch should have: over everything from its attributes to its end. */
export function computeCrc(bytes: Buffer, at: number): number {
  return crc32c(bytes.subarray(at + ATTRIBUTES_AT, at + readBatchSize(bytes, at)))
}
