import { isVarveError, type VarveError } from '@varve/platform'
import type { PartitionLog } from '@varve/log'
import type { TopicMetadata } from '../broker.ts'
import { kafkaError, toVarveError, unknownPartition, unknownTopic, unknownTopicId } from '../errors.ts'
import type { ClusterImage, TopicImage } from '../metadata/cluster-image.ts'
import { isInternal, METADATA_TOPIC } from './topic-names.ts'

export interface PartitionId {
  readonly topic: string
  readonly partition: number
  readonly topicId?: string
}

/** Finds the logs of the topics that the metadata knows. */
export class Topics {
  readonly image: ClusterImage
  readonly #logs: ReadonlyMap<string, PartitionLog>
  readonly #nodeId: number

  constructor(options: { image: ClusterImage; logs: ReadonlyMap<string, PartitionLog>; nodeId: number }) {
    this.image = options.image
    this.#logs = options.logs
    this.#nodeId = options.nodeId
  }

  /** @throws `UNKNOWN_TOPIC_OR_PARTITION`, `UNKNOWN_TOPIC_ID` when `topicId` is another one */
  topic(name: string, topicId?: string): TopicImage {
    const topic = this.image.topic(name)
    if (topic === undefined) throw unknownTopic(name, this.image.topics.keys())
    if (topicId !== undefined && topicId !== topic.topicId) throw unknownTopicId(name, topic.topicId, topicId)
    return topic
  }

  /** @throws as `topic`; `KAFKA_STORAGE_ERROR` when the partition's files are not there, or are another topic's */
  log({ topic, partition, topicId }: PartitionId): PartitionLog {
    const image = this.topic(topic, topicId)
    if (!image.partitions.has(partition)) throw unknownPartition(topic, partition, image.partitions.size)
    const log = this.#logs.get(`${topic}-${partition}`)
    if (log !== undefined && (log.topicId === undefined || log.topicId === image.topicId)) return log
    throw kafkaError(
      'KAFKA_STORAGE_ERROR',
      log === undefined
        ? `The files of ${topic}-${partition} are not in this directory; restore them, or delete the topic.`
        : `The folder ${log.folder} belongs to another topic of the same name (id ${log.topicId}); move it away.`,
      { topic, partition },
    )
  }

  /** What went wrong, in the words of this topic: a log that closed under a call was deleted, as a broker that closes waits for its calls. */
  failure(error: unknown, topic: string): VarveError {
    return isVarveError(error, 'CLOSED') ? unknownTopic(topic) : toVarveError(error)
  }

  /** The log of an internal topic's partition, if it is there. */
  find(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(`${topic}-${partition}`)
  }

  /** The topics that users see; internal ones too, but not the metadata itself, which is no topic in Kafka either. */
  *all(): Generator<TopicImage> {
    for (const topic of this.image.topics.values()) if (topic.name !== METADATA_TOPIC) yield topic
  }

  describe({ name, topicId, partitions }: TopicImage): TopicMetadata {
    const states = [...partitions.values()].sort((a, b) => a.partitionId - b.partitionId)
    return {
      topic: name,
      topicId,
      internal: isInternal(name),
      partitions: states.map(({ partitionId, leaderEpoch }) => {
        const log = this.find(name, partitionId)
        const there = log !== undefined && (log.topicId === undefined || log.topicId === topicId)
        // A partition that is here is led from here, whatever a broker wrote when it stopped.
        return {
          partition: partitionId,
          leader: there ? this.#nodeId : -1,
          leaderEpoch: log?.leaderEpoch ?? leaderEpoch,
        }
      }),
    }
  }
}
