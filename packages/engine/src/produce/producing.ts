import type { Clock, Logger } from '@varve/platform'
import type { Acks, ProducePartition, ProduceRequest, ProduceResult } from '../broker.ts'
import { kafkaError } from '../errors.ts'
import { isInternal } from '../topics/topic-names.ts'
import type { Topics } from '../topics/topics.ts'
import { checkClientBatches } from './check-batches.ts'

export interface ProducingOptions {
  readonly topics: Topics
  readonly clock: Clock
  readonly logger: Logger
  /** The defaults of topic settings in this directory. */
  readonly defaults: ReadonlyMap<string, string>
}

/** Takes batches to their partitions. What fails for one partition is its own matter. */
export class Producing {
  readonly #options: ProducingOptions
  readonly #warned = new Set<string>()

  constructor(options: ProducingOptions) {
    this.#options = options
  }

  async produce({ acks, partitions }: ProduceRequest): Promise<ProduceResult[]> {
    const known: readonly number[] = [-1, 0, 1]
    if (!known.includes(acks)) {
      throw kafkaError('INVALID_REQUIRED_ACKS', `acks must be 0, 1 or -1 (all), found ${String(acks)}.`, {
        field: 'acks',
        wanted: known,
        found: acks,
      })
    }
    return Promise.all(partitions.map(partition => this.#one(partition, acks)))
  }

  /** Runs up to the append without a pause, so that calls keep their order. */
  async #one(request: ProducePartition, acks: Acks): Promise<ProduceResult> {
    const { topic, partition, batches } = request
    try {
      if (isInternal(topic))
        throw kafkaError(
          'INVALID_TOPIC_EXCEPTION',
          `The topic '${topic}' is internal; only the broker writes to it.`,
          {
            topic,
          },
        )
      const log = this.#options.topics.log(request)
      const oldest = checkClientBatches(batches, {
        topic,
        stamps: log.config.messageTimestampType === 'LogAppendTime',
      })
      this.#warnOfRetention(topic, oldest)
      const { baseOffset, logAppendTime, logStartOffset } = await log.append(batches, { acks })
      return { topic, partition, baseOffset, logAppendTime, logStartOffset }
    } catch (error) {
      const failure = this.#options.topics.failure(error, topic)
      return { topic, partition, baseOffset: -1, logAppendTime: -1, logStartOffset: -1, error: failure }
    }
  }

  /** Historical data under a default retention would go as soon as retention runs: say so, once a topic. */
  #warnOfRetention(topic: string, timestamp: number): void {
    if (timestamp < 0 || this.#warned.has(topic)) return
    const config = this.#options.topics.image.configOf(topic)
    const setting = (name: string): string => config.get(name) ?? this.#options.defaults.get(name) ?? ''
    const retentionMs = Number(setting('retention.ms'))
    if (retentionMs < 0 || timestamp >= this.#options.clock.now() - retentionMs) return
    if (setting('message.timestamp.type') === 'LogAppendTime') return
    if (!setting('cleanup.policy').includes('delete')) return
    this.#warned.add(topic)
    this.#options.logger.warn(
      { topic, retentionMs, timestamp },
      `Records of '${topic}' are older than its retention.ms keeps; give the topic retention.ms=-1 to keep them.`,
    )
  }
}
