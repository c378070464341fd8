import { codecOf } from './compile.ts'
import { ByteReader } from './reader.ts'
import type { MessageSchema } from './schema.ts'
import { versionsOf } from './schema.ts'
import { ByteWriter } from './writer.ts'

export interface DecodeOptions {
  /**
   * `keep` (the default) hands unknown tagged fields over as `unknownTaggedFields`, so that writing the value again
   * loses nothing; `skip` steps over them without making objects.
   */
  unknownTags?: 'keep' | 'skip'
}

/**
 * Encodes a message. Fields that the schema gives a default may be left out.
 *
 * @throws `UNSUPPORTED_VERSION` for a version the schema lacks, or a value that this version cannot carry;
 *   `INVALID_ARGUMENT` for a value that does not fit its type; `TOO_LARGE` for a string above 32,767 bytes
 */
export function encode<Value, Input>(
  schema: MessageSchema<Value, Input>,
  version: number,
  value: Input,
): Buffer {
  const writer = new ByteWriter()
  writeMessage(writer, schema, version, value)
  return writer.finish()
}

/**
 * Decodes a message that takes all of `bytes`. Fields that the version lacks have their default. Bytes and records are
 * views of `bytes`: copy them if they shall outlive it.
 *
 * @throws `UNSUPPORTED_VERSION`; `CORRUPT_MESSAGE` when the bytes are no such message or go on after it
 */
export function decode<Value, Input>(
  schema: MessageSchema<Value, Input>,
  version: number,
  bytes: Buffer,
  options: DecodeOptions = {},
): Value {
  const reader = new ByteReader(bytes)
  const value = readMessage(reader, schema, version, options)
  expectEnd(reader)
  return value
}

/** Writes a message after what `writer` already holds. */
export function writeMessage<Value, Input>(
  writer: ByteWriter,
  schema: MessageSchema<Value, Input>,
  version: number,
  value: Input,
): void {
  writer.message = schema.name
  writer.field = ''
  codecOf(schema, version).write(writer, value)
}

/** Reads a message where `reader` stands and leaves it behind the message. */
export function readMessage<Value, Input>(
  reader: ByteReader,
  schema: MessageSchema<Value, Input>,
  version: number,
  options: DecodeOptions = {},
): Value {
  reader.message = schema.name
  reader.field = ''
  reader.keepUnknownTags = options.unknownTags !== 'skip'
  return codecOf(schema, version).read(reader) as Value
}

/** Refuses bytes after a message. */
export function expectEnd(reader: ByteReader): void {
  reader.field = ''
  if (reader.remaining > 0) reader.fail(`${reader.remaining} bytes follow its end`)
}

/** A value with every field at its default, in the shape that {@link decode} gives. */
export function defaultsOf<Value, Input>(schema: MessageSchema<Value, Input>, version: number): Value {
  return codecOf(schema, version).empty() as Value
}

/** The highest version of a message. */
export function latestVersion(schema: MessageSchema): number {
  return versionsOf(schema).last
}
