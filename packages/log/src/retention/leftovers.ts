import { join } from 'node:path'
import type { Logger, Vfs } from '@varve/platform'
import { removeFile } from '../checkpoints/checkpoint-file.ts'
import type { PartitionFiles } from '../partition/partition-files.ts'
import type { LogSegment } from '../segment/log-segment.ts'
import { parseSegmentFileName } from '../segment/segment-files.ts'

/**
 * Tells the segments that a cut deletion left from those that matter: all below the log's start, some of them perhaps
 * missing. They stay in the log until the next check of retention, but nothing has to continue there.
 *
 * @param segments in the order of their base offsets
 * @param logStart what the checkpoint says, which is believed only where all below it was durable
 */
export function splitLeftovers(
  segments: readonly LogSegment[],
  { logStart, durable }: { logStart: number; durable: number },
): { leftovers: LogSegment[]; rest: LogSegment[] } {
  let count = 0
  if (logStart <= durable) while ((segments[count + 1]?.baseOffset ?? Infinity) <= logStart) count++
  return { leftovers: segments.slice(0, count), rest: segments.slice(count) }
}

/** Removes what a deletion left: files that are named deleted, and indexes below the log's start without a log. */
export async function removeDeleted(
  { vfs, logger }: { vfs: Vfs; logger: Logger },
  folder: string,
  files: PartitionFiles,
  logStart: number,
): Promise<void> {
  const logs = new Set(files.segments.map(({ baseOffset }) => baseOffset))
  const isOrphan = (name: string): boolean => {
    const { baseOffset = logStart } = parseSegmentFileName(name) ?? {}
    return baseOffset < logStart && !logs.has(baseOffset)
  }
  for (const name of [...files.deleted, ...files.indexes.filter(isOrphan)]) {
    const path = join(folder, name)
    try {
      await removeFile(vfs, path)
    } catch (error) {
      logger.warn({ path, error }, 'A deleted file could not be removed; the next opening tries again.')
    }
  }
}
