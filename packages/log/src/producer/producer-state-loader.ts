import { join } from 'node:path'
import { removeFile } from '../checkpoints/checkpoint-file.ts'
import type { LogState } from '../partition/log-state.ts'
import { segmentFileName, TRANSACTION_INDEX_SUFFIX } from '../segment/segment-files.ts'
import { parseSnapshot } from './producer-snapshot-file.ts'
import { replayProducers, type ReplayDamage } from './producer-replay.ts'

/** What a partition's folder holds about producers. */
interface ProducerFiles {
  /** Offsets of snapshots. */
  readonly snapshots: readonly number[]
  /** The bytes of the newest one; empty or undefined where there is none. */
  readonly newestSnapshot: Buffer | undefined
  /** Base offsets of transaction indexes. */
  readonly transactionIndexes: readonly number[]
}

/**
 * Brings what the log knows of its producers into memory, once its segments and offsets are: the newest snapshot at or
 * below the end that makes sense, and the batches behind it. After a clean end there are none.
 *
 * @param durable batches below were not compared with their checksums
 * @returns the first damage that was met
 */
export async function loadProducers(
  state: LogState,
  files: ProducerFiles,
  durable: number,
): Promise<ReplayDamage | undefined> {
  const { context, producers, snapshots, abortedTxns, segments, logEndOffset } = state
  const { readOnly } = context
  const sane = await loadSnapshot(state, files.snapshots)
  const from = Math.max(sane ?? 0, segments.first?.baseOffset ?? 0)
  const known = files.transactionIndexes.filter(offset => segments.floor(offset)?.baseOffset === offset)
  abortedTxns.loaded(known, from)
  const seenAt = context.clock.monotonic()
  const replayed =
    from >= logEndOffset
      ? undefined
      : await replayProducers(state, {
          manager: producers,
          from,
          to: logEndOffset,
          verifyBelow: durable,
          seenAt,
          aborted: (segment, txn) => {
            abortedTxns.append(segment, txn)
          },
        })
  const left = files.snapshots.filter(offset => offset <= (sane ?? -1))
  snapshots.loaded(left, sane ?? state.logStartOffset, replayed?.bytes ?? 0)
  if (readOnly) return replayed?.damage
  await abortedTxns.dropAbove(logEndOffset)
  await snapshots.removeStrays()
  for (const offset of files.transactionIndexes) {
    if (known.includes(offset)) continue
    await removeFile(context.vfs, join(state.folder, segmentFileName(offset, TRANSACTION_INDEX_SUFFIX)))
    state.folderDirty = true
  }
  return replayed?.damage
}

/**
 * The same without a look into files for a log to which nothing happened since it was closed: its newest snapshot stands
 * for its end.
 *
 * @returns whether that is so
 */
export function loadSettledProducers(state: LogState, files: ProducerFiles, end: number): boolean {
  const { producers, snapshots, abortedTxns, context } = state
  const seenAt = context.clock.monotonic()
  if (end > 0) {
    if (files.snapshots.at(-1) !== end || files.newestSnapshot === undefined) return false
    const entries = parseSnapshot(files.newestSnapshot, { offset: end, seenAt })
    if (entries === undefined) return false
    producers.load(entries)
  } else if (files.snapshots.length > 0) return false
  snapshots.loaded(files.snapshots, end, 0)
  abortedTxns.loaded(files.transactionIndexes, end)
  return true
}

/** For a reader beside an owner: takes in what `fresh`, the log as it is now, has behind the end that was known. */
export async function catchUpProducers(state: LogState, fresh: LogState): Promise<void> {
  const { producers, abortedTxns, logEndOffset, context } = state
  await replayProducers(fresh, {
    manager: producers,
    from: logEndOffset,
    to: fresh.logEndOffset,
    verifyBelow: 0,
    seenAt: context.clock.monotonic(),
    aborted: (segment, txn) => {
      abortedTxns.append(segment, txn)
    },
  })
}

/** Answers the offset of the snapshot that was loaded. An owner removes those that cannot be started from. */
async function loadSnapshot(state: LogState, offsets: readonly number[]): Promise<number | undefined> {
  const { context, snapshots, producers, folder, logEndOffset } = state
  for (const offset of offsets.toSorted((a, b) => b - a)) {
    const entries = offset <= logEndOffset ? await snapshots.read(offset) : undefined
    if (entries !== undefined) {
      producers.load(entries)
      return offset
    }
    // One above the end describes records that are gone, and others may come in their place.
    context.logger.warn({ path: folder, offset }, 'A snapshot of producers is not true; it is not followed.')
    if (context.readOnly) continue
    await snapshots.remove(offset)
    state.folderDirty = true
  }
  return undefined
}
