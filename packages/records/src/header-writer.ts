import { writeInt16, writeInt32, writeInt64 } from './int64.ts'
import * as layout from './layout.ts'
import { patchCrc } from './patch.ts'

/** What a header says that does not follow from the bytes themselves. */
export type HeaderFields = Omit<layout.BatchHeader, 'lastOffset' | 'size' | 'magic' | 'crc'>

/** Writes the 61 bytes in front of the records that fill the rest of `batch`, the checksum last. */
export function writeBatchHeader(batch: Buffer, header: HeaderFields): void {
  writeInt64(batch, layout.BASE_OFFSET_AT, header.baseOffset)
  writeInt32(batch, layout.LENGTH_AT, batch.length - layout.BATCH_OVERHEAD)
  writeInt32(batch, layout.LEADER_EPOCH_AT, header.leaderEpoch)
  batch[layout.MAGIC_AT] = layout.MAGIC
  writeInt16(batch, layout.ATTRIBUTES_AT, header.attributes)
  writeInt32(batch, layout.LAST_OFFSET_DELTA_AT, header.lastOffsetDelta)
  writeInt64(batch, layout.BASE_TIMESTAMP_AT, header.baseTimestamp)
  writeInt64(batch, layout.MAX_TIMESTAMP_AT, header.maxTimestamp)
  writeInt64(batch, layout.PRODUCER_ID_AT, header.producerId)
  writeInt16(batch, layout.PRODUCER_EPOCH_AT, header.producerEpoch)
  writeInt32(batch, layout.BASE_SEQUENCE_AT, header.baseSequence)
  writeInt32(batch, layout.RECORDS_COUNT_AT, header.recordsCount)
  patchCrc(batch, 0)
}
