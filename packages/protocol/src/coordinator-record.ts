import { decode, expectEnd, readMessage, writeMessage, type DecodeOptions } from './message.ts'
import { ByteReader } from './reader.ts'
import { includesVersion, versionsOf, type InputOf, type MessageSchema, type ValueOf } from './schema.ts'
import { ByteWriter } from './writer.ts'

/** Key and value of one kind of record. */
export interface RecordSchemas {
  readonly key: MessageSchema
  readonly value: MessageSchema
}

/** Kinds of records by name. */
export type RecordTable = Readonly<Record<string, RecordSchemas>>

/** A record of a coordinator's topic, told apart by `name`. A value of null is a tombstone. */
export type KnownRecord<Table extends RecordTable> = {
  [Name in keyof Table]: {
    known: true
    name: Name
    /** The number that stands for the name, in front of the key. */
    type: number
    key: ValueOf<Table[Name]['key']>
    /** The version of the value, in front of it; -1 for a tombstone. */
    version: number
    value: ValueOf<Table[Name]['value']> | null
  }
}[keyof Table]

/** A record of a type or version that is not known here, as bytes. The type is -1 where not even that can be read. */
export interface UnknownRecord {
  known: false
  type: number
  version: number
  key: Buffer | null
  value: Buffer | null
}

/** What is written: the version is left out for a tombstone. */
export type RecordInput<Table extends RecordTable> = {
  [Name in keyof Table]:
    | {
        name: Name
        key: InputOf<Table[Name]['key']>
        version: number
        value: InputOf<Table[Name]['value']>
      }
    | { name: Name; key: InputOf<Table[Name]['key']>; version?: number; value: null }
}[keyof Table]

/** Key and value of a record, ready for a batch. */
export interface RecordBytes {
  key: Buffer
  value: Buffer | null
}

/** The version of every key; the number in front of a key is the record's type. */
const KEY_VERSION = 0
const PREFIX_SIZE = 2

/**
 * Reads and writes records whose key is an int16 type and a message, and whose value is an int16 version and a message:
 * the format that Kafka's coordinators share.
 */
export class RecordFormat<Table extends RecordTable> {
  readonly #table: Table
  readonly #byType: ReadonlyMap<number | undefined, string>

  constructor(table: Table) {
    this.#table = table
    this.#byType = new Map(Object.entries(table).map(([name, schemas]) => [schemas.key.apiKey, name]))
  }

  read(
    key: Buffer | null,
    value: Buffer | null,
    options: DecodeOptions = {},
  ): KnownRecord<Table> | UnknownRecord {
    const type = key === null || key.length < PREFIX_SIZE ? -1 : key.readInt16BE(0)
    const version = value === null || value.length < PREFIX_SIZE ? -1 : value.readInt16BE(0)
    const name = this.#byType.get(type)
    const schemas = name === undefined ? undefined : this.#table[name]
    if (key === null || schemas === undefined) return { known: false, type, version, key, value }
    if (
      value !== null &&
      value.length >= PREFIX_SIZE &&
      !includesVersion(versionsOf(schemas.value), version)
    ) {
      return { known: false, type, version, key, value }
    }
    const record = {
      known: true,
      name,
      type,
      key: decode(schemas.key, KEY_VERSION, key.subarray(PREFIX_SIZE), options),
      version,
      value: value === null ? null : decodeVersioned(schemas.value, value, options),
    }
    // The table says what belongs to which name; the compiler cannot follow it through the look-up.
    return record as unknown as KnownRecord<Table>
  }

  write(record: RecordInput<Table>): RecordBytes {
    const { name, key, value, version } = record as {
      name: string
      key: unknown
      value: unknown
      version?: number
    }
    const schemas = this.#table[name]
    const writer = new ByteWriter(64)
    if (schemas === undefined) return writer.fail('the name of a record', name)
    writer.int16(schemas.key.apiKey ?? 0)
    writeMessage(writer, schemas.key, KEY_VERSION, key)
    return {
      key: writer.finish(),
      value:
        value === null
          ? null
          : encodeVersioned(schemas.value, version ?? versionsOf(schemas.value).last, value),
    }
  }
}

/** A message with its version as an int16 in front. */
export function encodeVersioned<Value, Input>(
  schema: MessageSchema<Value, Input>,
  version: number,
  value: Input,
): Buffer {
  const writer = new ByteWriter()
  writer.int16(version)
  writeMessage(writer, schema, version, value)
  return writer.finish()
}

/** Reads what {@link encodeVersioned} writes. */
export function decodeVersioned<Value, Input>(
  schema: MessageSchema<Value, Input>,
  bytes: Buffer,
  options: DecodeOptions = {},
): Value {
  const reader = new ByteReader(bytes)
  reader.message = schema.name
  reader.field = 'version'
  const value = readMessage(reader, schema, reader.int16(), options)
  expectEnd(reader)
  return value
}
