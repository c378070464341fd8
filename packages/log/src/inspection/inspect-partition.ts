import { isVarveError, type VfsSync } from '@varve/platform'
import {
  checkBatch,
  codecOf,
  deleteHorizonOf,
  isControl,
  isTransactional,
  readBaseTimestamp,
  readBatchHeader,
  readLastSequence,
  readRecordsCount,
  timestampTypeOf,
  type CodecName,
} from '@varve/records'
import { basename, join } from 'node:path'
import { LEADER_EPOCH_FILE } from '../checkpoints/leader-epoch-checkpoint.ts'
import {
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  parseSegmentFileName,
  segmentFileName,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../segment/segment-files.ts'
import type { BatchSpan } from '../segment/segment-scanner.ts'
import { BatchWalk } from './batch-walk.ts'
import { entriesOf, inspectEntries } from './inspect-entries.ts'
import type { InspectionItem, PartitionItem, SegmentItem } from './inspection-items.ts'
import { placeOf, problemOf } from './inspection-place.ts'
import { listFolder, type FolderFiles } from './partition-folder-files.ts'
import type { PartitionPlan } from './partition-plan.ts'
import { found, read, type Steps } from './steps.ts'

export interface InspectPartitionOptions {
  readonly topicId: string | undefined
  /** Only the segment that holds this offset. */
  readonly segment: number | undefined
  /** Each batch. */
  readonly batches: boolean
  /** Each entry of the indexes. */
  readonly index: boolean
  /** Leader epochs, producers and aborted transactions. */
  readonly details: boolean
}

interface Totals {
  batches: number
  records: number
  endOffset: number
}

/** The segments of a partition's folder, what they hold, and last the partition as a whole. */
export function* inspectPartition(
  fs: VfsSync,
  plan: PartitionPlan,
  options: InspectPartitionOptions,
): Steps<InspectionItem> {
  const files = listFolder(fs, plan.folder)
  const chosen = chosenSegments(files, options.segment)
  const totals = { batches: 0, records: 0, bytes: 0 }
  let end: number | null = null
  for (const { baseOffset, size } of chosen) {
    const path = join(plan.folder, segmentFileName(baseOffset, LOG_SUFFIX))
    const segment = yield* inspectSegment(fs, plan, path, options)
    if (segment === undefined) continue
    totals.batches += segment.batches
    totals.records += segment.records
    totals.bytes += size
    end = segment.endOffset
    if (options.index) {
      for (const suffix of [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX]) {
        const name = segmentFileName(baseOffset, suffix)
        if (files.names.has(name)) yield* inspectEntries(fs, plan, join(plan.folder, name))
      }
    }
  }
  if (options.details) yield* details(fs, plan, files, chosen)
  const item: PartitionItem = {
    type: 'partition',
    ...placeOf(plan),
    path: plan.folder,
    topicId: options.topicId ?? null,
    baseOffset: chosen[0]?.baseOffset ?? null,
    endOffset: end,
    logStartOffset: plan.logStartOffset ?? null,
    recoveryPoint: plan.recoveryPoint ?? null,
    durableOffset: plan.durableNote ?? null,
    highWatermark: plan.highWatermark ?? null,
    cleanedTo: plan.gapsTo === 'anywhere' || plan.gapsTo === 0 ? null : plan.gapsTo,
    segments: chosen.length,
    ...totals,
  }
  yield found(item)
}

function chosenSegments(files: FolderFiles, offset: number | undefined): FolderFiles['logs'] {
  if (offset === undefined) return files.logs
  const slot = files.logs.findLastIndex(({ baseOffset }) => baseOffset <= offset)
  return slot < 0 ? [] : files.logs.slice(slot, slot + 1)
}

function* details(
  fs: VfsSync,
  plan: PartitionPlan,
  files: FolderFiles,
  chosen: FolderFiles['logs'],
): Steps<InspectionItem> {
  const { folder } = plan
  if (files.names.has(LEADER_EPOCH_FILE)) yield* inspectEntries(fs, plan, join(folder, LEADER_EPOCH_FILE))
  for (const { baseOffset } of chosen) {
    const name = segmentFileName(baseOffset, TRANSACTION_INDEX_SUFFIX)
    if (files.names.has(name)) yield* inspectEntries(fs, plan, join(folder, name))
  }
  for (const offset of files.snapshots)
    yield* inspectEntries(fs, plan, join(folder, segmentFileName(offset, SNAPSHOT_SUFFIX)))
}

/** One segment, with its batches if they are wanted before it. Undefined where it is gone. */
export function* inspectSegment(
  fs: VfsSync,
  plan: PartitionPlan,
  path: string,
  { batches }: { batches: boolean },
): Steps<InspectionItem, SegmentItem | undefined> {
  const baseOffset = parseSegmentFileName(basename(path))?.baseOffset ?? 0
  const file = openIfThere(fs, path)
  if (file === undefined) return undefined
  try {
    const { size } = file.stat()
    const walk = new BatchWalk({
      file,
      size,
      baseOffset,
      endOffset: Number.MAX_SAFE_INTEGER,
      gapsTo: 'anywhere',
    })
    const totals: Totals = { batches: 0, records: 0, endOffset: baseOffset }
    let first = Infinity
    let last = -1
    for (let position = 0; position < size;) {
      const span = walk.peek(position)
      const bytes = span === undefined ? undefined : batches ? walk.bytes(span) : walk.header(span)
      if (span === undefined || bytes === undefined) {
        yield found(problemOf(plan, path, position, walk.problem))
        const sound = yield* nextSound(walk, position, totals.endOffset)
        if (sound === undefined) break
        position = sound.position
        continue
      }
      if (batches) yield found(batchOf(plan, path, span, bytes))
      totals.batches++
      totals.records += Math.max(0, readRecordsCount(bytes, 0))
      totals.endOffset = span.lastOffset + 1
      // With a delete horizon the base timestamp is that.
      if (deleteHorizonOf(bytes, 0) === undefined) first = Math.min(first, readBaseTimestamp(bytes, 0))
      last = Math.max(last, span.maxTimestamp)
      position += span.size
      yield read(span.size)
    }
    const item: SegmentItem = {
      type: 'segment',
      ...placeOf(plan),
      path,
      baseOffset,
      endOffset: totals.endOffset,
      bytes: size,
      batches: totals.batches,
      records: totals.records,
      firstTimestamp: first === Infinity ? null : first,
      lastTimestamp: last < 0 ? null : last,
      offsetIndexEntries: entriesOf(fs, path.slice(0, -LOG_SUFFIX.length) + OFFSET_INDEX_SUFFIX),
      timeIndexEntries: entriesOf(fs, path.slice(0, -LOG_SUFFIX.length) + TIME_INDEX_SUFFIX),
      abortedTransactions: entriesOf(fs, path.slice(0, -LOG_SUFFIX.length) + TRANSACTION_INDEX_SUFFIX),
    }
    yield found(item)
    return item
  } finally {
    file.close()
  }
}

function* nextSound(walk: BatchWalk, position: number, atLeast: number): Steps<never, BatchSpan | undefined> {
  const search = walk.findSound(position, atLeast)
  let step = search.next()
  for (; step.done !== true; step = search.next()) yield read(step.value)
  return step.value
}

function batchOf(plan: PartitionPlan, path: string, span: BatchSpan, bytes: Buffer): InspectionItem {
  const header = readBatchHeader(bytes, 0)
  const { attributes } = header
  return {
    type: 'batch',
    ...placeOf(plan),
    path,
    position: span.position,
    size: span.size,
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    records: header.recordsCount,
    leaderEpoch: header.leaderEpoch,
    codec: codecName(attributes),
    timestampType: timestampTypeOf(attributes),
    baseTimestamp: header.baseTimestamp,
    maxTimestamp: header.maxTimestamp,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    lastSequence: readLastSequence(bytes, 0),
    transactional: isTransactional(attributes),
    control: isControl(attributes),
    deleteHorizon: deleteHorizonOf(bytes, 0) ?? null,
    crc: header.crc,
    crcOk: isSound(bytes),
  }
}

function codecName(attributes: number): CodecName | null {
  try {
    return codecOf(attributes)
  } catch (error) {
    if (isVarveError(error)) return null
    throw error
  }
}

function isSound(bytes: Buffer): boolean {
  try {
    checkBatch(bytes, 0)
    return true
  } catch (error) {
    if (isVarveError(error)) return false
    throw error
  }
}

function openIfThere(fs: VfsSync, path: string): ReturnType<VfsSync['open']> | undefined {
  try {
    return fs.open(path, 'read')
  } catch (error) {
    if (isVarveError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
