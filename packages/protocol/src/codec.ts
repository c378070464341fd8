import { VarveError } from '@varve/platform'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import { ZERO_UUID } from './uuid.ts'

/** How one type travels: both directions, the least bytes it takes, and what stands for a value that is not there. */
export interface Codec {
  read(reader: ByteReader): unknown
  write(writer: ByteWriter, value: unknown): void
  /** No encoding is shorter; bounds how many elements a count may announce. */
  readonly sizeMin: number
  /** A fresh value each time where it can be changed. */
  empty(): unknown
  isEmpty(value: unknown): boolean
}

function codec<T>(
  sizeMin: number,
  zero: T,
  read: (reader: ByteReader) => T,
  write: (writer: ByteWriter, value: T) => void,
): Codec {
  return {
    sizeMin,
    read,
    // The value's type is checked by the writer itself, which knows what to say about a wrong one.
    write: (writer, value) => {
      write(writer, value as T)
    },
    empty: () => zero,
    isEmpty: value => value === zero,
  }
}

/** The types of fixed size, by their names in the schemas; `bigint64` is ours, for an int64 that is no count or time. */
export const FIXED_TYPES: ReadonlyMap<string, Codec> = new Map([
  [
    'bool',
    codec(
      1,
      false,
      reader => reader.bool(),
      (writer, value) => writer.bool(value),
    ),
  ],
  [
    'int8',
    codec(
      1,
      0,
      reader => reader.int8(),
      (writer, value) => writer.int8(value),
    ),
  ],
  [
    'int16',
    codec(
      2,
      0,
      reader => reader.int16(),
      (writer, value) => writer.int16(value),
    ),
  ],
  [
    'uint16',
    codec(
      2,
      0,
      reader => reader.uint16(),
      (writer, value) => writer.uint16(value),
    ),
  ],
  [
    'int32',
    codec(
      4,
      0,
      reader => reader.int32(),
      (writer, value) => writer.int32(value),
    ),
  ],
  [
    'uint32',
    codec(
      4,
      0,
      reader => reader.uint32(),
      (writer, value) => writer.uint32(value),
    ),
  ],
  [
    'int64',
    codec(
      8,
      0,
      reader => reader.int64(),
      (writer, value) => writer.int64(value),
    ),
  ],
  [
    'bigint64',
    codec(
      8,
      0n,
      reader => reader.bigint64(),
      (writer, value) => writer.bigint64(value),
    ),
  ],
  [
    'float64',
    codec(
      8,
      0,
      reader => reader.float64(),
      (writer, value) => writer.float64(value),
    ),
  ],
  [
    'uuid',
    codec(
      16,
      ZERO_UUID,
      reader => reader.uuid(),
      (writer, value) => writer.uuid(value),
    ),
  ],
])

/** How a type of variable length is spelled in one version of a message. */
export interface Spelling {
  /** Flexible versions write lengths as varints plus one, others as int16 (strings) or int32. */
  readonly compact: boolean
  readonly nullable: boolean
}

/** Kafka refuses longer strings in either spelling. */
const STRING_BYTES_MAX = 0x7fff

function readLength(reader: ByteReader, { compact, nullable }: Spelling, short: boolean): number {
  const length = compact ? reader.uvarint() - 1 : short ? reader.int16() : reader.int32()
  if (length < 0 && !(nullable && length === -1)) {
    reader.fail(length === -1 ? 'it is null, which this version does not allow' : `its length is ${length}`)
  }
  return length
}

function writeLength(writer: ByteWriter, { compact }: Spelling, short: boolean, length: number): void {
  if (compact) writer.uvarint(length + 1)
  else if (short) writer.int16(length)
  else writer.int32(length)
}

function writeNull(writer: ByteWriter, spelling: Spelling, short: boolean): void {
  if (!spelling.nullable) writer.fail('given, this version has no null for it', 'null')
  writeLength(writer, spelling, short, -1)
}

function lengthSizeMin({ compact }: Spelling, short: boolean): number {
  return compact ? 1 : short ? 2 : 4
}

export function stringCodec(spelling: Spelling): Codec {
  return {
    sizeMin: lengthSizeMin(spelling, true),
    read(reader) {
      const length = readLength(reader, spelling, true)
      return length < 0 ? null : reader.utf8(length)
    },
    write(writer: ByteWriter, value: unknown) {
      if (value === null) {
        writeNull(writer, spelling, true)
        return
      }
      if (typeof value !== 'string') writer.fail('a string', value)
      const size = Buffer.byteLength(value)
      if (size > STRING_BYTES_MAX)
        writer.fail(`a string of at most ${STRING_BYTES_MAX} bytes`, size, 'TOO_LARGE')
      writeLength(writer, spelling, true, size)
      writer.utf8(value, size)
    },
    empty: () => '',
    isEmpty: value => value === '',
  }
}

/** `bytes` and `records`: what is read is a view of the buffer that was handed in. */
export function bytesCodec(spelling: Spelling): Codec {
  return {
    sizeMin: lengthSizeMin(spelling, false),
    read(reader) {
      const length = readLength(reader, spelling, false)
      return length < 0 ? null : reader.slice(length)
    },
    write(writer: ByteWriter, value: unknown) {
      if (value === null) {
        writeNull(writer, spelling, false)
        return
      }
      if (!(value instanceof Uint8Array)) writer.fail('bytes', value)
      writeLength(writer, spelling, false, value.length)
      writer.raw(value)
    },
    empty: () => Buffer.alloc(0),
    isEmpty: value => value instanceof Uint8Array && value.length === 0,
  }
}

export function arrayCodec(element: Codec, spelling: Spelling): Codec {
  // A struct may be empty; one byte each keeps a count within what was sent.
  const elementSizeMin = Math.max(1, element.sizeMin)
  return {
    sizeMin: lengthSizeMin(spelling, false),
    read(reader) {
      const length = readLength(reader, spelling, false)
      if (length < 0) return null
      const values: unknown[] = []
      const field = reader.field
      for (let left = reader.checkCount(length, elementSizeMin); left > 0; left--) {
        reader.field = field
        values.push(element.read(reader))
      }
      return values
    },
    write(writer: ByteWriter, value: unknown) {
      if (value === null) {
        writeNull(writer, spelling, false)
        return
      }
      if (!Array.isArray(value)) writer.fail('an array', value)
      writeLength(writer, spelling, false, value.length)
      const field = writer.field
      for (const each of value) {
        writer.field = field
        element.write(writer, each)
      }
    },
    empty: () => [],
    isEmpty: value => Array.isArray(value) && value.length === 0,
  }
}

/**
 * A struct that may be missing has one byte in front: -1 for null and 1 for present in its place, and 0 for null in the
 * tagged section, where Kafka writes the marker as a varint.
 */
export function nullableStructCodec(struct: Codec, isTagged: boolean): Codec {
  return {
    ...struct,
    sizeMin: 1,
    read(reader) {
      const isNull = isTagged ? reader.uvarint() === 0 : reader.int8() < 0
      return isNull ? null : struct.read(reader)
    },
    write(writer, value) {
      writer.int8(value !== null ? 1 : isTagged ? 0 : -1)
      if (value !== null) struct.write(writer, value)
    },
  }
}

export function unknownType(type: string, where: string): VarveError {
  return new VarveError(
    'INVALID_ARGUMENT',
    `${where} has the type '${type}', which Kafka's schema language does not have.`,
    {
      context: { field: where, found: type },
    },
  )
}
