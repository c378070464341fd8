import { silentLogger, type Vfs } from '@varve/platform'
import type { DurableOffsets } from '../checkpoints/durable-offsets.ts'
import { OpenFiles } from '../files/open-files.ts'
import { PatientVfs } from '../files/patient-vfs.ts'
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
  // Whoever needs a handle that the process does not have gets one of those that are kept for the next time.
  const patient: Vfs = new PatientVfs(vfs, () => files.giveBack())
  const files = new OpenFiles(patient, { max: openFilesMax, mode: readOnly ? 'read' : 'write' })
  return {
    vfs: patient,
    clock,
    logger,
    files,
    indexes: new IndexStore(patient),
    syncs: new Semaphore(logLimits.syncsInFlightMax),
    readOnly,
    report,
    noteDurable: (name, note) => {
      durable.note(name, note)
    },
  }
}
