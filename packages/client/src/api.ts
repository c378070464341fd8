/** What users touch: the types of the library. The classes that do it are beside this file. */

/** Turns a value into bytes and back. `null` never reaches it: null keys and values (tombstones) stay null. */
export interface Serde<T> {
  serialize(value: T, topic: string): Uint8Array | string
  deserialize(bytes: Buffer, topic: string): T
}

export interface BuiltInSerdes {
  /** Buffer in, Buffer out. The default. Strings are taken as UTF-8 on the way in. */
  bytes: Buffer
  /** UTF-8. */
  string: string
  /** JSON text as UTF-8. */
  json: JsonValue
}
/** Whatever JSON can say; `json<T>()` gives it a shape. */
export type JsonValue = unknown
export type SerdeName = keyof BuiltInSerdes
export type SerdeOption = SerdeName | Serde<never> | Serde<unknown>
/** What comes out of a serde. */
export type Deserialized<S> = S extends SerdeName ? BuiltInSerdes[S] : S extends Serde<infer T> ? T : Buffer
/** What goes into a serde. */
export type Serializable<S> = S extends 'bytes'
  ? Uint8Array | string
  : S extends 'string'
    ? string
    : S extends 'json'
      ? JsonValue
      : S extends Serde<infer T>
        ? T
        : Uint8Array | string

export type HeaderInput =
  | Readonly<Record<string, Uint8Array | string | null>>
  | readonly (readonly [string, Uint8Array | string | null])[]

export interface RecordInput<K, V> {
  /** Absent or null: no key; the partitioner spreads such records. */
  key?: K | null
  /** null is a tombstone. */
  value: V | null
  headers?: HeaderInput
  /** ms since the epoch, or a Date. Default: now. */
  timestamp?: number | Date
  /** Overrides the partitioner. */
  partition?: number
}

export interface RecordMetadata {
  topic: string
  partition: number
  /** -1 with acks 0. */
  offset: number
  timestamp: number
}

export interface ProducerOptions<KS extends SerdeOption = 'bytes', VS extends SerdeOption = 'bytes'> {
  key?: KS
  value?: VS
  /** Default 'all'. See the durability contract. */
  acks?: 0 | 1 | 'all'
  /** Default 'none'. */
  compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /** Longest wait for a batch to fill, ms. Default 0: a batch goes when the one before it is done, or at the end of the turn. */
  lingerMs?: number
  /** Default 1 MiB (below the topic's max.message.bytes). */
  batchBytesMax?: number
  /** Bytes that may wait to be appended before `send` waits. Default 32 MiB. */
  bufferBytesMax?: number
  /** From `send` to its acknowledgement, repetitions included, ms. Default 120,000. Then it rejects with `REQUEST_TIMED_OUT`. */
  deliveryTimeoutMs?: number
  /** Default Kafka's: murmur2 of the key; without a key, one partition for 16 KiB or until its batch is full. */
  partitioner?: (record: { topic: string; key: Buffer | null; partitions: number }) => number
}

export interface Producer<K, V> extends AsyncDisposable {
  /** Resolves when the contract of `acks` and of the topic holds. Key and value are copied before it returns. */
  send(topic: string, record: RecordInput<K, V>): Promise<RecordMetadata>
  /** One promise for many; rejects if any failed, with what was appended in the error's context. */
  sendBatch(topic: string, records: Iterable<RecordInput<K, V>>): Promise<RecordMetadata[]>
  /** An object-mode stream with back-pressure; `finish` comes after the last record is acknowledged. */
  writable(topic: string): import('node:stream').Writable
  /** Sends what waits and waits for it. */
  flush(): Promise<void>
  /** Flushes, then refuses. */
  close(): Promise<void>
}

export interface ConsumerRecord<K = Buffer, V = Buffer> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly leaderEpoch: number
  readonly key: K | null
  readonly value: V | null
  readonly headers: readonly (readonly [string, Buffer | null])[]
}

/** `'start'`, `'end'`, an offset, the last n, or a time. `'start+5'` = five after the start. See `parsePosition`. */
export type Position =
  | { readonly kind: 'start'; readonly plus: number }
  | { readonly kind: 'end'; readonly minus: number }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly timestamp: number }

/**
 * `read_uncommitted`: every record up to the high watermark. `read_committed`: no records of aborted transactions, and
 * nothing at or above the last stable offset, where the first undecided transaction begins.
 */
export type Isolation = 'read_uncommitted' | 'read_committed'

export interface ConsumerOptions<KS extends SerdeOption = 'bytes', VS extends SerdeOption = 'bytes'> {
  topics: readonly string[]
  /** Without a group the consumer reads all partitions from `from` and commits nothing. */
  group?: string
  key?: KS
  value?: VS
  /**
   * Where a group without a committed offset begins, and where a consumer without a group does. Default 'start'. When
   * it is given, reading also goes on there after an offset that is gone (Kafka's `auto.offset.reset`); otherwise that
   * gap is told: `OFFSET_OUT_OF_RANGE`.
   */
  from?: Position | 'start' | 'end' | number | Date | string
  /** Commit what the loop body has finished: after each body at the latest every `commitIntervalMs` (default 5000), when partitions go and at the end. Default true. */
  autoCommit?: boolean
  commitIntervalMs?: number
  /** Kafka's `isolation.level`. Default `read_uncommitted`. */
  isolation?: Isolation
  /** Bytes of one fetch of one partition; sixteen times as many may be fetched ahead in all. Default 1 MiB. */
  fetchBytesMax?: number
  /**
   * Ends the iteration when every partition has reached the high watermark it had when the consumer began. In a group that
   * includes the other members' partitions, as far as the group has committed them: who is done waits, and goes on where
   * another one leaves. With `autoCommit: false` a member ends when its own partitions are read. Default false.
   */
  untilEnd?: boolean
  /** Default 'consumer'. */
  clientId?: string
  /** The group gives up a member that it has not heard of for so long (not an embedded one). Default 45,000. */
  sessionTimeoutMs?: number
  /** How often the group is told that this member lives, and asked whether it has changed. Default 500. */
  heartbeatIntervalMs?: number
  /** How long a loop body may take while the group waits for this member to join again. Default 300,000. */
  rebalanceTimeoutMs?: number
  /** Aborting ends the iteration with `ABORTED`, after committing what was handled and leaving the group. */
  signal?: AbortSignal
}

export interface Consumer<K, V>
  extends AsyncIterable<ConsumerRecord<K, V>, void, undefined>, AsyncDisposable {
  batches(): AsyncIterable<ConsumerBatch<K, V>, void, undefined>
  /**
   * Commits everything that has been handed out, the record of the running loop body included: call it when that is
   * done. Without it, that record is committed when its body has ended and the loop asks for the next.
   *
   * @throws `ILLEGAL_GENERATION`, `UNKNOWN_MEMBER_ID` or `REBALANCE_IN_PROGRESS` when the partitions are, or are about to
   *   be, another member's; `UNKNOWN_TOPIC_ID` when the topic was deleted; `CLOSED` once the consumer is closed
   */
  commit(): Promise<void>
  /** The partitions that are this member's now. */
  readonly assignment: readonly { topic: string; partition: number }[]
  /**
   * High watermark minus position (the offset after what was handed out), per partition of the assignment. To a consumer
   * with `isolation: 'read_committed'`, here and in its batches, the last stable offset is the high watermark.
   */
  lag(): Promise<
    readonly {
      topic: string
      partition: number
      position: number
      committed: number
      highWatermark: number
      lag: number
    }[]
  >
  /**
   * Ends the iteration, commits what was handled, leaves the group; 30 s at most. The record of a loop body that is
   * still running, or that left the loop by `break` or an error, counts as not handled: `commit()` first if it is.
   */
  close(): Promise<void>
}

export interface ConsumerBatch<K, V> {
  readonly topic: string
  readonly partition: number
  readonly highWatermark: number
  readonly records: readonly ConsumerRecord<K, V>[]
  /**
   * Commits the offset after the last record of this batch.
   *
   * @throws as `Consumer.commit`; `CLOSED` once the consumer is closed
   */
  commit(): Promise<void>
}

export interface ReadOptions<KS extends SerdeOption = 'bytes', VS extends SerdeOption = 'bytes'> {
  from?: Position | 'start' | 'end' | number | Date | string
  /**
   * Exclusive. A time is looked up as the first record at or after it: one that was appended later with an earlier
   * timestamp is not in the range. Default: the end as it is when the read begins.
   */
  to?: Position | 'end' | 'now' | number | Date | string
  partitions?: readonly number[]
  key?: KS
  value?: VS
  /** Hand out control records (transaction markers) too. Default false. */
  control?: boolean
  /** Default `read_uncommitted`. With `read_committed`, `end` is the last stable offset. */
  isolation?: Isolation
  /** Go on with what is appended later (`tail -f`). Default false. */
  follow?: boolean
  signal?: AbortSignal
}

export interface ReplayOptions<
  KS extends SerdeOption = 'bytes',
  VS extends SerdeOption = 'bytes',
> extends ReadOptions<KS, VS> {
  /** Times real time; Infinity = as fast as it reads. Default Infinity. Records come merged over partitions by timestamp. */
  speed?: number
}

export interface TopicDescription {
  topic: string
  topicId: string
  internal: boolean
  partitions: {
    partition: number
    leader: number
    leaderEpoch: number
    logStartOffset: number
    highWatermark: number
  }[]
  config: { name: string; value: string; source: 'topic' | 'default' }[]
}

export interface Admin {
  createTopic(
    topic: string,
    options?: {
      partitions?: number
      config?: Readonly<Record<string, string | number | boolean>>
      ifNotExists?: boolean
    },
  ): Promise<{ topic: string; topicId: string; partitions: number; created: boolean }>
  deleteTopic(topic: string): Promise<void>
  listTopics(options?: {
    internal?: boolean
  }): Promise<{ topic: string; topicId: string; partitions: number; internal: boolean }[]>
  describeTopic(topic: string): Promise<TopicDescription>
  /** One offset per partition for a position. */
  offsets(
    topic: string,
    position: Position | 'start' | 'end' | number | Date | string,
    options?: { isolation?: Isolation },
  ): Promise<{ partition: number; offset: number }[]>
  listGroups(): Promise<{ group: string; state: string }[]>
  /** @throws `GROUP_ID_NOT_FOUND` */
  describeGroup(group: string): Promise<GroupDescription>
}

export interface GroupDescription {
  group: string
  /** `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable` or `Dead` */
  state: string
  members: { memberId: string; clientId: string; assignment: { topic: string; partition: number }[] }[]
  /** What the group has committed, with the lag that this leaves. */
  offsets: {
    topic: string
    partition: number
    offset: number
    metadata: string
    highWatermark: number
    lag: number
  }[]
}

/** What `Varve.open` and `Varve.connect` give. */
export interface VarveClient extends AsyncDisposable {
  readonly admin: Admin
  producer<KS extends SerdeOption = 'bytes', VS extends SerdeOption = 'bytes'>(
    options?: ProducerOptions<KS, VS>,
  ): Producer<Serializable<KS>, Serializable<VS>>
  consumer<KS extends SerdeOption = 'bytes', VS extends SerdeOption = 'bytes'>(
    options: ConsumerOptions<KS, VS>,
  ): Consumer<Deserialized<KS>, Deserialized<VS>>
  /** Records of one topic merged over partitions by timestamp, at `speed`. */
  replay<KS extends SerdeOption = 'bytes', VS extends SerdeOption = 'bytes'>(
    topic: string,
    options?: ReplayOptions<KS, VS>,
  ): AsyncIterable<ConsumerRecord<Deserialized<KS>, Deserialized<VS>>, void, undefined>
  /** Records of one topic, partition by partition, as fast as they are read; whole batches at a time. */
  read<KS extends SerdeOption = 'bytes', VS extends SerdeOption = 'bytes'>(
    topic: string,
    options?: ReadOptions<KS, VS>,
  ): AsyncIterable<ConsumerRecord<Deserialized<KS>, Deserialized<VS>>, void, undefined>
  close(): Promise<void>
}
