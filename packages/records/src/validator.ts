import { VarveError } from '@varve/platform'
import { codecOf, isControl, isTransactional, timestampTypeOf } from './attributes.ts'
import * as layout from './layout.ts'
import { computeCrc } from './patch.ts'
import { BatchReader, RECORD_SIZE_MIN, type ReadOptions } from './reader.ts'

/*
 * Damage is `CORRUPT_MESSAGE`: the bytes are not what someone wrote. Whole batches that break a rule of Kafka's are
 * `INVALID_RECORD`: someone wrote them wrongly. The rules follow org.apache.kafka.storage.internals.log.LogValidator
 * and org.apache.kafka.common.record.DefaultRecordBatch.
 */

/**
 * Whether the header at `at` makes sense and its batch ends before `end`, without touching the records.
 *
 * @returns the batch's size in bytes
 * @throws `CORRUPT_MESSAGE`, `UNSUPPORTED_VERSION` for a magic below 2
 */
export function checkBatchHeader(bytes: Buffer, at: number, end = bytes.length): number {
  if (end - at < layout.BATCH_HEADER_SIZE) {
    throw corrupt(
      at,
      `${Math.max(end - at, 0)} bytes are left, but a batch's header takes ${layout.BATCH_HEADER_SIZE}`,
    )
  }
  const size = layout.readBatchSize(bytes, at)
  if (size < layout.BATCH_HEADER_SIZE)
    throw corrupt(at, `its length field says ${size - layout.BATCH_OVERHEAD}`)
  const magic = layout.readMagic(bytes, at)
  if (magic === 0 || magic === 1) {
    throw new VarveError(
      'UNSUPPORTED_VERSION',
      `The batch at position ${at} has magic ${magic}, the message format before Kafka 0.11; have Kafka 3.x rewrite the topic first.`,
      { context: { position: at, found: magic, wanted: layout.MAGIC } },
    )
  }
  if (magic !== layout.MAGIC) throw corrupt(at, `its magic is ${magic}, not ${layout.MAGIC}`)
  if (size > end - at) throw corrupt(at, `it says it takes ${size} bytes, but ${end - at} are left`)
  const lastDelta = layout.readLastOffsetDelta(bytes, at)
  if (lastDelta < 0) throw corrupt(at, `its last offset delta is ${lastDelta}`)
  const baseOffset = layout.readBaseOffset(bytes, at)
  if (baseOffset < 0 || baseOffset > Number.MAX_SAFE_INTEGER - lastDelta) {
    throw corrupt(at, `its base offset is ${baseOffset}`)
  }
  return size
}

export interface CheckBatchOptions {
  /** Also what a broker demands of a client's batch: offsets without gaps, not empty, no control batch. Default false. */
  fromClient?: boolean
}

/**
 * `checkBatchHeader`, then the CRC, then whether the header's fields fit together. Compressed records stay untouched.
 *
 * @returns the batch's size in bytes
 * @throws `CORRUPT_MESSAGE`, `INVALID_RECORD`, `UNSUPPORTED_CODEC`, `UNSUPPORTED_VERSION`
 */
export function checkBatch(
  bytes: Buffer,
  at: number,
  end = bytes.length,
  options: CheckBatchOptions = {},
): number {
  const size = checkBatchHeader(bytes, at, end)
  const wanted = layout.readCrc(bytes, at)
  const found = computeCrc(bytes, at)
  if (wanted !== found) {
    throw new VarveError(
      'CORRUPT_MESSAGE',
      `The batch at position ${at} has checksum ${hex(found)}, but its header says ${hex(wanted)}, so it is damaged.`,
      { context: { position: at, wanted, found } },
    )
  }
  checkFields(bytes, at, size)
  if (options.fromClient === true) checkClientFields(bytes, at)
  return size
}

function checkFields(bytes: Buffer, at: number, size: number): void {
  const attributes = layout.readAttributes(bytes, at)
  const codec = codecOf(attributes)
  const count = layout.readRecordsCount(bytes, at)
  const lastDelta = layout.readLastOffsetDelta(bytes, at)
  if (count < 0) throw invalid(at, `its records count is ${count}`)
  if (count > lastDelta + 1) throw invalid(at, `it holds ${count} records, but only ${lastDelta + 1} offsets`)
  const room = size - layout.BATCH_HEADER_SIZE
  if (codec === 'none' && count > room / RECORD_SIZE_MIN) {
    throw invalid(at, `it says it holds ${count} records, which its ${room} bytes cannot hold`)
  }
  if (count > 0 && room === 0)
    throw invalid(at, `it says it holds ${count} records, but none follow its header`)
  if (layout.readMaxTimestamp(bytes, at) < -1 || layout.readBaseTimestamp(bytes, at) < -1) {
    throw invalid(at, 'one of its timestamps is negative')
  }
  const producerId = layout.readProducerId(bytes, at)
  if (producerId < -1) throw invalid(at, `its producer id is ${producerId}`)
  if (isTransactional(attributes) && producerId < 0)
    throw invalid(at, 'it is transactional without a producer id')
}

function checkClientFields(bytes: Buffer, at: number): void {
  const attributes = layout.readAttributes(bytes, at)
  if (isControl(attributes)) throw invalid(at, 'clients may not write control batches')
  const count = layout.readRecordsCount(bytes, at)
  if (count === 0) throw invalid(at, 'it holds no records')
  const lastDelta = layout.readLastOffsetDelta(bytes, at)
  if (count !== lastDelta + 1) throw invalid(at, `it holds ${count} records for ${lastDelta + 1} offsets`)
  if (layout.readProducerId(bytes, at) >= 0) {
    const sequence = layout.readBaseSequence(bytes, at)
    const epoch = layout.readProducerEpoch(bytes, at)
    if (sequence < 0) throw invalid(at, `it has a producer id, but its base sequence is ${sequence}`)
    if (epoch < 0) throw invalid(at, `it has a producer id, but its producer epoch is ${epoch}`)
  }
}

export interface CheckRecordsOptions extends ReadOptions {
  /** A reader to be used again; it holds the records, decompressed, afterwards. Default a new one. */
  reader?: BatchReader
  /** Offsets follow each other without gaps, as in every batch that a client sends. Default false: they may have gaps. */
  withoutGaps?: boolean
  /** The header's max timestamp is the largest of the records', unless it is an append time. Default false. */
  exactMaxTimestamp?: boolean
  /** Every record has a key, as a compacted topic demands. Default false. */
  keyed?: boolean
}

/** What `checkRecords` learnt on the way. */
export interface CheckedRecords {
  /** The smallest timestamp of the records themselves, -1 aside; Infinity where there is none. */
  readonly minTimestamp: number
  /** The largest timestamp of the records themselves; -1 where there is none. */
  readonly maxTimestamp: number
  /** The offset of the first record that has it, -1 where there is none. */
  readonly offsetOfMaxTimestamp: number
  /** The size of the records in bytes, decompressed. */
  readonly recordsBytes: number
}

/**
 * Decodes every record of the batch at `at` and checks lengths, deltas, headers, counts and the max timestamp. The
 * codec must have been loaded.
 *
 * @throws `CORRUPT_MESSAGE`, `INVALID_RECORD`, `TOO_LARGE`
 */
export function checkRecords(bytes: Buffer, at: number, options: CheckRecordsOptions = {}): CheckedRecords {
  const reader = options.reader ?? new BatchReader()
  reader.open(bytes, at, options)
  const lastDelta = layout.readLastOffsetDelta(bytes, at)
  let previous = -1
  let minTimestamp = Infinity
  let maxTimestamp = -1
  let offsetOfMaxTimestamp = -1
  while (reader.advance()) {
    const delta = reader.offsetDelta
    if (delta <= previous || delta > lastDelta || (options.withoutGaps === true && delta !== previous + 1)) {
      throw invalid(at, `offset delta ${delta} follows ${previous}, with ${lastDelta} as the last`)
    }
    if (options.keyed === true && reader.keySize < 0) {
      throw invalid(at, `the record at offset ${reader.offset} has no key, which a compacted topic demands`)
    }
    const timestamp = reader.createTimestamp
    if (!Number.isSafeInteger(timestamp))
      throw invalid(at, `the record at offset ${reader.offset} has timestamp ${timestamp}`)
    if (timestamp > maxTimestamp) {
      maxTimestamp = timestamp
      offsetOfMaxTimestamp = reader.offset
    }
    if (timestamp < minTimestamp && timestamp !== -1) minTimestamp = timestamp
    reader.checkHeaders()
    previous = delta
  }
  if (options.exactMaxTimestamp === true && previous >= 0) checkMaxTimestamp(bytes, at, maxTimestamp)
  return { minTimestamp, maxTimestamp, offsetOfMaxTimestamp, recordsBytes: reader.recordsBytes }
}

function checkMaxTimestamp(bytes: Buffer, at: number, found: number): void {
  const wanted = layout.readMaxTimestamp(bytes, at)
  if (wanted === found || timestampTypeOf(layout.readAttributes(bytes, at)) === 'LogAppendTime') return
  throw invalid(at, `its max timestamp is ${wanted}, but its records' is ${found}`)
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}

function corrupt(position: number, what: string): VarveError {
  return new VarveError('CORRUPT_MESSAGE', `There is no whole batch at position ${position}: ${what}.`, {
    context: { position },
  })
}

function invalid(position: number, what: string): VarveError {
  return new VarveError(
    'INVALID_RECORD',
    `The batch at position ${position} breaks a rule of the format: ${what}.`,
    {
      context: { position },
    },
  )
}
