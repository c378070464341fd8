import type { Vfs } from '@varve/platform'
import { parsePartitionName, partitionName } from '../topic-partition.ts'
import {
  formatCheckpoint,
  malformed,
  parseCheckpoint,
  readText,
  replaceFile,
  wholeNumber,
} from './checkpoint-file.ts'

/*
 * The root checkpoints: text, `0`, the count, and a line `topic partition offset` for each partition.
 * Source: apache/kafka, org.apache.kafka.storage.internals.checkpoint.OffsetCheckpointFile.
 */

export const RECOVERY_POINT_FILE = 'recovery-point-offset-checkpoint'
export const LOG_START_OFFSET_FILE = 'log-start-offset-checkpoint'
/** Kafka's high watermarks. */
export const REPLICATION_OFFSET_FILE = 'replication-offset-checkpoint'
/** Up to where the cleaner came: partitions listed here may have gaps in their offsets. */
export const CLEANER_OFFSET_FILE = 'cleaner-offset-checkpoint'

/** An offset for each partition, by the partition's name (`topic-0`). */
export type PartitionOffsets = Map<string, number>

/** @throws `KAFKA_STORAGE_ERROR` for a file that is no checkpoint */
export async function readOffsetCheckpoint(vfs: Vfs, path: string): Promise<PartitionOffsets> {
  const text = await readText(vfs, path)
  const offsets: PartitionOffsets = new Map()
  // Kafka makes some of these files empty when it starts and fills them when there is something to say.
  if (text === undefined || text === '') return offsets
  const entries = parseCheckpoint(text, 3)
  if (entries === undefined)
    throw malformed(path, 'a checkpoint of offsets', `${text.length} characters of something else`)
  for (const [topic = '', partition = '', offset] of entries) {
    const number = wholeNumber(offset)
    const name = parsePartitionName(`${topic}-${partition}`)
    if (number === undefined || name === undefined)
      throw malformed(path, 'lines of topic, partition and offset', `'${topic} ${partition} ${offset ?? ''}'`)
    offsets.set(partitionName(name), number)
  }
  return offsets
}

export async function writeOffsetCheckpoint(
  vfs: Vfs,
  path: string,
  offsets: PartitionOffsets,
): Promise<void> {
  const entries: (string | number)[][] = []
  for (const [name, offset] of offsets) {
    const parsed = parsePartitionName(name)
    if (parsed !== undefined) entries.push([parsed.topic, parsed.partition, offset])
  }
  await replaceFile(vfs, path, formatCheckpoint(entries))
}
