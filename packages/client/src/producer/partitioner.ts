import type { Random } from '@varve/platform'
import type { ProducerOptions } from '../api.ts'
import { checkPartition, type TopicInfo } from '../metadata.ts'
import { murmur2 } from './murmur2.ts'
import type { Bytes } from './record.ts'

export type Partitioner = NonNullable<ProducerOptions['partitioner']>

/** Kafka's `batch.size`: records without a key move on to another partition after so many bytes. */
const STICKY_BYTES = 16_384

/** A text is hashed here, so that a key costs no object. */
const scratch = Buffer.allocUnsafeSlow(1024)

/** Chooses the partitions of one topic. */
export class TopicPartitioner {
  readonly #own: Partitioner | undefined
  readonly #random: Random
  #sticky = -1
  #stickyBytes = 0

  constructor(options: { own: Partitioner | undefined; random: Random }) {
    this.#own = options.own
    this.#random = options.random
  }

  /** @throws `UNKNOWN_TOPIC_OR_PARTITION` when the user's partitioner names one that is not there */
  choose(info: TopicInfo, key: Bytes): number {
    if (this.#own !== undefined) {
      const bytes = key === null ? null : Buffer.from(key as string)
      return checkPartition(info, this.#own({ topic: info.topic, key: bytes, partitions: info.partitions }))
    }
    if (key !== null) return (hashOf(key) & 0x7fffffff) % info.partitions
    if (this.#sticky < 0 || this.#sticky >= info.partitions) this.#move(info.partitions)
    return this.#sticky
  }

  /** `bytes` went to the partition of the records without a key; when its batch is full the next ones go elsewhere. */
  added(partition: number, bytes: number, partitions: number, full: boolean): void {
    if (partition !== this.#sticky) return
    this.#stickyBytes += bytes
    if (full || this.#stickyBytes >= STICKY_BYTES) this.#move(partitions)
  }

  #move(partitions: number): void {
    this.#stickyBytes = 0
    if (partitions < 2) this.#sticky = 0
    else if (this.#sticky < 0) this.#sticky = this.#random.int(partitions)
    else this.#sticky = (this.#sticky + 1 + this.#random.int(partitions - 1)) % partitions
  }
}

function hashOf(key: Uint8Array | string): number {
  if (typeof key !== 'string') return murmur2(key)
  if (key.length * 3 > scratch.length) return murmur2(Buffer.from(key))
  return murmur2(scratch, 0, scratch.write(key))
}
