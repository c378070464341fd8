import { join } from 'node:path'
import type { Vfs } from '@varve/platform'
import { TEMPORARY_SUFFIX } from '../checkpoints/checkpoint-file.ts'
import { LEADER_EPOCH_FILE } from '../checkpoints/leader-epoch-checkpoint.ts'
import { PARTITION_METADATA_FILE } from '../checkpoints/partition-metadata.ts'
import { LogSegment } from '../segment/log-segment.ts'
import {
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  parseSegmentFileName,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../segment/segment-files.ts'

const KNOWN_SUFFIXES = [
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
  SNAPSHOT_SUFFIX,
]
/** Files that Kafka or Varve keep beside the segments, or that a crash or a deletion left. */
const KNOWN_NAMES = new Set([
  LEADER_EPOCH_FILE,
  PARTITION_METADATA_FILE,
  'quorum-state',
  '.kafka_cleanshutdown',
])
const KNOWN_ENDINGS = ['.torn', '.checkpoint', '.deleted', '.cleaned', '.swap', '.part', TEMPORARY_SUFFIX]

/** What a partition's folder holds. */
export interface PartitionFiles {
  readonly segments: LogSegment[]
  /** End offsets that producer snapshots stand for. */
  readonly snapshots: number[]
  /** Names that neither Kafka nor Varve gives. */
  readonly unknown: string[]
}

export async function listPartition(vfs: Vfs, folder: string): Promise<PartitionFiles> {
  const files: PartitionFiles = { segments: [], snapshots: [], unknown: [] }
  for (const { name, kind } of await vfs.list(folder)) {
    const segmentFile = kind === 'file' ? parseSegmentFileName(name) : undefined
    if (segmentFile?.suffix === LOG_SUFFIX) {
      const stat = await vfs.stat(join(folder, name))
      // A reader beside an owner may find a file gone that was listed.
      if (stat !== undefined) files.segments.push(new LogSegment(folder, segmentFile.baseOffset, stat.size))
    } else if (segmentFile?.suffix === SNAPSHOT_SUFFIX) {
      files.snapshots.push(segmentFile.baseOffset)
    } else if (!isKnown(name, segmentFile?.suffix)) {
      files.unknown.push(name)
    }
  }
  return files
}

function isKnown(name: string, suffix: string | undefined): boolean {
  if (suffix !== undefined && KNOWN_SUFFIXES.includes(suffix)) return true
  return KNOWN_NAMES.has(name) || KNOWN_ENDINGS.some(ending => name.endsWith(ending))
}
