import { join } from 'node:path'
import { isVarveError, type Logger, type Vfs } from '@varve/platform'
import { removeFile } from '../checkpoints/checkpoint-file.ts'
import type { OpenFiles } from '../files/open-files.ts'
import type { LogSegment } from '../segment/log-segment.ts'
import {
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  segmentFileName,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../segment/segment-files.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { Schedule } from './schedule.ts'

const SUFFIXES = [
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
  SNAPSHOT_SUFFIX,
]

interface DeletionContext {
  readonly vfs: Vfs
  readonly files: OpenFiles
  readonly schedule: Schedule
  readonly logger: Logger
}

/**
 * Gives the files of a segment that left the log their names of deleted ones. The log's file comes first: a crash in
 * between leaves indexes without a log, which the next opening removes, and never a log that looks whole.
 *
 * @returns the files' new paths
 */
export async function markDeleted({ vfs, files }: DeletionContext, segment: LogSegment): Promise<string[]> {
  const { folder, baseOffset, pathPrefix } = segment
  const marked: string[] = []
  for (const suffix of SUFFIXES) {
    const path = join(folder, segmentFileName(baseOffset, suffix))
    const deleted = path + DELETED_SUFFIX
    try {
      await vfs.rename(path, deleted)
      marked.push(deleted)
      // Who comes late to it finds it under its new name, as long as it is there.
      if (suffix === LOG_SUFFIX) segment.logPath = deleted
    } catch (error) {
      if (!isVarveError(error, 'NOT_FOUND')) throw error
    }
  }
  // Who reads from it keeps the handle until he is done.
  await files.drop(pathPrefix)
  if (plantedBugs.retentionUnderReader) await cut(vfs, segment.logPath)
  return marked
}

/** Removes what was marked, after the delay: 0 is now. What stays is removed by the next opening. */
export async function removeLater(
  { vfs, schedule, logger }: DeletionContext,
  paths: readonly string[],
  delayMs: number,
): Promise<void> {
  const remove = async (): Promise<void> => {
    for (const path of paths) {
      try {
        await removeFile(vfs, path)
      } catch (error) {
        logger.warn({ path, error }, 'A deleted file could not be removed; the next opening tries again.')
      }
    }
  }
  if (paths.length === 0) return
  if (delayMs <= 0) await remove()
  else schedule.after(delayMs, remove)
}

/** The space would be free at once, but the file is still read. */
async function cut(vfs: Vfs, path: string): Promise<void> {
  const file = await vfs.open(path, 'write')
  await file.truncate(0)
  await file.close()
}
