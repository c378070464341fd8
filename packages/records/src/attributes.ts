import { VarveError } from '@varve/platform'

/*
 * A batch's attributes, an int16:
 *
 *   bits 0-2  codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd
 *   bit 3     timestamp type: 0 CreateTime, 1 LogAppendTime
 *   bit 4     transactional
 *   bit 5     control batch
 *   bit 6     the base timestamp is the delete horizon (KIP-534)
 *
 * Source: apache/kafka, org.apache.kafka.common.record.DefaultRecordBatch.
 */

/** What the records of a batch are compressed with. */
export type CodecName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export type TimestampType = 'CreateTime' | 'LogAppendTime'

/** The codecs in the order of their numbers on disk and on the wire. */
export const CODEC_NAMES: readonly CodecName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const CODEC_MASK = 0b111
export const LOG_APPEND_TIME_BIT = 0b1000
export const TRANSACTIONAL_BIT = 0b1_0000
export const CONTROL_BIT = 0b10_0000
export const DELETE_HORIZON_BIT = 0b100_0000

/**
 * The codec that the attributes name.
 *
 * @throws `UNSUPPORTED_CODEC` for the numbers 5 to 7, which Kafka has not given out
 */
export function codecOf(attributes: number): CodecName {
  const name = CODEC_NAMES[attributes & CODEC_MASK]
  if (name !== undefined) return name
  throw new VarveError(
    'UNSUPPORTED_CODEC',
    `The batch says compression codec ${attributes & CODEC_MASK}, but only 0 to 4 (none, gzip, snappy, lz4, zstd) exist.`,
    { context: { field: 'attributes', found: attributes & CODEC_MASK, min: 0, max: 4 } },
  )
}

/** The number of a codec in the attributes. */
export function codecNumber(name: CodecName): number {
  const number = CODEC_NAMES.indexOf(name)
  if (number >= 0) return number
  throw new VarveError(
    'UNSUPPORTED_CODEC',
    `There is no compression codec '${name}'; use one of ${CODEC_NAMES.join(', ')}.`,
    {
      context: { field: 'codec', wanted: CODEC_NAMES, found: name },
    },
  )
}

export function isControl(attributes: number): boolean {
  return (attributes & CONTROL_BIT) !== 0
}

export function isTransactional(attributes: number): boolean {
  return (attributes & TRANSACTIONAL_BIT) !== 0
}

export function timestampTypeOf(attributes: number): TimestampType {
  return (attributes & LOG_APPEND_TIME_BIT) === 0 ? 'CreateTime' : 'LogAppendTime'
}

/** Whether the base timestamp field holds the delete horizon: when tombstones and markers of the batch may go. */
export function hasDeleteHorizon(attributes: number): boolean {
  return (attributes & DELETE_HORIZON_BIT) !== 0
}
