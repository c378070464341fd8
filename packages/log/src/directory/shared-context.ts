import { silentLogger } from '@varve/platform'
import type { DurableOffsets } from '../checkpoints/durable-offsets.ts'
import { OpenFiles } from '../files/open-files.ts'
import { Semaphore } from '../files/semaphore.ts'
import { logLimits } from '../limits.ts'
import type { LogContext } from '../partition/log-state.ts'
import { IndexStore } from '../segment/index-store.ts'
import type { LogDirectoryOptions } from './log-directory-options.ts'

/** What all partitions of a directory share, each under one limit for all of them. */
export function sharedContext(
  options: LogDirectoryOptions,
  { readOnly, durable, report }: { readOnly: boolean; durable: DurableOffsets; report: LogContext['report'] },
): LogContext {
  const { vfs, clock, logger = silentLogger, openFilesMax = logLimits.openFilesMax } = options
  return {
    vfs,
    clock,
    logger,
    files: new OpenFiles(vfs, { max: openFilesMax, mode: readOnly ? 'read' : 'write' }),
    indexes: new IndexStore(vfs),
    syncs: new Semaphore(logLimits.syncsInFlightMax),
    readOnly,
    report,
    noteDurable: (name, note) => {
      durable.note(name, note)
    },
  }
}
