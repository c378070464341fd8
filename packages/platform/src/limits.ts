/** A bound that Varve holds itself to, whatever the input. */
export interface Limit {
  readonly value: number
  readonly unit: 'bytes' | 'characters' | 'count' | 'ms' | 'percent'
  /** What it is for, and what it defaults to in Kafka where Kafka has it. */
  readonly why: string
}

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/** Every bound with a name. Where a setting exists, this is its default or the largest value that it takes. */
export const limits = {
  topicNameCharactersMax: {
    value: 249,
    unit: 'characters',
    why: "Kafka's; a folder adds a dash and the partition",
  },
  partitionsPerTopicMax: { value: 10_000, unit: 'count', why: 'what one node is planned for' },
  messageBytesDefault: { value: MiB + 12, unit: 'bytes', why: "max.message.bytes: Kafka's default" },
  messageBytesMax: { value: 2 ** 31 - 1, unit: 'bytes', why: 'the length of a batch is an int32' },
  decompressedBytesMax: {
    value: 256 * MiB,
    unit: 'bytes',
    why: 'refused before it is allocated: a bomb of a few KB',
  },
  segmentBytesDefault: { value: GiB, unit: 'bytes', why: "segment.bytes: Kafka's default" },
  segmentBytesMin: { value: 14, unit: 'bytes', why: "Kafka's minimum of old; tests roll often with it" },
  segmentBytesMax: { value: 2 ** 31 - 1, unit: 'bytes', why: 'an index holds positions as int32' },
  indexBytesMax: { value: 10 * MiB, unit: 'bytes', why: "segment.index.bytes: Kafka's default" },
  appendQueueBytesMax: { value: 32 * MiB, unit: 'bytes', why: 'per partition; producers wait beyond it' },
  writeBuffersMax: { value: 1024, unit: 'count', why: 'IOV_MAX: writev takes no more' },
  fetchBytesDefault: { value: MiB, unit: 'bytes', why: "max.partition.fetch.bytes: Kafka's default" },
  fetchBytesMax: { value: 50 * MiB, unit: 'bytes', why: "fetch.max.bytes: Kafka's default" },
  openFilesDefault: { value: 4096, unit: 'count', why: 'segments kept open; the rest is opened when read' },
  syncsInFlightMax: {
    value: 2,
    unit: 'count',
    why: "of libuv's four threads; the user's dns, fs and zlib need the rest",
  },
  loopSliceMs: {
    value: 5,
    unit: 'ms',
    why: 'longest synchronous slice on the event loop, longer work goes to a thread',
  },
  smallFileBytesMax: {
    value: 64 * MiB,
    unit: 'bytes',
    why: 'checkpoints, snapshots and properties are read whole',
  },
  groupIdCharactersMax: {
    value: 249,
    unit: 'characters',
    why: 'a group name is a key in memory and in a log',
  },
} as const satisfies Record<string, Limit>
