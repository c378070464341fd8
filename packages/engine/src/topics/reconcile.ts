import type { Logger } from '@varve/platform'
import type { LogConfig, LogDirectory, PartitionLog } from '@varve/log'
import type { ClusterImage } from '../metadata/cluster-image.ts'
import { partitionRecordVersion } from '../metadata/features.ts'
import type { MetadataLog, NewMetadataRecord } from '../metadata/metadata-log.ts'
import { topicLogConfig } from './topic-config.ts'
import { inChunks } from './topic-changes.ts'
import { isInternal, METADATA_TOPIC } from './topic-names.ts'

export interface ReconcileOptions {
  readonly directory: LogDirectory
  readonly metadata: MetadataLog
  readonly logger: Logger
}

function logConfigIn(image: ClusterImage, topic: string): LogConfig {
  return topicLogConfig(image.configOf(topic), { keepAll: image.hadBroker || isInternal(topic) })
}

/** Gives each log the settings and the leader epoch that the metadata says. */
export function configureLogs(image: ClusterImage, logs: ReadonlyMap<string, PartitionLog>): void {
  for (const [name, topic] of image.topics) {
    const config = logConfigIn(image, name)
    for (const [partition, state] of topic.partitions) {
      const log = logs.get(`${name}-${partition}`)
      if (log === undefined) continue
      log.configure(config)
      log.leaderEpoch = Math.max(state.leaderEpoch, log.leaderEpochs.at(-1)?.epoch ?? 0)
    }
  }
}

/**
 * Makes folders and metadata agree, as their owner: finishes what a crash cut in the middle. Folders with records that
 * no topic claims are left alone.
 */
export async function reconcile(options: ReconcileOptions): Promise<void> {
  await removeLeftovers(options)
  await createMissing(options)
  await raiseLeaderEpochs(options)
}

async function removeLeftovers({ directory, metadata, logger }: ReconcileOptions): Promise<void> {
  const { image } = metadata
  for (const log of [...directory.partitions.values()]) {
    if (log.topic === METADATA_TOPIC) continue
    const topic = image.topic(log.topic)
    const isClaimed = topic?.partitions.has(log.partition) === true
    if (isClaimed && (log.topicId === undefined || log.topicId === topic.topicId)) continue
    const wasDeleted = log.topicId !== undefined && image.removedTopics.has(log.topicId)
    // Of one that could not be opened nobody knows whether it is empty.
    if (wasDeleted || (log.logEndOffset === 0 && !log.isUnopened)) {
      logger.info(
        { path: log.folder },
        wasDeleted ? 'A deletion is finished.' : 'An unfinished creation is undone.',
      )
      await directory.deletePartition(log)
    } else {
      logger.warn({ path: log.folder }, 'A folder holds records of a topic that the metadata does not know.')
    }
  }
}

async function createMissing({ directory, metadata, logger }: ReconcileOptions): Promise<void> {
  const { image } = metadata
  for (const { name: topic, topicId, partitions } of image.topics.values()) {
    const config = logConfigIn(image, topic)
    const missing = [...partitions.values()].filter(
      ({ partitionId, replicas }) =>
        replicas.includes(directory.nodeId) && !directory.partitions.has(`${topic}-${partitionId}`),
    )
    await inChunks(missing, async ({ partitionId: partition, leaderEpoch }) => {
      logger.warn({ topic, partition }, 'A partition without a folder gets an empty one.')
      await directory.createPartition({ topic, partition, topicId, config, leaderEpoch })
    })
  }
}

/** Kafka cuts the epochs of a log that are above what its metadata says. */
async function raiseLeaderEpochs({ directory, metadata }: ReconcileOptions): Promise<void> {
  const { image } = metadata
  const version = partitionRecordVersion(image)
  const records: NewMetadataRecord[] = []
  for (const { name, partitions } of image.topics.values()) {
    for (const [partition, state] of partitions) {
      const found = directory.partitions.get(`${name}-${partition}`)?.leaderEpochs.at(-1)?.epoch ?? -1
      if (found <= state.leaderEpoch) continue
      const message = { ...state, leaderEpoch: found, partitionEpoch: state.partitionEpoch + 1 }
      records.push({ name: 'PartitionRecord', version, message })
    }
  }
  if (records.length > 0) await metadata.append(records)
}
