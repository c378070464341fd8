import { sep } from 'node:path'
import {
  isVarveError,
  VarveError,
  type Vfs,
  type VfsEntry,
  type VfsStat,
  type VfsSync,
} from '@varve/platform'
import { TEMPORARY_SUFFIX } from '../checkpoints/checkpoint-file.ts'
import { LEADER_EPOCH_FILE, LeaderEpochs } from '../checkpoints/leader-epoch-checkpoint.ts'
import { PARTITION_METADATA_FILE, parsePartitionMetadata } from '../checkpoints/partition-metadata.ts'
import { logLimits } from '../limits.ts'
import { LogSegment } from '../segment/log-segment.ts'
import {
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  parseSegmentFileName,
  segmentFileName,
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
const INDEX_SUFFIXES = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]
/** Files that Kafka or Varve keep beside the segments, or that a crash or a deletion left. */
const KNOWN_NAMES = new Set([
  LEADER_EPOCH_FILE,
  PARTITION_METADATA_FILE,
  'quorum-state',
  '.kafka_cleanshutdown',
])
const KNOWN_ENDINGS = ['.torn', '.checkpoint', DELETED_SUFFIX, '.cleaned', '.swap', '.part', TEMPORARY_SUFFIX]

/** What a partition's folder holds. */
export interface PartitionFiles {
  readonly segments: LogSegment[]
  /** End offsets that producer snapshots stand for. */
  readonly snapshots: number[]
  /** Names of the indexes' files. */
  readonly indexes: string[]
  /** Names of files that left their log. */
  readonly deleted: string[]
  /** The bytes of the newest one; empty or undefined where there is none. */
  readonly newestSnapshot: Buffer | undefined
  /** Base offsets of segments that have a transaction index. */
  readonly transactionIndexes: number[]
  /** Names that neither Kafka nor Varve gives. */
  readonly unknown: string[]
  /** 22 characters of base64url; undefined where `partition.metadata` is missing or incomplete. */
  readonly topicId: string | undefined
  /** Undefined where the file of the epochs is damaged. */
  readonly epochs: LeaderEpochs | undefined
}

/** What a new partition's folder holds, known without a look at it. */
export function newPartitionFiles(folder: string, topicId: string): PartitionFiles {
  const segments = [new LogSegment(folder, 0, 0)]
  return {
    segments,
    snapshots: [],
    indexes: [],
    deleted: [],
    newestSnapshot: undefined,
    transactionIndexes: [],
    unknown: [],
    topicId,
    epochs: new LeaderEpochs(),
  }
}

/**
 * Reads what has to be known of a partition before anything of its log is read: one listing, the sizes of its segments
 * and three small files.
 *
 * @throws `KAFKA_STORAGE_ERROR` for what is no file where a segment should be
 */
export async function readPartitionFiles(vfs: Vfs, folder: string): Promise<PartitionFiles> {
  const listing = new Listing(folder, await vfs.list(folder))
  for (const path of listing.logs) listing.addLog(path, await vfs.stat(path))
  const metadata = listing.hasMetadata ? await smallFile(vfs, folder + sep + PARTITION_METADATA_FILE) : ''
  const epochs = listing.hasEpochs ? await smallFile(vfs, folder + sep + LEADER_EPOCH_FILE) : ''
  const snapshot = listing.newestSnapshotPath
  return listing.with(metadata, epochs, snapshot === undefined ? '' : await smallFile(vfs, snapshot))
}

/** The same in one go. For a disk whose answers come from memory: a hop to a thread and back costs ten times as much. */
export function readPartitionFilesSync(vfs: VfsSync, folder: string): PartitionFiles {
  const listing = new Listing(folder, vfs.list(folder))
  for (const path of listing.logs) listing.addLog(path, vfs.stat(path))
  const metadata = listing.hasMetadata ? smallFileSync(vfs, folder + sep + PARTITION_METADATA_FILE) : ''
  const epochs = listing.hasEpochs ? smallFileSync(vfs, folder + sep + LEADER_EPOCH_FILE) : ''
  const snapshot = listing.newestSnapshotPath
  return listing.with(metadata, epochs, snapshot === undefined ? '' : smallFileSync(vfs, snapshot))
}

/** Sorts what a folder holds. */
class Listing {
  readonly logs: string[] = []
  hasMetadata = false
  hasEpochs = false
  readonly #folder: string
  readonly #segments: LogSegment[] = []
  readonly #snapshots: number[] = []
  readonly #indexes: string[] = []
  readonly #deleted: string[] = []
  readonly #transactionIndexes: number[] = []
  readonly #unknown: string[] = []

  constructor(folder: string, entries: readonly VfsEntry[]) {
    this.#folder = folder
    for (const { name, kind } of entries) {
      const segmentFile = parseSegmentFileName(name)
      if (segmentFile?.suffix === LOG_SUFFIX) this.logs.push(folder + sep + name)
      else if (segmentFile?.suffix === SNAPSHOT_SUFFIX) this.#snapshots.push(segmentFile.baseOffset)
      else if (segmentFile !== undefined && INDEX_SUFFIXES.includes(segmentFile.suffix)) {
        this.#indexes.push(name)
        if (segmentFile.suffix === TRANSACTION_INDEX_SUFFIX)
          this.#transactionIndexes.push(segmentFile.baseOffset)
      } else if (kind === 'file' && name.endsWith(DELETED_SUFFIX)) this.#deleted.push(name)
      else if (name === PARTITION_METADATA_FILE) this.hasMetadata = true
      else if (name === LEADER_EPOCH_FILE) this.hasEpochs = true
      else if (!isKnown(name, kind === 'file' ? segmentFile?.suffix : undefined)) this.#unknown.push(name)
    }
  }

  addLog(path: string, stat: VfsStat | undefined): void {
    // A reader beside an owner may find a file gone that was listed.
    if (stat === undefined) return
    if (stat.kind !== 'file')
      throw new VarveError(
        'KAFKA_STORAGE_ERROR',
        `${path} should be the file of a segment, but is ${stat.kind === 'folder' ? 'a folder' : 'no file'}; move it away.`,
        { context: { path, wanted: 'file', found: stat.kind } },
      )
    const name = path.slice(this.#folder.length + 1)
    this.#segments.push(new LogSegment(this.#folder, parseSegmentFileName(name)?.baseOffset ?? 0, stat.size))
  }

  get newestSnapshotPath(): string | undefined {
    // The names were listed in order.
    const newest = this.#snapshots.at(-1)
    return newest === undefined ? undefined : this.#folder + sep + segmentFileName(newest, SNAPSHOT_SUFFIX)
  }

  with(metadata: string, epochs: string, newestSnapshot: string): PartitionFiles {
    return {
      segments: this.#segments,
      snapshots: this.#snapshots,
      indexes: this.#indexes,
      deleted: this.#deleted,
      newestSnapshot: Buffer.from(newestSnapshot, 'latin1'),
      transactionIndexes: this.#transactionIndexes,
      unknown: this.#unknown,
      topicId: parsePartitionMetadata(metadata),
      epochs: epochs === '' && !this.hasEpochs ? new LeaderEpochs() : LeaderEpochs.parse(epochs),
    }
  }
}

function isKnown(name: string, suffix: string | undefined): boolean {
  if (suffix !== undefined && KNOWN_SUFFIXES.includes(suffix)) return true
  return KNOWN_NAMES.has(name) || KNOWN_ENDINGS.some(ending => name.endsWith(ending))
}

/** Empty where it is gone by now. */
async function smallFile(vfs: Vfs, path: string): Promise<string> {
  try {
    return (await vfs.readFile(path, { max: logLimits.checkpointBytesMax })).toString('latin1')
  } catch (error) {
    if (isVarveError(error, 'NOT_FOUND')) return ''
    throw error
  }
}

function smallFileSync(vfs: VfsSync, path: string): string {
  try {
    return vfs.readFile(path, { max: logLimits.checkpointBytesMax }).toString('latin1')
  } catch (error) {
    if (isVarveError(error, 'NOT_FOUND')) return ''
    throw error
  }
}
