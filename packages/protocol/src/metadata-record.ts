import { METADATA_RECORDS } from './generated/metadata-records.ts'
import { expectEnd, readMessage, writeMessage, type DecodeOptions } from './message.ts'
import { ByteReader } from './reader.ts'
import { includesVersion, versionsOf, type InputOf, type MessageSchema, type ValueOf } from './schema.ts'
import { ByteWriter } from './writer.ts'

/** The records of `__cluster_metadata` by name, such as `TopicRecord` and `PartitionRecord`. */
export type MetadataRecords = typeof METADATA_RECORDS
export type MetadataRecordName = keyof MetadataRecords

/** A record of `__cluster_metadata`, told apart by `name`. */
export type KnownMetadataRecord = {
  [Name in MetadataRecordName]: {
    known: true
    name: Name
    /** The number that stands for the name. */
    type: number
    version: number
    message: ValueOf<MetadataRecords[Name]>
  }
}[MetadataRecordName]

/** A record of a type or version that is not known here; `bytes` is the record's whole value, frame included. */
export interface UnknownMetadataRecord {
  known: false
  type: number
  version: number
  bytes: Buffer
}

export type MetadataRecord = KnownMetadataRecord | UnknownMetadataRecord

/** The only version of the frame: three varints (frame version, type, version) in front of the message. */
const FRAME_VERSION = 1

const byType = new Map(
  (Object.keys(METADATA_RECORDS) as MetadataRecordName[]).map(name => [METADATA_RECORDS[name].apiKey, name]),
)

/**
 * Reads the value of a record of `__cluster_metadata` (whose keys are null). Control batches are not for this function.
 *
 * @throws `CORRUPT_MESSAGE` when a known type does not decode to its last byte
 */
export function readMetadataRecord(bytes: Buffer, options: DecodeOptions = {}): MetadataRecord {
  const reader = new ByteReader(bytes)
  reader.message = 'the metadata record'
  reader.field = 'frame'
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION)
    reader.fail(`its frame has version ${frameVersion} and ${FRAME_VERSION} is known`)
  const type = reader.uvarint()
  const version = reader.uvarint()
  const name = byType.get(type)
  if (name === undefined) return { known: false, type, version, bytes }
  const schema: MessageSchema = METADATA_RECORDS[name]
  if (!includesVersion(versionsOf(schema), version)) return { known: false, type, version, bytes }
  const message = readMessage(reader, schema, version, options)
  expectEnd(reader)
  // The table says which message belongs to which name; the compiler cannot follow the pair through the look-up.
  return { known: true, name, type, version, message } as KnownMetadataRecord
}

/**
 * The value of a record of `__cluster_metadata`.
 *
 * @throws as {@link encode} does
 */
export function writeMetadataRecord<Name extends MetadataRecordName>(
  name: Name,
  version: number,
  message: InputOf<MetadataRecords[Name]>,
): Buffer {
  const schema: MessageSchema = METADATA_RECORDS[name]
  const writer = new ByteWriter()
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(schema.apiKey ?? 0)
  writer.uvarint(version)
  writeMessage(writer, schema, version, message)
  return writer.finish()
}
