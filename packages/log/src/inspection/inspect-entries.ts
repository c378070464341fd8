import { isVarveError, type VfsSync } from '@varve/platform'
import { basename } from 'node:path'
import { LEADER_EPOCH_FILE } from '../checkpoints/leader-epoch-checkpoint.ts'
import { logLimits } from '../limits.ts'
import { OFFSET_ENTRY_SIZE } from '../segment/offset-index.ts'
import {
  OFFSET_INDEX_SUFFIX,
  parseSegmentFileName,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../segment/segment-files.ts'
import { TIME_ENTRY_SIZE } from '../segment/time-index.ts'
import { ABORTED_TXN_SIZE, readAbortedTxn } from '../producer/aborted-txn.ts'
import { EntryFile } from './entry-file.ts'
import { parseEpochs } from './epoch-check.ts'
import { placeOf, problemOf } from './inspection-place.ts'
import type { InspectionItem } from './inspection-items.ts'
import type { PartitionPlan } from './partition-plan.ts'
import { readSnapshot, SNAPSHOT_BYTES_MAX } from './producer-snapshot.ts'
import { found, read, type Steps } from './steps.ts'

const ENTRY_SIZES: Readonly<Record<string, number>> = {
  [OFFSET_INDEX_SUFFIX]: OFFSET_ENTRY_SIZE,
  [TIME_INDEX_SUFFIX]: TIME_ENTRY_SIZE,
  [TRANSACTION_INDEX_SUFFIX]: ABORTED_TXN_SIZE,
}

/** How many entries an index has, a preallocated rest left out; null where there is none. */
export function entriesOf(fs: VfsSync, path: string): number | null {
  const entrySize = ENTRY_SIZES[path.slice(path.lastIndexOf('.'))]
  if (entrySize === undefined) return null
  try {
    const file = fs.open(path, 'read')
    try {
      return shownEntries(new EntryFile(file, entrySize))
    } finally {
      file.close()
    }
  } catch (error) {
    if (isVarveError(error, 'NOT_FOUND')) return null
    throw error
  }
}

/** One entry of zeros alone may be a batch at the base offset with the timestamp 0. */
function shownEntries(file: EntryFile): number {
  return file.entries <= 1 ? file.entries : Math.min(file.used, file.entries)
}

/** The entries of one small file of a partition: an index, a snapshot of producers, the leader epochs. */
export function* inspectEntries(fs: VfsSync, plan: PartitionPlan, path: string): Steps<InspectionItem> {
  const name = basename(path)
  const { suffix = '', baseOffset = 0 } = parseSegmentFileName(name) ?? {}
  if (name === LEADER_EPOCH_FILE) yield* leaderEpochs(fs, plan, path)
  else if (suffix === SNAPSHOT_SUFFIX) yield* producers(fs, plan, path, baseOffset)
  else if (ENTRY_SIZES[suffix] !== undefined) yield* index(fs, plan, path, { suffix, baseOffset })
}

function* index(
  fs: VfsSync,
  plan: PartitionPlan,
  path: string,
  { suffix, baseOffset }: { suffix: string; baseOffset: number },
): Steps<InspectionItem> {
  const entrySize = ENTRY_SIZES[suffix] ?? 1
  const opened = fs.open(path, 'read')
  try {
    const file = new EntryFile(opened, entrySize)
    const entries = shownEntries(file)
    for (let slot = 0; slot < entries; slot++) {
      const bytes = file.at(slot)
      if (bytes === undefined) break
      yield found(entryOf(plan, path, bytes, { suffix, baseOffset, slot }))
    }
    yield read(file.size)
    if (file.size % entrySize !== 0)
      yield found(problemOf(plan, path, entries * entrySize, 'The file ends in a part of an entry.'))
  } finally {
    opened.close()
  }
}

function entryOf(
  plan: PartitionPlan,
  path: string,
  bytes: Buffer,
  { suffix, baseOffset, slot }: { suffix: string; baseOffset: number; slot: number },
): InspectionItem {
  const place = { ...placeOf(plan), path }
  if (suffix === OFFSET_INDEX_SUFFIX) {
    const offset = baseOffset + bytes.readInt32BE(0)
    return { type: 'offset-index-entry', ...place, offset, position: bytes.readInt32BE(4) }
  }
  if (suffix === TIME_INDEX_SUFFIX) {
    const timestamp = Number(bytes.readBigInt64BE(0))
    return { type: 'time-index-entry', ...place, timestamp, offset: baseOffset + bytes.readInt32BE(8) }
  }
  const aborted = readAbortedTxn(bytes, 0)
  if (aborted === undefined)
    return problemOf(plan, path, slot * ABORTED_TXN_SIZE, 'The entry is of no version that is known.')
  return { type: 'aborted-transaction', ...place, ...aborted }
}

function* leaderEpochs(fs: VfsSync, plan: PartitionPlan, path: string): Steps<InspectionItem> {
  const text = fs.readFile(path, { max: logLimits.checkpointBytesMax }).toString('utf8')
  const entries = text === '' ? [] : parseEpochs(text)
  if (typeof entries === 'string')
    yield found(problemOf(plan, path, null, `The file is damaged: ${entries}.`))
  else for (const entry of entries) yield found({ type: 'leader-epoch', ...placeOf(plan), path, ...entry })
}

function* producers(
  fs: VfsSync,
  plan: PartitionPlan,
  path: string,
  snapshotOffset: number,
): Steps<InspectionItem> {
  const entries = readSnapshot(fs.readFile(path, { max: SNAPSHOT_BYTES_MAX }), snapshotOffset)
  if (typeof entries === 'string')
    yield found(problemOf(plan, path, null, `The snapshot is damaged: ${entries}.`))
  else
    for (const entry of entries)
      yield found({ type: 'producer', ...placeOf(plan), path, snapshotOffset, ...entry })
}
