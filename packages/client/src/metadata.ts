import { VarveError, type Clock, type Random } from '@varve/platform'
import type { Broker } from '@varve/engine'
import { retrying } from './retry.ts'

/** What a client has to know of a topic. */
export interface TopicInfo {
  readonly topic: string
  readonly topicId: string
  readonly partitions: number
}

interface Known {
  readonly info: TopicInfo
  readonly loadedAt: number
}

/** Kafka's `metadata.max.age.ms`: partitions that were added are seen after this time. */
const AGE_MS_MAX = 300_000
const LOAD_MS_MAX = 60_000

/** Topics as the broker described them last. */
export class MetadataCache {
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #random: Random
  readonly #known = new Map<string, Known>()
  readonly #loading = new Map<string, Promise<TopicInfo>>()

  constructor(options: { broker: Broker; clock: Clock; random: Random }) {
    this.#broker = options.broker
    this.#clock = options.clock
    this.#random = options.random
  }

  /** What is known now, without asking. */
  peek(topic: string): TopicInfo | undefined {
    return this.#known.get(topic)?.info
  }

  /** Asks anew in the background for what is old. @param now the clock's `monotonic` */
  refresh(topic: string, now: number): void {
    const known = this.#known.get(topic)
    if (known !== undefined && now - known.loadedAt > AGE_MS_MAX) this.#ask(topic).catch(() => undefined)
  }

  /** @throws `UNKNOWN_TOPIC_OR_PARTITION`, `INVALID_TOPIC_EXCEPTION` and what else the broker says of the topic */
  async get(topic: string): Promise<TopicInfo> {
    return this.peek(topic) ?? (await this.#ask(topic))
  }

  /** Asks the broker even if the topic is known: for what must not rest on old news. */
  async load(topic: string): Promise<TopicInfo> {
    return this.#ask(topic)
  }

  /** Forgets a topic that turned out to be gone or another one. */
  forget(topic: string): void {
    this.#known.delete(topic)
  }

  #ask(topic: string): Promise<TopicInfo> {
    const running = this.#loading.get(topic)
    if (running !== undefined) return running
    const asked = this.#load(topic).finally(() => this.#loading.delete(topic))
    this.#loading.set(topic, asked)
    return asked
  }

  async #load(topic: string): Promise<TopicInfo> {
    const found = await retrying(
      { clock: this.#clock, random: this.#random },
      { deadline: this.#clock.monotonic() + LOAD_MS_MAX },
      async () => {
        const response = await this.#broker.metadata({ topics: [topic] })
        const entry = response.topics.find(one => one.topic === topic)
        if (entry === undefined || entry.error?.code === 'UNKNOWN_TOPIC_OR_PARTITION')
          throw unknownTopic(topic)
        if (entry.error !== undefined) throw entry.error
        return entry
      },
    ).catch((error: unknown) => {
      this.#known.delete(topic)
      throw error
    })
    const info = { topic, topicId: found.topicId, partitions: found.partitions.length }
    this.#known.set(topic, { info, loadedAt: this.#clock.monotonic() })
    return info
  }
}

export function unknownTopic(topic: string): VarveError {
  return new VarveError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `There is no topic '${topic}'; create it first or check the spelling.`,
    { context: { topic } },
  )
}

/** @throws `UNKNOWN_TOPIC_OR_PARTITION` unless the topic has the partition */
export function checkPartition(info: TopicInfo, partition: unknown): number {
  if (
    typeof partition === 'number' &&
    Number.isInteger(partition) &&
    partition >= 0 &&
    partition < info.partitions
  ) {
    return partition
  }
  throw new VarveError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `Topic '${info.topic}' has no partition ${String(partition)}; it has 0 to ${info.partitions - 1}.`,
    { context: { topic: info.topic, found: partition, min: 0, max: info.partitions - 1 } },
  )
}
