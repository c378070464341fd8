import { VarveError } from '@varve/platform'
import { timestampTypeOf } from './attributes.ts'
import { decompressedRecords } from './decompress.ts'
import * as layout from './layout.ts'
import type { KafkaRecord, RecordHeader } from './record.ts'
import { VarintReader } from './varint.ts'

/** The fewest bytes a record takes: length, attributes, two deltas, two lengths, headers count. */
export const RECORD_SIZE_MIN = 7

export interface ReadOptions {
  /** Bytes that the records may take decompressed; more are refused (`TOO_LARGE`) before they are allocated. Default 128 MiB. */
  maxBytes?: number
}

const NO_BYTES = Buffer.alloc(0)

/**
 * A cursor over the records of one batch: `advance()` moves it, and its fields say what lies under it. No object is
 * made per record, and key, value and headers are looked at only when asked for. All views are into the batch's bytes
 * (or the decompressed ones).
 *
 * `for (const record of reader)` gives an object per record that stays valid when the cursor moves on.
 *
 * Positions and lengths are checked on the way (`CORRUPT_MESSAGE`); Kafka's further rules are `checkRecords`' matter.
 */
export class BatchReader implements Iterable<KafkaRecord> {
  /** The offset of the record under the cursor. */
  offset = -1
  /** Milliseconds since 1970: the batch's append time where its timestamp type is LogAppendTime. */
  timestamp = -1
  /** The timestamp that the producer gave, also where the batch has an append time. */
  createTimestamp = -1
  offsetDelta = -1
  timestampDelta = 0
  /** The record's own attributes; Kafka defines none. */
  attributes = 0
  /** The size of the key in bytes, -1 for null. */
  keySize = -1
  /** The size of the value in bytes, -1 for null. */
  valueSize = -1

  private readonly numbers = new VarintReader(NO_BYTES, 0, 0)
  private keyAt = 0
  private valueAt = 0
  private headersAt = 0
  private recordEnd = 0
  private rest = 0
  private baseOffset = 0
  private baseTimestamp = 0
  private appendTime: number | undefined = undefined
  private first = 0
  private count = 0

  /** The records of the batch at `at`, whose header must have been checked. See `open`. */
  static of(bytes: Buffer, at = 0, options?: ReadOptions): BatchReader {
    const reader = new BatchReader()
    reader.open(bytes, at, options)
    return reader
  }

  /**
   * Puts the cursor before the first record of the batch at `at`.
   *
   * @throws `CORRUPT_MESSAGE`; `TOO_LARGE` when more than `maxBytes` come out of a compressed batch;
   *   `UNSUPPORTED_CODEC` when its codec was not loaded before (`await loadCodec(name)`)
   */
  open(bytes: Buffer, at = 0, options?: ReadOptions): void {
    const attributes = layout.readAttributes(bytes, at)
    const count = layout.readRecordsCount(bytes, at)
    const records = decompressedRecords(bytes, at, options?.maxBytes)
    if (count < 0 || count > records.length / RECORD_SIZE_MIN) throw badCount(at, count, records.length)
    this.baseOffset = layout.readBaseOffset(bytes, at)
    this.baseTimestamp = layout.readBaseTimestamp(bytes, at)
    this.appendTime =
      timestampTypeOf(attributes) === 'LogAppendTime' ? layout.readMaxTimestamp(bytes, at) : undefined
    this.numbers.bytes = records
    this.numbers.end = records.length
    this.count = count
    this.first = 0
    this.rewind()
  }

  /** Puts the cursor before the first record again. */
  rewind(): void {
    this.rest = this.count
    this.recordEnd = this.first
  }

  /** How many records the batch says it holds. */
  get recordsCount(): number {
    return this.count
  }

  /** Moves to the next record; false behind the last one. */
  advance(): boolean {
    const numbers = this.numbers
    const total = numbers.bytes.length
    numbers.at = this.recordEnd
    numbers.end = total
    if (this.rest === 0) {
      if (this.recordEnd !== total) throw trailing(this.recordEnd, total)
      return false
    }
    const size = numbers.readVarint()
    const start = numbers.at
    const end = start + size
    if (size < RECORD_SIZE_MIN - 1 || end > total) throw badSize('record', start, size, total - start)
    numbers.end = end
    this.attributes = numbers.bytes[numbers.at++] ?? 0
    const timestampDelta = numbers.readVarlong()
    const offsetDelta = numbers.readVarint()
    const keySize = numbers.readVarint()
    this.keyAt = numbers.at
    if (keySize > 0) numbers.at += keySize
    if (keySize < -1 || numbers.at > end) throw badSize('key', this.keyAt, keySize, end - this.keyAt)
    const valueSize = numbers.readVarint()
    this.valueAt = numbers.at
    if (valueSize > 0) numbers.at += valueSize
    if (valueSize < -1 || numbers.at >= end)
      throw badSize('value', this.valueAt, valueSize, end - this.valueAt - 1)
    this.headersAt = numbers.at
    this.keySize = keySize
    this.valueSize = valueSize
    this.offsetDelta = offsetDelta
    this.timestampDelta = timestampDelta
    this.offset = this.baseOffset + offsetDelta
    this.createTimestamp = this.baseTimestamp + timestampDelta
    this.timestamp = this.appendTime ?? this.createTimestamp
    this.recordEnd = end
    this.rest--
    return true
  }

  get key(): Buffer | null {
    return this.keySize < 0 ? null : this.numbers.bytes.subarray(this.keyAt, this.keyAt + this.keySize)
  }

  get value(): Buffer | null {
    return this.valueSize < 0
      ? null
      : this.numbers.bytes.subarray(this.valueAt, this.valueAt + this.valueSize)
  }

  /** @throws `CORRUPT_MESSAGE` for headers that do not fill the rest of the record exactly */
  get headers(): RecordHeader[] {
    return readHeaders(this.headersBytes)
  }

  /** The headers' count and the headers, encoded. */
  get headersBytes(): Buffer {
    return this.numbers.bytes.subarray(this.headersAt, this.recordEnd)
  }

  /** The size of all records in bytes, decompressed. */
  get recordsBytes(): number {
    return this.numbers.bytes.length
  }

  /** @throws `CORRUPT_MESSAGE` for headers that do not fill the rest of the record exactly */
  checkHeaders(): void {
    if (this.recordEnd - this.headersAt === 1 && this.numbers.bytes[this.headersAt] === 0) return
    forEachHeader(this.headersBytes, undefined)
  }

  /** The record under the cursor as an object that stays when the cursor moves. */
  record(): KafkaRecord {
    return new LazyRecord(this, this.numbers.bytes, this.keyAt, this.valueAt, this.recordEnd)
  }

  *[Symbol.iterator](): Iterator<KafkaRecord> {
    this.rewind()
    while (this.advance()) yield this.record()
  }
}

/** The records of the batch at `at` as objects whose headers are decoded when asked for. See `BatchReader.open`. */
export function recordsOf(bytes: Buffer, at = 0, options?: ReadOptions): BatchReader {
  return BatchReader.of(bytes, at, options)
}

/** Where a record's parts lie in the bytes; views are made when asked for. */
class LazyRecord implements KafkaRecord {
  readonly offset: number
  readonly timestamp: number
  private readonly bytes: Buffer
  private readonly keyAt: number
  private readonly keySize: number
  private readonly valueAt: number
  private readonly valueSize: number
  private readonly end: number

  constructor(reader: BatchReader, bytes: Buffer, keyAt: number, valueAt: number, end: number) {
    this.offset = reader.offset
    this.timestamp = reader.timestamp
    this.bytes = bytes
    this.keyAt = keyAt
    this.keySize = reader.keySize
    this.valueAt = valueAt
    this.valueSize = reader.valueSize
    this.end = end
  }

  get key(): Buffer | null {
    return this.keySize < 0 ? null : this.bytes.subarray(this.keyAt, this.keyAt + this.keySize)
  }

  get value(): Buffer | null {
    return this.valueSize < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueSize)
  }

  get headers(): RecordHeader[] {
    return readHeaders(this.bytes.subarray(this.valueAt + Math.max(this.valueSize, 0), this.end))
  }
}

/** Decodes a count and that many headers, which must fill `bytes` exactly. */
export function readHeaders(bytes: Buffer): RecordHeader[] {
  const headers: RecordHeader[] = []
  forEachHeader(bytes, (key, value) => headers.push({ key: key.toString('utf8'), value }))
  return headers
}

function forEachHeader(bytes: Buffer, take: ((key: Buffer, value: Buffer | null) => void) | undefined): void {
  const numbers = new VarintReader(bytes, 0, bytes.length)
  const count = numbers.readVarint()
  // A header takes two bytes at least: a count beyond that is refused before anything is made of it.
  if (count < 0 || count > (bytes.length - numbers.at) / 2)
    throw badSize('headers count', 0, count, bytes.length)
  for (let index = 0; index < count; index++) {
    const keySize = numbers.readVarint()
    const keyAt = numbers.at
    numbers.at += keySize
    if (keySize < 0 || numbers.at > bytes.length)
      throw badSize('header key', keyAt, keySize, bytes.length - keyAt)
    const valueSize = numbers.readVarint()
    const valueAt = numbers.at
    if (valueSize > 0) numbers.at += valueSize
    if (valueSize < -1 || numbers.at > bytes.length) {
      throw badSize('header value', valueAt, valueSize, bytes.length - valueAt)
    }
    take?.(bytes.subarray(keyAt, keyAt + keySize), valueSize < 0 ? null : bytes.subarray(valueAt, numbers.at))
  }
  if (numbers.at !== bytes.length) throw trailing(numbers.at, bytes.length)
}

function badSize(what: string, position: number, found: number, max: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The ${what} at position ${position} of the records says ${found}, but ${Math.max(max, 0)} bytes are left, so the batch is damaged.`,
    { context: { position, found, max } },
  )
}

function badCount(at: number, count: number, size: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The batch at position ${at} says it holds ${count} records, which its ${size} bytes cannot hold, so it is damaged.`,
    { context: { position: at, found: count, max: Math.floor(size / RECORD_SIZE_MIN) } },
  )
}

function trailing(position: number, end: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The last record ends at position ${position}, but ${end - position} bytes follow it, so the batch is damaged.`,
    { context: { position, found: end - position, wanted: 0 } },
  )
}
