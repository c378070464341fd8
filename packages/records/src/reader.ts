import { VarveError } from '@varve/platform'
import { timestampTypeOf } from './attributes.ts'
import { decompressedRecords } from './decompress.ts'
import * as layout from './layout.ts'
import { badSize, forEachHeader, readHeaders, trailing } from './record-headers.ts'
import type { KafkaRecord, RecordHeader } from './record.ts'
import { VarintReader } from './varint.ts'

/** The fewest bytes a record takes: length, attributes, two deltas, two lengths, headers count. */
export const RECORD_SIZE_MIN = 7

export interface ReadOptions {
  /** Bytes that the records may take decompressed; more are refused (`TOO_LARGE`) before they are allocated. Default 128 MiB. */
  maxBytes?: number
}

const NO_BYTES = Buffer.alloc(0)
/** The top bit of a byte says that a number goes on. */
const MORE = 0x80
/** What two bytes of a number give at most, so that the third is needed. */
const LONG = 0x4000
/** -1 in zigzag form: the size of null. */
const NULL_SIZE = 1

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
  /** The record's offset above the batch's base offset. */
  offsetDelta = -1
  /** The record's timestamp above the batch's base timestamp. */
  timestampDelta = 0
  /** The size of the key in bytes, -1 for null. */
  keySize = -1
  /** The size of the value in bytes, -1 for null. */
  valueSize = -1

  private bytes: Buffer = NO_BYTES
  private keyAt = 0
  private valueAt = 0
  private recordEnd = 0
  private rest = 0
  private count = 0
  private baseOffset = 0
  private baseTimestamp = 0
  private appendTime: number | undefined = undefined
  private readonly numbers = new VarintReader(NO_BYTES, 0, 0)

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
    this.bytes = records
    this.count = count
    this.rewind()
  }

  /** Puts the cursor before the first record again. */
  rewind(): void {
    this.rest = this.count
    this.recordEnd = 0
  }

  /** How many records the batch says it holds. */
  get recordsCount(): number {
    return this.count
  }

  /** All records as bytes, decompressed: a view. */
  get records(): Buffer {
    return this.bytes
  }

  /** The size of all records in bytes, decompressed. */
  get recordsBytes(): number {
    return this.bytes.length
  }

  /**
   * Moves to the next record; false behind the last one.
   *
   * @throws `CORRUPT_MESSAGE`
   */
  advance(): boolean {
    const { bytes } = this
    if (this.rest === 0) {
      if (this.recordEnd !== bytes.length) throw trailing(this.recordEnd, bytes.length)
      return false
    }
    // Most numbers take one or two bytes, and are read here without a call; whatever is longer, negative (but null)
    // or past the end goes the slow way, which reads from the record's beginning again and says what is wrong. Nothing
    // needs a check in between: positions only grow, and the last one is compared with the end.
    let at = this.recordEnd
    let size = bytes[at++] ?? MORE
    if (size >= MORE) size = (size & 0x7f) | ((bytes[at++] ?? MORE) << 7)
    if (size >= LONG || (size & 1) !== 0) return this.advanceSlowly()
    const end = at + (size >>> 1)
    at++ // the record's own attributes: Kafka defines none
    let timestamp = bytes[at++] ?? MORE
    if (timestamp >= MORE) timestamp = (timestamp & 0x7f) | ((bytes[at++] ?? MORE) << 7)
    let offset = bytes[at++] ?? MORE
    if (offset >= MORE) offset = (offset & 0x7f) | ((bytes[at++] ?? MORE) << 7)
    let key = bytes[at++] ?? MORE
    if (key >= MORE) key = (key & 0x7f) | ((bytes[at++] ?? MORE) << 7)
    if (timestamp >= LONG || offset >= LONG || key >= LONG) return this.advanceSlowly()
    const keyAt = at
    if ((key & 1) === 0) at += key >>> 1
    else if (key !== NULL_SIZE) return this.advanceSlowly()
    let value = bytes[at++] ?? MORE
    if (value >= MORE) value = (value & 0x7f) | ((bytes[at++] ?? MORE) << 7)
    const valueAt = at
    if ((value & 1) === 0) at += value >>> 1
    else if (value !== NULL_SIZE) return this.advanceSlowly()
    if (value >= LONG || at >= end || end > bytes.length) return this.advanceSlowly()
    this.keyAt = keyAt
    this.valueAt = valueAt
    this.keySize = key === NULL_SIZE ? -1 : key >>> 1
    this.valueSize = value === NULL_SIZE ? -1 : value >>> 1
    this.timestampDelta = (timestamp >>> 1) ^ -(timestamp & 1)
    this.offsetDelta = (offset >>> 1) ^ -(offset & 1)
    this.recordEnd = end
    this.rest--
    return true
  }

  /** `advance` for numbers of any width, and for damage. */
  private advanceSlowly(): boolean {
    const { numbers } = this
    const total = this.bytes.length
    numbers.bytes = this.bytes
    numbers.at = this.recordEnd
    numbers.end = total
    const size = numbers.readVarint()
    const start = numbers.at
    const end = start + size
    if (size < RECORD_SIZE_MIN - 1 || end > total) throw badSize('record', start, size, total - start)
    numbers.end = end
    numbers.at++
    const timestampDelta = numbers.readVarlong()
    const offsetDelta = numbers.readVarint()
    const keySize = numbers.readVarint()
    const keyAt = numbers.at
    if (keySize > 0) numbers.at += keySize
    if (keySize < -1 || numbers.at > end) throw badSize('key', keyAt, keySize, end - keyAt)
    const valueSize = numbers.readVarint()
    const valueAt = numbers.at
    if (valueSize > 0) numbers.at += valueSize
    if (valueSize < -1 || numbers.at >= end) throw badSize('value', valueAt, valueSize, end - valueAt - 1)
    this.keyAt = keyAt
    this.valueAt = valueAt
    this.keySize = keySize
    this.valueSize = valueSize
    this.timestampDelta = timestampDelta
    this.offsetDelta = offsetDelta
    this.recordEnd = end
    this.rest--
    return true
  }

  get offset(): number {
    return this.baseOffset + this.offsetDelta
  }

  /** Milliseconds since 1970: the batch's append time where its timestamp type is LogAppendTime. */
  get timestamp(): number {
    return this.appendTime ?? this.createTimestamp
  }

  /** The timestamp that the producer gave, also where the batch has an append time. */
  get createTimestamp(): number {
    return this.baseTimestamp + this.timestampDelta
  }

  get key(): Buffer | null {
    return this.keySize < 0 ? null : this.bytes.subarray(this.keyAt, this.keyAt + this.keySize)
  }

  get value(): Buffer | null {
    return this.valueSize < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueSize)
  }

  /** @throws `CORRUPT_MESSAGE` for headers that do not fill the rest of the record exactly */
  get headers(): RecordHeader[] {
    return this.hasHeaders ? readHeaders(this.headersBytes) : []
  }

  /** Whether there are headers to ask for; cheaper than asking. */
  get hasHeaders(): boolean {
    return this.bytes[this.headersAt] !== 0 || this.recordEnd - this.headersAt !== 1
  }

  private get headersAt(): number {
    return this.valueAt + (this.valueSize > 0 ? this.valueSize : 0)
  }

  /** The headers' count and the headers, encoded. */
  get headersBytes(): Buffer {
    return this.bytes.subarray(this.headersAt, this.recordEnd)
  }

  /** @throws `CORRUPT_MESSAGE` for headers that do not fill the rest of the record exactly */
  checkHeaders(): void {
    if (this.hasHeaders) forEachHeader(this.headersBytes, undefined)
  }

  /** The record under the cursor as an object that stays when the cursor moves. */
  record(): KafkaRecord {
    return new LazyRecord(this, this.bytes, this.keyAt, this.valueAt, this.recordEnd)
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

function badCount(at: number, count: number, size: number): VarveError {
  return new VarveError(
    'CORRUPT_MESSAGE',
    `The batch at position ${at} says it holds ${count} records, which its ${size} bytes cannot hold, so it is damaged.`,
    { context: { position: at, found: count, max: Math.floor(size / RECORD_SIZE_MIN) } },
  )
}
