import type { Vfs } from '@varve/platform'
import { basename, join } from 'node:path'
import { readText } from '../checkpoints/checkpoint-file.ts'
import {
  CLEANER_OFFSET_FILE,
  LOG_START_OFFSET_FILE,
  RECOVERY_POINT_FILE,
  REPLICATION_OFFSET_FILE,
} from '../checkpoints/offset-checkpoint.ts'
import { parsePartitionMetadata, PARTITION_METADATA_FILE } from '../checkpoints/partition-metadata.ts'
import { parsePartitionName } from '../topic-partition.ts'
import type { PartitionPlan } from './partition-plan.ts'
import type { RootFacts } from './root-facts.ts'

/** The topic that KRaft keeps its own records in. */
export const METADATA_TOPIC = '__cluster_metadata'

/** What the root says of one of its partitions. */
export function planOf(facts: RootFacts, name: string, topicId: string | undefined): PartitionPlan {
  const { topic = '', partition = -1 } = parsePartitionName(name) ?? {}
  const { checkpoints, clean } = facts
  const noted = facts.notes.get(name)
  const note = noted?.topicId === topicId ? noted : undefined
  const recoveryPoint = checkpoints[RECOVERY_POINT_FILE].get(name)
  return {
    folder: join(facts.root, name),
    topic,
    partition,
    clean,
    durable: Math.max(recoveryPoint ?? 0, note?.durableOffset ?? 0),
    gapsTo: checkpoints[CLEANER_OFFSET_FILE].get(name) ?? 0,
    // Kafka looks after its metadata log by other means.
    listed: topic !== METADATA_TOPIC,
    recoveryPoint,
    highWatermark: checkpoints[REPLICATION_OFFSET_FILE].get(name),
    logStartOffset: checkpoints[LOG_START_OFFSET_FILE].get(name),
    // A start that grows is in the checkpoint before anything is deleted.
    notedStart: note && Math.max(note.logStartOffset, checkpoints[LOG_START_OFFSET_FILE].get(name) ?? 0),
    durableNote: note?.durableOffset,
  }
}

/** A partition's folder that lies alone: nothing says how far it is durable or where its cleaner has been. */
export function planAlone(folder: string): PartitionPlan {
  const { topic = '', partition = -1 } = parsePartitionName(basename(folder)) ?? {}
  const unknown = undefined
  return {
    ...{ folder, topic, partition, clean: true, durable: 0, gapsTo: 'anywhere', listed: false },
    ...{ recoveryPoint: unknown, highWatermark: unknown, logStartOffset: unknown },
    ...{ notedStart: unknown, durableNote: unknown },
  }
}

export async function topicIdOf(vfs: Vfs, folder: string): Promise<string | undefined> {
  const text = await readText(vfs, join(folder, PARTITION_METADATA_FILE))
  return text === undefined ? undefined : parsePartitionMetadata(text)
}
