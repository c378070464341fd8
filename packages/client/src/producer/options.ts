import { checkOptions, limits, option } from '@varve/platform'
import { CODEC_NAMES, type CodecName } from '@varve/records'
import type { Acks } from '@varve/engine'
import type { ProducerOptions, Serde, SerdeOption } from '../api.ts'
import { serdeField, serdeOf } from '../serdes.ts'
import type { Partitioner } from './partitioner.ts'

const SCHEMA = {
  key: option.withDefault(serdeField, 'bytes'),
  value: option.withDefault(serdeField, 'bytes'),
  acks: option.withDefault(option.oneOf<0 | 1 | 'all'>(0, 1, 'all'), 'all'),
  compression: option.withDefault(option.oneOf(...CODEC_NAMES), 'none'),
  lingerMs: option.withDefault(option.integer({ min: 0, max: 60_000 }), 0),
  batchBytesMax: option.withDefault(option.integer({ min: 1, max: limits.messageBytesMax.value }), 2 ** 20),
  bufferBytesMax: option.withDefault(option.integer({ min: 1 }), 32 * 2 ** 20),
  deliveryTimeoutMs: option.withDefault(option.integer({ min: 1, max: 2 ** 31 - 1 }), 120_000),
  partitioner: option.optional(option.func<Partitioner>()),
}

export interface CheckedProducerOptions {
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly acks: Acks
  readonly codec: CodecName
  readonly lingerMs: number
  readonly batchBytesMax: number
  readonly bufferBytesMax: number
  readonly deliveryTimeoutMs: number
  readonly partitioner: Partitioner | undefined
}

/** @throws `INVALID_ARGUMENT` that names the option */
export function checkProducerOptions(
  given: ProducerOptions<SerdeOption, SerdeOption>,
): CheckedProducerOptions {
  const { key, value, acks, compression, partitioner, ...numbers } = checkOptions('producer', given, SCHEMA)
  return {
    ...numbers,
    key: serdeOf(key),
    value: serdeOf(value),
    acks: acks === 'all' ? -1 : acks,
    codec: compression,
    partitioner,
  }
}
