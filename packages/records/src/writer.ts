import { VarveError } from '@varve/platform'
import {
  codecNumber,
  CONTROL_BIT,
  DELETE_HORIZON_BIT,
  LOG_APPEND_TIME_BIT,
  TRANSACTIONAL_BIT,
  type CodecName,
} from './attributes.ts'
import { loadCodec, loadedCodec } from './codecs/codec.ts'
import { writeBatchHeader } from './header-writer.ts'
import { BATCH_HEADER_SIZE, readCrc } from './layout.ts'
import { contentSize, headersSize, sizeOf, writeContent, writeHeaders } from './record-bytes.ts'
import type { BatchReader } from './reader.ts'
import type { HeaderInput, RecordInput } from './record.ts'
import { isSmall, ONE_BYTE, smallBodySize, writeSmallRecord } from './small-record.ts'
import { sizeOfLength, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'
import { noteWritten } from './written-batches.ts'

const MEMORY_BYTES_DEFAULT = 4096
/** The length field of a batch is an int32. */
const BATCH_BYTES_MAX = 0x7fff_ffff
const OFFSET_DELTA_MAX = 0x7fff_ffff
const NO_HEADERS: readonly HeaderInput[] = []

export interface BatchWriterOptions {
  /** Default `none`. */
  codec?: CodecName
  /** How hard the codec tries, in its own numbers; default the codec's own. lz4 and snappy have one level only. */
  level?: number
  /** Where the batch is encoded; grows by doubling when it is too small. Default 4 KiB, made at the first record. */
  memory?: Buffer
  /**
   * From this size in bytes (uncompressed, header included) on, `add` takes no more records. The first record always
   * fits. Default 2^31 - 1.
   */
  maxBytes?: number
}

/**
 * Encodes records straight into one growing buffer, as a RecordBatch v2. Nothing is allocated per record. The order of
 * work: set the header's fields (they keep their values over `reset`), `add` records, `finish`, `reset`.
 *
 * The bytes that `finish` returns are the caller's: `reset()` gives them up for new memory, and only `reset(memory)`
 * reuses memory, which the caller has to know to be free.
 */
export class BatchWriter {
  /** The offset of the first record; a broker assigns it again. */
  baseOffset = 0
  leaderEpoch = -1
  producerId = -1
  producerEpoch = -1
  baseSequence = -1
  transactional = false
  control = false
  /** Gives all records this append time instead of their own timestamps; `undefined`: CreateTime. */
  logAppendTime: number | undefined = undefined
  /** When tombstones and markers of this batch may go (milliseconds since 1970); it takes the base timestamp's place. */
  deleteHorizon: number | undefined = undefined
  /** The last offset where it is not the last record's: compaction keeps it although that record is gone. */
  lastOffset: number | undefined = undefined
  readonly codec: CodecName
  readonly maxBytes: number
  readonly level: number | undefined

  private bytes: Buffer | undefined
  private position = BATCH_HEADER_SIZE
  private recordsCount = 0
  private nextDelta = 0
  private baseTimestamp = -1
  private maxTimestamp = -1
  private minTimestamp = Infinity
  private keyed = true
  private memorySize: number
  private handedOut = false

  constructor(options: BatchWriterOptions = {}) {
    this.codec = options.codec ?? 'none'
    codecNumber(this.codec) // refuses a name that is none before any record is taken
    this.maxBytes = Math.min(options.maxBytes ?? BATCH_BYTES_MAX, BATCH_BYTES_MAX)
    this.level = options.level
    this.bytes = options.memory
    this.memorySize = Math.max(options.memory?.length ?? MEMORY_BYTES_DEFAULT, 2 * BATCH_HEADER_SIZE)
  }

  /** How many records the batch holds. */
  get count(): number {
    return this.recordsCount
  }

  /** The size of the batch in bytes so far, header included, before compression. */
  get size(): number {
    return this.position
  }

  /** Whether a record that takes up to `bytes` encoded would be taken. The first always is. */
  hasRoomFor(bytes: number): boolean {
    return this.recordsCount === 0 || this.position + bytes <= this.maxBytes
  }

  /** `add` for where the record is at hand as an object. */
  append(record: RecordInput): boolean {
    return this.add(record.key ?? null, record.value ?? null, record.timestamp, record.headers)
  }

  /**
   * Encodes one record behind the others.
   *
   * @param timestamp milliseconds since 1970; -1 for none
   * @returns false, and nothing is written, when the batch would grow beyond `maxBytes`
   * @throws `INVALID_TIMESTAMP`, `MESSAGE_TOO_LARGE` for a record that no batch can hold
   */
  add(
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    timestamp: number,
    headers: readonly HeaderInput[] = NO_HEADERS,
  ): boolean {
    if (
      this.recordsCount > 0 &&
      headers.length === 0 &&
      typeof key !== 'string' &&
      typeof value !== 'string'
    ) {
      const delta = timestamp - this.baseTimestamp
      if (value !== null && Number.isSafeInteger(timestamp) && isSmall(key, value, delta, this.nextDelta)) {
        return this.encodeSmall(key, value, timestamp, delta)
      }
    }
    return this.encode(this.nextDelta, key, value, timestamp, headers)
  }

  /** `add` with the offset said, relative to the base offset: offsets have gaps after compaction. */
  addAt(
    offsetDelta: number,
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    timestamp: number,
    headers: readonly HeaderInput[] = NO_HEADERS,
  ): boolean {
    return this.encode(offsetDelta, key, value, timestamp, headers)
  }

  /**
   * Copies the record under a reader's cursor with its offset and timestamp; its headers go over as the bytes they
   * are. The base offset has to be set before, and not above the record's offset.
   *
   * @returns false, and nothing is written, when the batch would grow beyond `maxBytes`
   */
  addFrom(reader: BatchReader): boolean {
    const delta = reader.offset - this.baseOffset
    return this.encode(delta, reader.key, reader.value, reader.createTimestamp, reader.headersBytes)
  }

  /** The whole batch, checksum included. A codec other than none must have been loaded: see `finishCompressed`. */
  finish(): Buffer {
    if (this.recordsCount === 0 && this.lastOffset === undefined) {
      throw new VarveError(
        'INVALID_RECORD',
        'The batch is empty; add at least one record before it is finished.',
      )
    }
    const memory =
      this.bytes !== undefined && this.bytes.length >= this.position ? this.bytes : this.grow(this.position)
    let batch = memory.subarray(0, this.position)
    if (this.codec === 'none' || this.recordsCount === 0) this.handedOut = true
    else {
      const compressed = loadedCodec(this.codec).compress(
        memory.subarray(BATCH_HEADER_SIZE, this.position),
        this.level,
      )
      batch = Buffer.allocUnsafe(BATCH_HEADER_SIZE + compressed.length)
      batch.set(compressed, BATCH_HEADER_SIZE)
    }
    this.writeHeader(batch)
    const { minTimestamp, maxTimestamp, keyed } = this
    noteWritten(batch, { crc: readCrc(batch, 0), minTimestamp, maxTimestamp, keyed })
    return batch
  }

  /** `finish` that loads the codec first. */
  async finishCompressed(): Promise<Buffer> {
    if (this.codec !== 'none') await loadCodec(this.codec)
    return this.finish()
  }

  /**
   * Empties the batch; the header's fields stay, except `lastOffset`.
   *
   * @param memory where the next batch goes: memory of the caller's that nothing reads any more
   */
  reset(memory?: Buffer): void {
    if (memory !== undefined) this.bytes = memory
    else if (this.handedOut) this.bytes = undefined
    this.handedOut = false
    this.position = BATCH_HEADER_SIZE
    this.recordsCount = 0
    this.nextDelta = 0
    this.baseTimestamp = -1
    this.maxTimestamp = -1
    this.minTimestamp = Infinity
    this.keyed = true
    this.lastOffset = undefined
  }

  /** `encode` for the many: bytes without headers, each length and delta in one or two bytes, written without a call. */
  private encodeSmall(
    key: Uint8Array | null,
    value: Uint8Array,
    timestamp: number,
    timestampDelta: number,
  ): boolean {
    const offsetDelta = this.nextDelta
    const body = smallBodySize(offsetDelta, key, value)
    const start = this.position
    const end = start + (body < ONE_BYTE ? 1 : 2) + body
    if (end > this.maxBytes) return false
    let bytes = this.bytes
    if (bytes === undefined || end > bytes.length) bytes = this.grow(end)

    writeSmallRecord(bytes, start, body, timestampDelta, offsetDelta, key, value)
    this.position = end
    this.recordsCount++
    this.nextDelta = offsetDelta + 1
    if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
    if (timestamp < this.minTimestamp && timestamp >= 0) this.minTimestamp = timestamp
    if (key === null) this.keyed = false
    return true
  }

  /** @param headers encoded already when they are a buffer */
  private encode(
    offsetDelta: number,
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    timestamp: number,
    headers: readonly HeaderInput[] | Buffer,
  ): boolean {
    // First of all: what is computed from a timestamp that is no number never ends.
    if (!(timestamp >= -1 && Number.isSafeInteger(timestamp))) throw badTimestamp(timestamp)
    if (this.recordsCount === 0) this.baseTimestamp = this.deleteHorizon ?? timestamp
    const timestampDelta = timestamp - this.baseTimestamp
    const keySize = sizeOf(key)
    const valueSize = sizeOf(value)
    const body =
      1 +
      sizeOfVarlong(timestampDelta) +
      sizeOfLength(offsetDelta) +
      contentSize(keySize) +
      contentSize(valueSize) +
      headersSize(headers)
    const start = this.position
    const end = start + sizeOfLength(body) + body
    if (end > this.maxBytes && !this.takesAnyway(end)) return false
    if (offsetDelta < this.nextDelta || offsetDelta > OFFSET_DELTA_MAX) {
      throw badDelta(offsetDelta, this.nextDelta)
    }
    let bytes = this.bytes
    if (bytes === undefined || end > bytes.length) bytes = this.grow(end)

    let at = writeVarint(bytes, start, body)
    bytes[at++] = 0 // attributes of a record: none are defined
    at = writeVarlong(bytes, at, timestampDelta)
    at = writeVarint(bytes, at, offsetDelta)
    at = writeContent(bytes, at, key, keySize)
    at = writeContent(bytes, at, value, valueSize)
    writeHeaders(bytes, at, headers)
    this.position = end
    this.recordsCount++
    this.nextDelta = offsetDelta + 1
    if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
    if (timestamp < this.minTimestamp && timestamp >= 0) this.minTimestamp = timestamp
    if (keySize < 0) this.keyed = false
    return true
  }

  /** Over the limit: the first record goes in all the same, unless the format itself ends there. */
  private takesAnyway(end: number): boolean {
    if (this.recordsCount > 0) return false
    if (end <= BATCH_BYTES_MAX) return true
    throw new VarveError(
      'MESSAGE_TOO_LARGE',
      `The record takes ${end} bytes, but a batch holds at most ${BATCH_BYTES_MAX}; split its value.`,
      { context: { found: end, max: BATCH_BYTES_MAX } },
    )
  }

  private grow(end: number): Buffer {
    let size = Math.max(this.bytes?.length ?? 0, this.memorySize)
    while (size < end) size *= 2
    size = Math.min(size, BATCH_BYTES_MAX)
    const grown = Buffer.allocUnsafeSlow(size)
    if (this.bytes !== undefined) grown.set(this.bytes.subarray(0, this.position))
    this.memorySize = size
    this.bytes = grown
    return grown
  }

  private writeHeader(batch: Buffer): void {
    const empty = this.recordsCount === 0
    writeBatchHeader(batch, {
      baseOffset: this.baseOffset,
      leaderEpoch: this.leaderEpoch,
      attributes:
        codecNumber(empty ? 'none' : this.codec) |
        (this.logAppendTime === undefined ? 0 : LOG_APPEND_TIME_BIT) |
        (this.transactional ? TRANSACTIONAL_BIT : 0) |
        (this.control ? CONTROL_BIT : 0) |
        (this.deleteHorizon === undefined ? 0 : DELETE_HORIZON_BIT),
      lastOffsetDelta: this.lastOffset === undefined ? this.nextDelta - 1 : this.lastOffset - this.baseOffset,
      baseTimestamp: this.deleteHorizon ?? this.baseTimestamp,
      maxTimestamp: this.logAppendTime ?? this.maxTimestamp,
      producerId: this.producerId,
      producerEpoch: this.producerEpoch,
      baseSequence: this.baseSequence,
      recordsCount: this.recordsCount,
    })
  }
}

function badTimestamp(timestamp: number): VarveError {
  return new VarveError(
    'INVALID_TIMESTAMP',
    `The record's timestamp is ${timestamp}; use whole milliseconds since 1970, or -1 for none.`,
    { context: { field: 'timestamp', found: timestamp, min: -1, max: Number.MAX_SAFE_INTEGER } },
  )
}

function badDelta(found: number, min: number): VarveError {
  return new VarveError(
    'INVALID_RECORD',
    `The record's offset is ${found} above the batch's base offset, but it must lie between ${min} and ${OFFSET_DELTA_MAX}; add records in the order of their offsets.`,
    { context: { field: 'offsetDelta', found, min, max: OFFSET_DELTA_MAX } },
  )
}
