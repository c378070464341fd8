import type { BatchReader, TimestampType } from '@varve/records'
import type { ConsumerRecord, Serde } from '../api.ts'
import { serdeError } from '../serdes.ts'

const NO_HEADERS: readonly (readonly [string, Buffer | null])[] = Object.freeze([])

/** What all records of one batch have in common. */
export interface BatchFacts {
  readonly timestampType: TimestampType
  readonly leaderEpoch: number
}

/** Makes the records that users see out of what lies under a reader's cursor. */
export class RecordDecoder<K, V> {
  readonly #key: Serde<unknown>
  readonly #value: Serde<unknown>

  constructor(serdes: { key: Serde<unknown>; value: Serde<unknown> }) {
    this.#key = serdes.key
    this.#value = serdes.value
  }

  /** @throws `INVALID_RECORD` that names topic, partition and offset when a serde cannot read its bytes */
  decode(topic: string, partition: number, reader: BatchReader, batch: BatchFacts): ConsumerRecord<K, V> {
    const { offset } = reader
    return {
      topic,
      partition,
      offset,
      timestamp: reader.timestamp,
      timestampType: batch.timestampType,
      leaderEpoch: batch.leaderEpoch,
      key: this.#part(this.#key, reader.key, 'key', topic, partition, offset) as K | null,
      value: this.#part(this.#value, reader.value, 'value', topic, partition, offset) as V | null,
      headers: headersOf(reader),
    }
  }

  #part(
    serde: Serde<unknown>,
    bytes: Buffer | null,
    part: 'key' | 'value',
    topic: string,
    partition: number,
    offset: number,
  ): unknown {
    if (bytes === null) return null
    try {
      return serde.deserialize(bytes, topic)
    } catch (error) {
      throw serdeError('deserialized', { part, topic, partition, offset }, error)
    }
  }
}

function headersOf(reader: BatchReader): readonly (readonly [string, Buffer | null])[] {
  if (reader.headersBytes.length === 1) return NO_HEADERS
  return reader.headers.map(({ key, value }) => [key, value === null ? null : asBuffer(value)] as const)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
