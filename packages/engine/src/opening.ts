import { LogDirectory, type PartitionLog } from '@varve/log'
import type { CheckedBrokerOptions } from './broker-options.ts'
import { kafkaError } from './errors.ts'
import { ClusterImage } from './metadata/cluster-image.ts'
import { checkOwnable, METADATA_VERSION, METADATA_VERSION_NEW } from './metadata/features.ts'
import { newestCheckpoint, type MetadataCheckpoint } from './metadata/metadata-checkpoint.ts'
import { METADATA_TOPIC_ID, MetadataLog } from './metadata/metadata-log.ts'
import { configureLogs, reconcile } from './topics/reconcile.ts'
import { topicLogConfig } from './topics/topic-config.ts'
import { METADATA_TOPIC } from './topics/topic-names.ts'

/** KRaft's first epoch. */
const FIRST_EPOCH = 1
/** Kafka's `metadata.log.max.record.bytes.between.snapshots` is larger; one batch never is. */
const METADATA_BATCH_BYTES_MAX = '104857600'

/** An open directory with its metadata. */
export interface OpenedDirectory {
  readonly directory: LogDirectory
  readonly image: ClusterImage
  /** Undefined in a directory without metadata, which can only be read. */
  readonly metadata: MetadataLog | undefined
}

/**
 * Opens the logs, then the metadata, then makes them agree. What fails leaves the directory closed.
 *
 * @throws as `LogDirectory.open`; `UNSUPPORTED_VERSION`, `DIRECTORY_NOT_VARVE`, `CORRUPT_MESSAGE`
 */
export async function openDirectory(options: CheckedBrokerOptions): Promise<OpenedDirectory> {
  const { path, vfs, clock, random, machine, readOnly, recover, force, logger, progress } = options
  const directory = await LogDirectory.open(path, {
    vfs,
    clock,
    random,
    readOnly,
    recover,
    force,
    logger,
    ...(machine === undefined ? {} : { machine }),
    ...(progress === undefined ? {} : { progress }),
  })
  try {
    const image = new ClusterImage()
    const metadata = await openMetadata(directory, options, image)
    if (metadata !== undefined && !readOnly) {
      checkOwnable(image, directory.path)
      await metadata.abortOpenTransaction()
      await reconcile({ directory, metadata, logger })
    }
    configureLogs(image, directory.partitions)
    return { directory, image, metadata }
  } catch (error) {
    await directory.close().catch(() => undefined)
    throw error
  }
}

async function openMetadata(
  directory: LogDirectory,
  { clock, vfs, readOnly }: CheckedBrokerOptions,
  image: ClusterImage,
): Promise<MetadataLog | undefined> {
  const config = topicLogConfig(
    new Map([
      ['max.message.bytes', METADATA_BATCH_BYTES_MAX],
      ['cleanup.policy', 'delete'],
    ]),
    { keepAll: true },
  )
  let log = directory.partition({ topic: METADATA_TOPIC, partition: 0 })
  if (log === undefined) {
    if (readOnly) return undefined
    if (directory.partitions.size > 0) throw withoutMetadata(directory.path)
    log = await directory.createPartition({
      topic: METADATA_TOPIC,
      partition: 0,
      topicId: METADATA_TOPIC_ID,
      config,
      leaderEpoch: FIRST_EPOCH,
    })
  }
  log.configure(config)
  log.leaderEpoch = Math.max(FIRST_EPOCH, log.leaderEpochs.at(-1)?.epoch ?? 0)
  const metadata = new MetadataLog({ log, clock, image })
  const checkpoint = await newestCheckpoint(vfs, log.folder)
  if (checkpoint !== undefined) log.leaderEpoch = Math.max(log.leaderEpoch, checkpoint.epoch)
  if (!readOnly && checkpoint !== undefined && log.logEndOffset < checkpoint.endOffset)
    throw behindCheckpoint(log, checkpoint)
  await metadata.load(checkpoint)
  if (metadata.isEmpty && checkpoint === undefined && !readOnly) {
    const message = { name: METADATA_VERSION, featureLevel: METADATA_VERSION_NEW }
    await metadata.append([{ name: 'FeatureLevelRecord', version: 0, message }])
  }
  return metadata
}

/** What would be written now got offsets that the checkpoint covers: the next opening would pass over it. */
function behindCheckpoint(log: PartitionLog, checkpoint: MetadataCheckpoint): Error {
  const { endOffset, path } = checkpoint
  return kafkaError(
    'KAFKA_STORAGE_ERROR',
    `The metadata in ${log.folder} ends at offset ${log.logEndOffset}, but its checkpoint ${path} reaches to ${endOffset}; restore the segments between, or open the directory read-only.`,
    { path: log.folder, wanted: endOffset, found: log.logEndOffset },
  )
}

function withoutMetadata(path: string): Error {
  return kafkaError(
    'DIRECTORY_NOT_VARVE',
    `The directory ${path} has partitions but no ${METADATA_TOPIC}-0, as brokers with ZooKeeper had it; migrate it to KRaft with Kafka 3.9, or open it read-only.`,
    { path },
  )
}
