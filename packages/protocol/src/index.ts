export { readAssignment, readSubscription, writeAssignment, writeSubscription } from './consumer-protocol.ts'
export {
  decodeVersioned,
  encodeVersioned,
  type RecordBytes,
  type UnknownRecord,
} from './coordinator-record.ts'
export { errorByCode, errorByName, errors, type KafkaError } from './errors.ts'
export * from './generated/consumer-protocol.ts'
export * from './generated/control-records.ts'
export * from './generated/group-records.ts'
export * from './generated/metadata-records.ts'
export * from './generated/transaction-records.ts'
export {
  readGroupRecord,
  writeGroupRecord,
  type GroupRecord,
  type GroupRecordInput,
  type GroupRecordName,
  type GroupRecords,
  type KnownGroupRecord,
} from './group-record.ts'
export {
  decode,
  defaultsOf,
  encode,
  latestVersion,
  readMessage,
  writeMessage,
  type DecodeOptions,
} from './message.ts'
export {
  readMetadataRecord,
  writeMetadataRecord,
  type KnownMetadataRecord,
  type MetadataRecord,
  type MetadataRecordName,
  type MetadataRecords,
  type UnknownMetadataRecord,
} from './metadata-record.ts'
export { ByteReader } from './reader.ts'
export {
  includesVersion,
  parseVersions,
  versionsOf,
  type FieldSchema,
  type InputOf,
  type MessageSchema,
  type RawTaggedField,
  type StructSchema,
  type ValueOf,
  type VersionRange,
} from './schema.ts'
export { parseTopicConfig, topicConfigs, type TopicConfig, type TopicConfigValue } from './topic-configs.ts'
export {
  readTransactionRecord,
  TRANSACTION_STATES,
  writeTransactionRecord,
  type KnownTransactionRecord,
  type TransactionRecord,
  type TransactionRecordInput,
  type TransactionRecords,
} from './transaction-record.ts'
export { isUuid, randomUuid, uuidBytes, uuidText, ZERO_UUID } from './uuid.ts'
export { ByteWriter } from './writer.ts'
