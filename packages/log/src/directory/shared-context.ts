import { silentLogger } from '@varve/platform'
import { OpenFiles } from '../files/open-files.ts'
import { PatientVfs } from '../files/patient-vfs.ts'
import { Semaphore } from '../files/semaphore.ts'
import { logLimits } from '../limits.ts'
import type { LogContext } from '../partition/log-state.ts'
import { TailCache } from '../partition/tail-cache.ts'
import { DiskHeadroom } from '../retention/disk-headroom.ts'
import { Schedule } from '../retention/schedule.ts'
import { IndexStore } from '../segment/index-store.ts'
import type { DirectoryCheckpoints } from './checkpoints.ts'
import type { LogDirectoryOptions } from './log-directory-options.ts'

/** What all partitions of a directory share, each under one limit for all of them. */
export function sharedContext(
  options: LogDirectoryOptions,
  {
    readOnly,
    root,
    checkpoints,
    report,
  }: {
    readOnly: boolean
    root: string
    checkpoints: DirectoryCheckpoints
    report: LogContext['report']
  },
): LogContext {
  const { vfs, clock, random, logger = silentLogger, openFilesMax = logLimits.openFilesMax } = options
  const { headroomBytes = logLimits.headroomBytes } = options
  // Whoever needs a handle that the process does not have gets one of those that are kept for the next time.
  const files = new OpenFiles(vfs, { max: openFilesMax, mode: readOnly ? 'read' : 'write', clock })
  const patient = new PatientVfs(vfs, files)
  return {
    vfs: patient,
    clock,
    logger,
    files,
    indexes: new IndexStore(files, { bytesMax: options.indexCacheBytesMax ?? logLimits.indexCacheBytesMax }),
    tails: new TailCache({ bytesMax: options.tailCacheBytesMax ?? logLimits.tailCacheBytesMax }),
    syncs: new Semaphore(logLimits.syncsInFlightMax),
    readOnly,
    report,
    random,
    schedule: new Schedule(clock, logger),
    headroom: new DiskHeadroom({ vfs, path: root, logger, headroomBytes }),
    checkpointStart: (name, offsets) => checkpoints.raiseStart(name, offsets),
    producerIdExpirationMs: options.producerIdExpirationMs ?? logLimits.producerIdExpirationMs,
    noteDurable: (name, note) => {
      checkpoints.durable.note(name, note)
    },
  }
}
