import { VarveError } from '@varve/platform'
import type { CodecName, HeaderInput } from '@varve/records'
import type { ClientContext } from '../context.ts'
import { checkPartition, type TopicInfo } from '../metadata.ts'
import { PartitionQueue } from './partition-queue.ts'
import { TopicPartitioner, type Partitioner } from './partitioner.ts'
import { ProducerBatch } from './producer-batch.ts'
import type { Bytes } from './record.ts'
import type { Sink } from './sink.ts'

export interface AccumulatorOptions {
  readonly codec: CodecName
  readonly batchBytesMax: number
  readonly partitioner: Partitioner | undefined
  /** A queue has got a new batch. */
  readonly onBatch: (queue: PartitionQueue) => void
}

interface TopicQueues {
  readonly partitioner: TopicPartitioner
  /** Of the topic's present id; older ones live on while they drain. */
  topicId: string
  queues: (PartitionQueue | undefined)[]
}

/** Encodes records into the open batch of their partition. */
export class Accumulator {
  readonly #context: ClientContext
  readonly #options: AccumulatorOptions
  readonly #topics = new Map<string, TopicQueues>()
  /** Every queue that is not idle. */
  readonly #busy = new Set<PartitionQueue>()

  constructor(context: ClientContext, options: AccumulatorOptions) {
    this.#context = context
    this.#options = options
  }

  /**
   * @param number the record's number among all of this producer
   * @returns the bytes that it took
   * @throws `UNKNOWN_TOPIC_OR_PARTITION` for a partition that is not there, `MESSAGE_TOO_LARGE`
   */
  add(
    info: TopicInfo,
    key: Bytes,
    value: Bytes,
    headers: readonly HeaderInput[],
    timestamp: number,
    partition: number | undefined,
    sink: Sink,
    slot: number,
    number: number,
  ): number {
    const topic = this.#topic(info)
    const chosen =
      partition === undefined ? topic.partitioner.choose(info, key) : checkPartition(info, partition)
    const queue = (topic.queues[chosen] ??= new PartitionQueue({
      topic: info.topic,
      partition: chosen,
      topicId: info.topicId,
    }))
    let batch = queue.open
    const before = batch?.size ?? 0
    let bytes: number
    let full = false
    if (batch?.add(key, value, headers, timestamp, sink, slot) === true) {
      bytes = batch.size - before
    } else {
      full = batch !== undefined
      batch = this.#newBatch(queue, number)
      if (!batch.add(key, value, headers, timestamp, sink, slot)) throw tooLarge(info.topic)
      queue.closeOpen()
      queue.open = batch
      bytes = batch.size
      this.#busy.add(queue)
      this.#options.onBatch(queue)
    }
    if (partition === undefined && key === null) topic.partitioner.added(chosen, bytes, info.partitions, full)
    return bytes
  }

  /** The queues with batches that wait or are on their way. */
  *busy(): IterableIterator<PartitionQueue> {
    for (const queue of this.#busy) {
      if (queue.idle) this.#busy.delete(queue)
      else yield queue
    }
  }

  #topic(info: TopicInfo): TopicQueues {
    let topic = this.#topics.get(info.topic)
    if (topic === undefined) {
      const partitioner = new TopicPartitioner({
        own: this.#options.partitioner,
        random: this.#context.random,
      })
      topic = { partitioner, topicId: info.topicId, queues: [] }
      this.#topics.set(info.topic, topic)
    } else if (topic.topicId !== info.topicId) {
      topic.topicId = info.topicId
      topic.queues = []
    }
    return topic
  }

  #newBatch(queue: PartitionQueue, firstNumber: number): ProducerBatch {
    const createdAt = this.#context.clock.monotonic()
    this.#context.metadata.refresh(queue.topic, createdAt)
    return new ProducerBatch({
      topic: queue.topic,
      partition: queue.partition,
      codec: this.#options.codec,
      bytesMax: this.#options.batchBytesMax,
      createdAt,
      firstNumber,
    })
  }
}

function tooLarge(topic: string): VarveError {
  return new VarveError(
    'MESSAGE_TOO_LARGE',
    `A record for topic '${topic}' fits in no batch; split its value.`,
    { context: { topic } },
  )
}
