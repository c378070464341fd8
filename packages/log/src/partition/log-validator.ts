import { isVarveError, limits, VarveError } from '@varve/platform'
import {
  BatchReader,
  checkBatch,
  checkBatchHeader,
  checkRecords,
  codecOf,
  isControl,
  patchCreateTime,
  patchMaxTimestamp,
  readAttributes,
  readCrc,
  readLastOffsetDelta,
  readMaxTimestamp,
  readRecordsCount,
  timestampTypeOf,
  writtenBatchOf,
  type CodecName,
} from '@varve/records'
import type { LogConfig } from '../log-config.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { recompressed, targetCodec } from './recompression.ts'

export interface ValidatorOptions {
  readonly of: TopicPartition
  readonly config: LogConfig
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Whether the caller vouches for the records: only headers and checksums are looked at. */
  readonly validated: boolean
}

/** What an append holds, learnt while it was checked. */
export interface ValidatedBatches {
  /** The caller's own bytes, or new ones where the topic's codec is another. */
  readonly bytes: Buffer
  /** How many offsets it takes. */
  readonly offsets: number
  /** The largest timestamp, -1 without. */
  readonly maxTimestamp: number
}

/**
 * Checks what a broker checks before it gives offsets, and brings batches into the topic's codec. What offsets and epoch a
 * batch brings along is not looked at: it gets its own.
 *
 * Each record is decoded once, unless this process's own writer encoded the batch: what that wrote is well formed, and that
 * these are the bytes it wrote says their checksum, which is computed in any case.
 *
 * Source: org.apache.kafka.storage.internals.log.LogValidator, UnifiedLog.analyzeAndValidateRecords.
 *
 * @throws `CORRUPT_MESSAGE`, `INVALID_RECORD`, `MESSAGE_TOO_LARGE` (a batch above `max.message.bytes`, or records above what may
 *   be decompressed), `RECORD_LIST_TOO_LARGE` (the whole append above `segment.bytes`), `INVALID_TIMESTAMP`,
 *   `UNSUPPORTED_VERSION`, `UNSUPPORTED_CODEC`
 */
export function validateAppend(bytes: Buffer, options: ValidatorOptions): ValidatedBatches {
  const { of, config } = options
  if (bytes.length === 0)
    throw refused('INVALID_RECORD', of, 'it needs at least one batch', { found: 0, min: 1 })
  let offsets = 0
  let maxTimestamp = -1
  /** The batches so far, as soon as one of them had to be re-encoded. */
  let parts: Buffer[] | undefined
  for (let at = 0; at < bytes.length;) {
    const size = checkSize(bytes, at, options)
    const records = checkOne(bytes, at, size, options)
    const maxOfBatch = readMaxTimestamp(bytes, at)
    if (maxOfBatch > maxTimestamp) maxTimestamp = maxOfBatch
    offsets += readLastOffsetDelta(bytes, at) + 1
    const changed = recompressed(bytes, at, { config, records })
    if (changed !== undefined) {
      checkLength(changed.length, options)
      parts ??= at === 0 ? [] : [bytes.subarray(0, at)]
    }
    parts?.push(changed ?? bytes.subarray(at, at + size))
    at += size
  }
  const whole = parts === undefined ? bytes : parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
  if (whole.length > config.segmentBytes)
    throw refused(
      'RECORD_LIST_TOO_LARGE',
      of,
      `it takes ${whole.length} bytes, but segment.bytes is ${config.segmentBytes}; send less at a time or raise the setting`,
      { field: 'segment.bytes', found: whole.length, max: config.segmentBytes },
    )
  return { bytes: whole, offsets, maxTimestamp }
}

/**
 * The codecs that have to be loaded before `validateAppend` can be called; nothing is thrown here, since the bytes are checked there.
 */
export function missingCodecs(
  bytes: Buffer,
  config: LogConfig,
  isLoaded: (codec: CodecName) => boolean,
): CodecName[] {
  const missing: CodecName[] = []
  const need = (codec: CodecName): void => {
    if (!isLoaded(codec) && !missing.includes(codec)) missing.push(codec)
  }
  try {
    for (let at = 0, size = 0; at < bytes.length; at += size) {
      size = checkBatchHeader(bytes, at)
      const attributes = readAttributes(bytes, at)
      need(codecOf(attributes))
      need(targetCodec(attributes, config))
    }
  } catch (error) {
    if (!isVarveError(error)) throw error
  }
  return missing
}

/** The size comes first, as in Kafka: nothing is computed over what is refused anyway. */
function checkSize(bytes: Buffer, at: number, options: ValidatorOptions): number {
  const size = checkBatchHeader(bytes, at)
  checkLength(size, options)
  return size
}

function checkLength(found: number, { of, config }: ValidatorOptions): void {
  const max = config.maxMessageBytes
  if (found <= max) return
  throw refused(
    'MESSAGE_TOO_LARGE',
    of,
    `a batch takes ${found} bytes, but max.message.bytes is ${max}; send smaller batches or raise the setting`,
    { field: 'max.message.bytes', found, max },
  )
}

/** @returns the batch's records, decompressed, where they had to be looked at */
function checkOne(bytes: Buffer, at: number, size: number, options: ValidatorOptions): Buffer | undefined {
  checkBatch(bytes, at)
  // What brokers write themselves: markers, and records that were checked before.
  if (options.validated || isControl(readAttributes(bytes, at))) return undefined
  const { of, config } = options
  const count = readRecordsCount(bytes, at)
  const offsets = readLastOffsetDelta(bytes, at) + 1
  if (count !== offsets || count === 0)
    throw refused(
      'INVALID_RECORD',
      of,
      `the batch at position ${at} holds ${count} records for ${offsets} offsets, but one record an offset is wanted`,
      { position: at, wanted: offsets, found: count },
    )
  const written = size === bytes.length ? writtenBatchOf(bytes) : undefined
  if (written?.crc === readCrc(bytes, at)) {
    if (config.compact && !written.keyed) throw withoutKey(of, at)
    checkTimestamps(bytes, at, written, options)
    return undefined
  }
  const reader = new BatchReader()
  checkTimestamps(bytes, at, decode(bytes, at, reader, options), options)
  return reader.records
}

function decode(
  bytes: Buffer,
  at: number,
  reader: BatchReader,
  { of, config }: ValidatorOptions,
): { minTimestamp: number; maxTimestamp: number } {
  try {
    return checkRecords(bytes, at, {
      reader,
      withoutGaps: true,
      keyed: config.compact,
      maxBytes: limits.decompressedBytesMax.value,
    })
  } catch (error) {
    if (!isVarveError(error)) throw error
    const code = error.code === 'TOO_LARGE' ? 'MESSAGE_TOO_LARGE' : error.code
    throw new VarveError(code, `An append to ${of.topic}-${of.partition} was refused: ${error.message}`, {
      context: { ...error.context, ...of },
      cause: error,
    })
  }
}

/**
 * Each record's own time is within the bounds; the header says the largest of them, and says it of the producer's times:
 * what is wrong there is put right, as Kafka does. With LogAppendTime the times of a producer do not matter.
 */
function checkTimestamps(
  bytes: Buffer,
  at: number,
  found: { minTimestamp: number; maxTimestamp: number },
  { of, config, now }: ValidatorOptions,
): void {
  if (config.messageTimestampType === 'LogAppendTime') return
  const { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after } = config
  const stamped = timestampTypeOf(readAttributes(bytes, at)) === 'LogAppendTime'
  // A batch with an append time gives it to all its records.
  const max = stamped ? readMaxTimestamp(bytes, at) : found.maxTimestamp
  const min = stamped ? max : found.minTimestamp
  if (max !== -1 && max - now > after) throw badTimestamp(max, 'after', { of, config, now })
  if (min !== Infinity && min !== -1 && now - min > before)
    throw badTimestamp(min, 'before', { of, config, now })
  if (stamped) patchCreateTime(bytes, at, max)
  else if (max !== readMaxTimestamp(bytes, at)) patchMaxTimestamp(bytes, at, max)
}

function badTimestamp(
  found: number,
  side: 'before' | 'after',
  { of, config, now }: Omit<ValidatorOptions, 'validated'>,
): VarveError {
  const { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after } = config
  const setting = `message.timestamp.${side}.max.ms`
  return refused(
    'INVALID_TIMESTAMP',
    of,
    `the timestamp ${found} lies ${Math.abs(found - now)} ms ${side} now, more than ${setting} allows; correct it or raise the setting`,
    { field: setting, found, min: now - before, max: now + after },
  )
}

function withoutKey(of: TopicPartition, position: number): VarveError {
  return refused(
    'INVALID_RECORD',
    of,
    `a record of the batch at position ${position} has no key, which a compacted topic demands`,
    { position },
  )
}

function refused(
  code: string,
  of: TopicPartition,
  why: string,
  context: { field?: string; position?: number; wanted?: number; found?: number; min?: number; max?: number },
): VarveError {
  return new VarveError(code, `An append to ${of.topic}-${of.partition} was refused: ${why}.`, {
    context: { ...of, ...context },
  })
}
