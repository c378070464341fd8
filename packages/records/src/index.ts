export {
  CODEC_NAMES,
  codecNumber,
  codecOf,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  timestampTypeOf,
  type CodecName,
  type TimestampType,
} from './attributes.ts'
export { isCodecLoaded, loadCodec, loadedCodec, type Codec } from './codecs/codec.ts'
export { checksumBuild, crc32c, useNativeChecksum } from './crc.ts'
export { decompressedRecords, DECOMPRESSED_BYTES_MAX_DEFAULT } from './decompress.ts'
export {
  BATCH_HEADER_SIZE,
  BATCH_OVERHEAD,
  deleteHorizonOf,
  readAttributes,
  readBaseOffset,
  readBaseSequence,
  readBaseTimestamp,
  readBatchHeader,
  readBatchSize,
  readCrc,
  readLastOffset,
  readLastOffsetDelta,
  readLastSequence,
  readLeaderEpoch,
  readMagic,
  readMaxTimestamp,
  readProducerEpoch,
  readProducerId,
  readRecordsCount,
  type BatchHeader,
} from './layout.ts'
export {
  computeCrc,
  patchBaseOffset,
  patchCrc,
  patchCreateTime,
  patchLeaderEpoch,
  patchLogAppendTime,
  patchMaxTimestamp,
  patchProducer,
} from './patch.ts'
export { recompressBatch, type RecompressOptions } from './recompress.ts'
export { BatchReader, recordsOf, type ReadOptions } from './reader.ts'
export type { HeaderInput, KafkaRecord, RecordHeader, RecordInput } from './record.ts'
export {
  checkBatch,
  checkBatchHeader,
  checkRecords,
  type CheckBatchOptions,
  type CheckedRecords,
  type CheckRecordsOptions,
} from './validator.ts'
export { BatchWriter, type BatchWriterOptions } from './writer.ts'
export { writtenBatchOf, type WrittenBatch } from './written-batches.ts'
export {
  CONTROL_TYPES,
  controlTypeOf,
  readControlRecord,
  writeControlRecord,
  type ControlRecord,
  type ControlType,
  type ControlVoter,
  type KraftVoter,
} from './control.ts'
