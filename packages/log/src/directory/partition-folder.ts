import { join } from 'node:path'
import { isVarveError, VarveError, type Random, type Vfs } from '@varve/platform'
import { writePartitionMetadata } from '../checkpoints/partition-metadata.ts'
import type { LogContext } from '../partition/log-state.ts'
import { readPartitionFiles, type PartitionFiles } from '../partition/partition-files.ts'
import { LOG_SUFFIX, segmentFileName } from '../segment/segment-files.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'

const DELETED_FOLDER = /^.+\.[0-9a-f]{32}-delete$/
/** A name in a folder takes at most this many bytes. */
const NAME_BYTES_MAX = 255

/** Whether a folder is one of a deleted partition, in Kafka's way of naming it. */
export function isDeletedFolder(name: string): boolean {
  return DELETED_FOLDER.test(name)
}

/** The name of a folder that is on its way out: `<topic>-<partition>.<32 hex digits>-delete`, cut as Kafka cuts it. */
function deletedFolderName(of: TopicPartition, random: Random): string {
  const ending = `.${random.bytes(16).toString('hex')}-delete`
  return partitionName(of).slice(0, NAME_BYTES_MAX - ending.length) + ending
}

/**
 * Whether a creation was cut: it leaves a folder without `partition.metadata`, which is written last, and nothing in its
 * log.
 */
export function isIncomplete({ topicId, segments }: PartitionFiles): boolean {
  return topicId === undefined && segments.every(segment => segment.size === 0)
}

/**
 * Makes the folder of a new partition: empty log, then `partition.metadata`, which makes it one, each durable, and last
 * the folder's own name. What a cut creation left under that name goes first; anything else there is an error.
 *
 * @throws `ALREADY_EXISTS`
 */
export async function createPartitionFolder(
  vfs: Vfs,
  root: string,
  of: TopicPartition & { topicId: string },
): Promise<string> {
  const folder = join(root, partitionName(of))
  await makeRoom(vfs, folder, of)
  await vfs.mkdir(folder)
  try {
    const file = await vfs.open(join(folder, segmentFileName(0, LOG_SUFFIX)), 'create-new')
    await file.close()
    await writePartitionMetadata(vfs, folder, of.topicId)
    if (!plantedBugs.directorySyncLeftOut) await vfs.syncDir(root)
  } catch (error) {
    await vfs.removeTree(folder).catch(() => undefined)
    throw error
  }
  return folder
}

async function makeRoom(vfs: Vfs, folder: string, of: TopicPartition): Promise<void> {
  const stat = await vfs.stat(folder)
  if (stat === undefined) return
  if (stat.kind === 'folder' && isIncomplete(await readPartitionFiles(vfs, folder))) {
    await vfs.removeTree(folder)
    return
  }
  throw new VarveError(
    'ALREADY_EXISTS',
    `The partition ${partitionName(of)} cannot be made: ${folder} is there already and holds something else; move it away.`,
    {
      context: {
        path: folder,
        topic: of.topic,
        partition: of.partition,
        ...(stat.kind === 'folder' ? {} : { wanted: 'folder', found: stat.kind }),
      },
    },
  )
}

/**
 * Takes the folder of a deleted partition out of the way for good: renamed, so that a crash leaves no half of a
 * partition. It is removed after the delay, for the sake of those who still read from it; what stays is removed by the
 * next opening.
 */
export async function deletePartitionFolder(
  context: LogContext,
  options: { root: string; of: TopicPartition; delayMs: number },
): Promise<void> {
  const { vfs, random, schedule, logger } = context
  const { root, of, delayMs } = options
  const deleted = join(root, deletedFolderName(of, random))
  try {
    await vfs.rename(join(root, partitionName(of)), deleted)
  } catch (error) {
    // An earlier try came so far.
    if (!isVarveError(error, 'NOT_FOUND')) throw error
  }
  if (!plantedBugs.directorySyncLeftOut) await vfs.syncDir(root)
  const remove = async (): Promise<void> => {
    try {
      await vfs.removeTree(deleted)
    } catch (error) {
      if (!isVarveError(error)) throw error
      logger.warn(
        { path: deleted, error },
        'A deleted partition could not be removed; the next opening tries again.',
      )
    }
  }
  if (delayMs <= 0) await remove()
  else schedule.after(delayMs, remove)
}
