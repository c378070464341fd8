import type { DeleteRecordsPartition, DeleteRecordsResult } from '../broker.ts'
import { kafkaError } from '../errors.ts'
import { isInternal } from './topic-names.ts'
import type { Topics } from './topics.ts'

/** Deletes the oldest records of partitions. What fails for one partition is its own matter. */
export function deleteRecords(
  topics: Topics,
  partitions: readonly DeleteRecordsPartition[],
): Promise<DeleteRecordsResult[]> {
  return Promise.all(
    partitions.map(async ({ topic, partition, topicId, offset }) => {
      try {
        if (isInternal(topic)) {
          throw kafkaError(
            'INVALID_TOPIC_EXCEPTION',
            `The topic '${topic}' is internal; only the broker deletes records of it.`,
            { topic },
          )
        }
        const log = topics.log({ topic, partition, ...(topicId === undefined ? {} : { topicId }) })
        if (log.config.compact && !log.config.delete) {
          throw kafkaError(
            'POLICY_VIOLATION',
            `The records of '${topic}' cannot be deleted: its cleanup.policy is compact; send tombstones instead.`,
            { topic, partition },
          )
        }
        return { topic, partition, lowWatermark: await log.deleteRecords(offset) }
      } catch (error) {
        return { topic, partition, lowWatermark: -1, error: topics.failure(error, topic) }
      }
    }),
  )
}
