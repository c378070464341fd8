import { defaultLogConfig, partitionName, type LogConfig, type TopicPartition } from '@varve/log'
import type { SeededRandom } from '@varve/platform'
import { ModelLog } from '@varve/testkit'

const NEVER = Number.MAX_SAFE_INTEGER
const TOPICS = ['alpha', 'beta', 'gamma']
const PARTITIONS_MAX = 2

/** What must be true of a directory: its partitions, and how their topics are set. */
export class LogModel {
  readonly #random: SeededRandom
  readonly #partitions = new Map<string, ModelLog>()
  readonly #configs = new Map<string, LogConfig>()
  #uids = 1

  constructor(random: SeededRandom) {
    this.#random = random
    for (const topic of TOPICS) this.#configs.set(topic, this.#config())
  }

  get partitions(): ModelLog[] {
    return [...this.#partitions.values()]
  }

  get live(): ModelLog[] {
    return this.partitions.filter(({ phase }) => phase === 'live')
  }

  get(of: TopicPartition): ModelLog | undefined {
    return this.#partitions.get(partitionName(of))
  }

  /** By topic. */
  get configs(): Record<string, LogConfig> {
    return Object.fromEntries(this.#configs)
  }

  configOf({ topic }: TopicPartition): LogConfig {
    return this.#configs.get(topic) ?? defaultLogConfig
  }

  /** A partition that is not there yet, if any is left. */
  create(): ModelLog | undefined {
    const free = TOPICS.flatMap(topic =>
      Array.from({ length: PARTITIONS_MAX }, (_, partition) => ({ topic, partition })),
    ).filter(of => this.get(of) === undefined)
    if (free.length === 0) return undefined
    const of = this.#random.pick(free)
    const topicId = this.#random.bytes(16).toString('base64url')
    const { flushMessages, retentionMs, retentionBytes } = this.configOf(of)
    const durable = flushMessages === 1
    const partition = new ModelLog({
      ...of,
      uid: this.#uids++,
      topicId,
      durable,
      retentionMs,
      retentionBytes,
    })
    this.#partitions.set(partition.name, partition)
    return partition
  }

  gone(partition: ModelLog): void {
    if (this.#partitions.get(partition.name) === partition) this.#partitions.delete(partition.name)
  }

  /** Small segments and indexes with many entries, so that a short history rolls and looks up. */
  #config(): LogConfig {
    const random = this.#random
    return {
      ...defaultLogConfig,
      segmentBytes: random.pick([600, 2500, 10_000]),
      indexIntervalBytes: random.pick([1, 200, 1000]),
      flushMessages: random.pick([1, 1, 1, 5, NEVER]),
      flushMs: random.pick([NEVER, 100]),
      retentionMs: random.pick([NEVER, NEVER, 1000]),
      retentionBytes: random.pick([NEVER, NEVER, 3000]),
      fileDeleteDelayMs: random.pick([0, 100, 60_000]),
    }
  }
}
