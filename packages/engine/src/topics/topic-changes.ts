import { limits, type Logger, type Random } from '@varve/platform'
import type { LogDirectory, PartitionLog } from '@varve/log'
import { randomUuid } from '@varve/protocol'
import { kafkaError } from '../errors.ts'
import type { TopicImage } from '../metadata/cluster-image.ts'
import { partitionRecordVersion } from '../metadata/features.ts'
import type { MetadataLog, NewMetadataRecord } from '../metadata/metadata-log.ts'
import { TOPIC_RESOURCE } from '../metadata/cluster-image.ts'
import { topicLogConfig } from './topic-config.ts'
import { isInternal } from './topic-names.ts'
import type { Topics } from './topics.ts'

/** Partition folders that are made or removed at the same time. */
const FOLDERS_AT_ONCE = 8

export interface TopicChangesOptions {
  readonly directory: LogDirectory
  readonly metadata: MetadataLog
  readonly topics: Topics
  readonly random: Random
  readonly logger: Logger
}

/**
 * Makes and removes topics, one change after the other.
 *
 * A creation makes the folders first and then writes the topic's records as one batch: that write is the moment at which
 * the topic exists. What a crash left before it are empty folders with an id that no record names, and opening removes
 * them. A deletion writes first, and then removes the folders, at the next opening at the latest.
 */
export class TopicChanges {
  readonly #options: TopicChangesOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: TopicChangesOptions) {
    this.#options = options
  }

  /** Runs `change` when all changes before it are done. */
  serially<T>(change: () => Promise<T>): Promise<T> {
    const run = this.#last.then(change)
    this.#last = run.catch(() => undefined)
    return run
  }

  /** Call it within `serially`, after the name and the settings were checked. */
  async create(topic: string, partitions: number, config: ReadonlyMap<string, string>): Promise<TopicImage> {
    const { directory, metadata, random, topics } = this.#options
    const topicId = randomUuid(count => random.bytes(count))
    const numbers = Array.from({ length: partitions }, (_, partition) => partition)
    const made: PartitionLog[] = []
    const keepAll = metadata.image.hadBroker || isInternal(topic)
    const logConfig = topicLogConfig(config, { keepAll })
    try {
      for (const partition of numbers) await this.#makeRoom(topic, partition)
      await inChunks(numbers, async partition => {
        made.push(
          await directory.createPartition({
            topic,
            partition,
            topicId,
            config: logConfig,
            leaderEpoch: 0,
          }),
        )
      })
      await metadata.append(this.#records(topic, topicId, numbers, config))
    } catch (error) {
      await inChunks(made, log => this.#remove(log))
      throw error
    }
    return topics.topic(topic)
  }

  /** Call it within `serially`. */
  async delete({ name, topicId, partitions }: TopicImage): Promise<void> {
    const { metadata, topics } = this.#options
    const logs = [...partitions.keys()].map(partition => topics.find(name, partition))
    await metadata.append([{ name: 'RemoveTopicRecord', version: 0, message: { topicId } }])
    await inChunks(logs, async log => {
      if (log?.topicId === topicId) await this.#remove(log)
    })
  }

  /** Removes the folder of a partition; what stays is removed when the directory is opened. */
  async #remove(log: PartitionLog): Promise<void> {
    const { directory, logger } = this.#options
    try {
      await directory.deletePartition(log)
    } catch (error) {
      logger.warn({ error, path: log.folder }, 'The folder of a deleted partition could not be removed yet.')
    }
  }

  /** @throws `KAFKA_STORAGE_ERROR` when a folder with records, which no topic claims, is in the way */
  async #makeRoom(topic: string, partition: number): Promise<void> {
    const stray = this.#options.topics.find(topic, partition)
    if (stray === undefined) return
    if (stray.logEndOffset === 0 && !stray.isUnopened) {
      await this.#options.directory.deletePartition(stray)
      return
    }
    throw kafkaError(
      'KAFKA_STORAGE_ERROR',
      `The folder ${stray.folder} holds records of a topic that the metadata does not know; move it away, then create '${topic}' again.`,
      { topic, partition, path: stray.folder },
    )
  }

  #records(
    topic: string,
    topicId: string,
    partitions: readonly number[],
    config: ReadonlyMap<string, string>,
  ): NewMetadataRecord[] {
    const { nodeId, directoryId } = this.#options.directory
    const version = partitionRecordVersion(this.#options.metadata.image)
    const replicas = [nodeId]
    return [
      { name: 'TopicRecord', version: 0, message: { name: topic, topicId } },
      ...[...config].map(([name, value]): NewMetadataRecord => {
        const message = { resourceType: TOPIC_RESOURCE, resourceName: topic, name, value }
        return { name: 'ConfigRecord', version: 0, message }
      }),
      ...partitions.map((partitionId): NewMetadataRecord => {
        const message = {
          partitionId,
          topicId,
          replicas,
          isr: replicas,
          removingReplicas: [],
          addingReplicas: [],
          leader: nodeId,
          leaderEpoch: 0,
          partitionEpoch: 0,
          // A replica whose directory is not named here has no leader in Kafka.
          ...(version > 0 && directoryId !== undefined ? { directories: [directoryId] } : {}),
        }
        return { name: 'PartitionRecord', version, message }
      }),
    ]
  }
}

/** @throws `INVALID_PARTITIONS` */
export function checkPartitionCount(topic: string, partitions: number): void {
  const max = limits.partitionsPerTopicMax.value
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= max) return
  throw kafkaError(
    'INVALID_PARTITIONS',
    `The topic '${topic}' must have a whole number of partitions from 1 to ${max}, found ${partitions}.`,
    { topic, min: 1, max, found: partitions },
  )
}

/** Waits for all, also where one fails, so that nothing goes on behind the caller's back. */
export async function inChunks<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += FOLDERS_AT_ONCE) {
    const results = await Promise.allSettled(items.slice(at, at + FOLDERS_AT_ONCE).map(run))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
}
