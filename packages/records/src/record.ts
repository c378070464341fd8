/** A header of a record as Kafka has it: keys may repeat, and a value may be null. */
export interface RecordHeader {
  readonly key: string
  /** A view into the batch's bytes, not a copy. */
  readonly value: Buffer | null
}

/** What a producer hands over. Strings are written as UTF-8. */
export interface RecordInput {
  /** Absent and null are the same: no key. */
  readonly key?: Uint8Array | string | null
  /** Absent and null are the same: a tombstone on a compacted topic. */
  readonly value?: Uint8Array | string | null
  readonly headers?: readonly HeaderInput[]
  /** Milliseconds since 1970; -1 for none. */
  readonly timestamp: number
}

/** A header to be written; a string value is written as UTF-8. */
export interface HeaderInput {
  readonly key: string
  readonly value?: Uint8Array | string | null
}

/** One record of a batch. Key, value and headers are decoded when they are asked for. */
export interface KafkaRecord {
  readonly offset: number
  /** Milliseconds since 1970: the batch's append time where its timestamp type is LogAppendTime. */
  readonly timestamp: number
  /** A view into the batch's bytes, not a copy. */
  readonly key: Buffer | null
  /** A view into the batch's bytes, not a copy. */
  readonly value: Buffer | null
  readonly headers: RecordHeader[]
}
