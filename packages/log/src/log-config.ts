import { VarveError, type VarveErrorOptions } from '@varve/platform'
import type { CodecName } from '@varve/records'

/**
 * The settings of a partition log, one for each of Kafka's topic settings that the log itself obeys. Sizes are bytes,
 * times milliseconds. `Number.MAX_SAFE_INTEGER` stands for Kafka's maximum of a long: never.
 */
export interface LogConfig {
  /** `segment.bytes`: a segment takes no append that would make it larger. */
  readonly segmentBytes: number
  /** `segment.ms`, by record time: a segment takes no record this much newer than its first batch. */
  readonly segmentMs: number
  /** `segment.jitter.ms`: at most this much is taken off `segmentMs`, another random part of it for each segment. */
  readonly segmentJitterMs: number
  /** `preallocate`: a new segment's file gets its full size at once. */
  readonly preallocate: boolean
  /** `segment.index.bytes`: a full index rolls the segment. */
  readonly segmentIndexBytes: number
  /** `index.interval.bytes`: bytes of log between two entries of an index. */
  readonly indexIntervalBytes: number
  /** `flush.messages`: 1 acknowledges after the sync; more acknowledges after the write. */
  readonly flushMessages: number
  /** `flush.ms`: how long a written record may wait for its sync when `flushMessages` is above 1. */
  readonly flushMs: number
  /** `max.message.bytes`: the largest batch, header included. */
  readonly maxMessageBytes: number
  /** `message.timestamp.type`. */
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  /** `message.timestamp.before.max.ms`: how far a timestamp may lie in the past. */
  readonly messageTimestampBeforeMaxMs: number
  /** `message.timestamp.after.max.ms`: how far a timestamp may lie in the future. */
  readonly messageTimestampAfterMaxMs: number
  /** `compression.type`: the codec that appends are re-encoded with; `producer` keeps what was sent. */
  readonly compressionType: CodecName | 'producer'
  /** `compression.gzip.level`, 1 to 9, -1 for zlib's own choice. */
  readonly compressionGzipLevel: number
  /** `compression.lz4.level`, 1 to 17. Taken and passed over: the library has one level. */
  readonly compressionLz4Level: number
  /** `compression.zstd.level`, -131072 to 22. */
  readonly compressionZstdLevel: number
  /** `cleanup.policy` contains `compact`: every record needs a key, and offsets may have gaps. */
  readonly compact: boolean
  /** `cleanup.policy` contains `delete`: retention applies. */
  readonly delete: boolean
  /** `retention.ms`: a segment goes when all its records are older. Default never; the engine hands in its topics' own. */
  readonly retentionMs: number
  /** `retention.bytes`: the oldest segments go as long as the rest holds as many bytes. Default no limit. */
  readonly retentionBytes: number
  /** `file.delete.delay.ms`: how long files that left the log stay, as `.deleted`, for those who still read them. */
  readonly fileDeleteDelayMs: number
}

/** No limit, and no time at which it happens. */
export const NEVER = Number.MAX_SAFE_INTEGER

/**
 * Kafka's defaults, but for `flush.messages`, since Varve acknowledges what survives a loss of power, and for retention,
 * since a log that is opened by itself deletes nothing unless it is told to.
 */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 * 1024 * 1024,
  segmentMs: 7 * 24 * 3600 * 1000,
  segmentJitterMs: 0,
  preallocate: false,
  segmentIndexBytes: 10 * 1024 * 1024,
  indexIntervalBytes: 4096,
  flushMessages: 1,
  flushMs: NEVER,
  maxMessageBytes: 1024 * 1024 + 12,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: NEVER,
  messageTimestampAfterMaxMs: 3600 * 1000,
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  compact: false,
  delete: true,
  retentionMs: NEVER,
  retentionBytes: NEVER,
  fileDeleteDelayMs: 60_000,
}

const NUMBERS = {
  'segment.bytes': 'segmentBytes',
  'segment.ms': 'segmentMs',
  'segment.jitter.ms': 'segmentJitterMs',
  'segment.index.bytes': 'segmentIndexBytes',
  'index.interval.bytes': 'indexIntervalBytes',
  'flush.messages': 'flushMessages',
  'flush.ms': 'flushMs',
  'max.message.bytes': 'maxMessageBytes',
  'message.timestamp.before.max.ms': 'messageTimestampBeforeMaxMs',
  'message.timestamp.after.max.ms': 'messageTimestampAfterMaxMs',
  'retention.ms': 'retentionMs',
  'retention.bytes': 'retentionBytes',
  'file.delete.delay.ms': 'fileDeleteDelayMs',
} as const

/** Levels of codecs: the bounds are Kafka's. */
const LEVELS = {
  'compression.gzip.level': { field: 'compressionGzipLevel', min: -1, max: 9 },
  'compression.lz4.level': { field: 'compressionLz4Level', min: 1, max: 17 },
  'compression.zstd.level': { field: 'compressionZstdLevel', min: -131072, max: 22 },
} as const

/** Settings of which -1 means that there is no limit. */
const UNLIMITED = new Set(['retention.ms', 'retention.bytes'])
const CODECS: readonly CodecName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/**
 * The log's settings out of a topic's settings as Kafka stores them, by name and as text. Settings that are not the
 * log's are left to others.
 *
 * @throws `INVALID_CONFIG` for a value that is no value of its setting
 */
export function logConfigOf(
  entries: Iterable<readonly [name: string, value: string]>,
  base: LogConfig = defaultLogConfig,
): LogConfig {
  const config: { -readonly [K in keyof LogConfig]: LogConfig[K] } = { ...base }
  for (const [name, value] of entries) {
    if (Object.hasOwn(NUMBERS, name)) config[NUMBERS[name as keyof typeof NUMBERS]] = wholeNumber(name, value)
    if (name === 'cleanup.policy') {
      const policies = value.split(',').map(policy => policy.trim())
      config.compact = policies.includes('compact')
      config.delete = policies.includes('delete')
    }
    if (Object.hasOwn(LEVELS, name)) {
      const { field, min, max } = LEVELS[name as keyof typeof LEVELS]
      config[field] = level(name, value, { min, max })
    }
    if (name === 'preallocate') config.preallocate = flag(name, value)
    if (name === 'compression.type') config.compressionType = compressionType(name, value)
    if (name === 'message.timestamp.type') config.messageTimestampType = timestampType(name, value)
  }
  return config
}

function wholeNumber(name: string, value: string): number {
  if (UNLIMITED.has(name) && value.trim() === '-1') return NEVER
  const number = /^\d{1,19}$/.test(value.trim()) ? Number(value) : Number.NaN
  if (Number.isNaN(number)) throw invalid(name, 'a whole number of at least 0', value)
  return Math.min(number, NEVER)
}

function level(name: string, value: string, { min, max }: { min: number; max: number }): number {
  const number = /^-?\d{1,6}$/.test(value.trim()) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  throw invalid(name, `a whole number from ${min} to ${max}`, value)
}

function flag(name: string, value: string): boolean {
  const text = value.trim().toLowerCase()
  if (text === 'true' || text === 'false') return text === 'true'
  throw invalid(name, 'true or false', value)
}

/** Kafka calls no compression `uncompressed` here. */
function compressionType(name: string, value: string): LogConfig['compressionType'] {
  if (value === 'producer') return value
  const codec = CODECS.find(codec => codec === (value === 'uncompressed' ? 'none' : value))
  if (codec !== undefined) return codec
  throw invalid(name, 'producer, uncompressed, gzip, snappy, lz4 or zstd', value)
}

function timestampType(name: string, value: string): LogConfig['messageTimestampType'] {
  if (value === 'CreateTime' || value === 'LogAppendTime') return value
  throw invalid(name, 'CreateTime or LogAppendTime', value)
}

function invalid(field: string, wanted: string, found: string): VarveError {
  const options: VarveErrorOptions = { context: { field, wanted, found } }
  return new VarveError(
    'INVALID_CONFIG',
    `The setting ${field} takes ${wanted}, but has '${found}'.`,
    options,
  )
}
