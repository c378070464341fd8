import type { VfsSync } from '@varve/platform'
import { readControlRecord, BatchReader, isControl, readAttributes } from '@varve/records'
import { join } from 'node:path'
import { LEADER_EPOCH_FILE } from '../checkpoints/leader-epoch-checkpoint.ts'
import { parsePartitionMetadata, PARTITION_METADATA_FILE } from '../checkpoints/partition-metadata.ts'
import { logLimits } from '../limits.ts'
import { BatchWalk } from './batch-walk.ts'
import { EpochCheck } from './epoch-check.ts'
import type { Flaw, FlawKind, FlawPlace } from './flaw.ts'
import type { FolderFiles } from './partition-folder-files.ts'
import type { PartitionPlan } from './partition-plan.ts'
import { found, read, type Steps } from './steps.ts'
import { verifySegment } from './verify-segment.ts'

type FlawOf = (type: Flaw['type'], kind: FlawKind, place: FlawPlace, message: string) => Flaw

/** Endings of files on their way in or out. */
const LEFT_OVER = /\.(deleted|torn|tmp|cleaned|swap|part)$/
/** Offset and epoch. */
const SNAPSHOT_FILE = /^\d{20}-(\d{10})\.checkpoint$/
const QUORUM_STATE_FILE = 'quorum-state'
const NAMES_SHOWN = 3

/** What lies beside the segments. */
export function* verifySmallFiles(
  fs: VfsSync,
  plan: PartitionPlan,
  files: FolderFiles,
  flaw: FlawOf,
): Steps<Flaw> {
  const { folder } = plan
  const text = (name: string) =>
    fs.readFile(join(folder, name), { max: logLimits.checkpointBytesMax }).toString('utf8')
  const leftOver: string[] = []
  const unknown: string[] = []
  for (const { name, kind } of files.others) {
    const path = join(folder, name)
    if (name === LEADER_EPOCH_FILE || name === '.kafka_cleanshutdown') continue
    if (kind === 'file' && name === PARTITION_METADATA_FILE) {
      const content = text(name)
      yield read(content.length)
      if (parsePartitionMetadata(content) === undefined) {
        const message = `The file ${path} should hold a version and a topic id, but holds '${content.slice(0, 60)}'.`
        // It is written last when a partition is made.
        const cut = !plan.clean && !files.logs.some(log => log.size > 0)
        yield found(flaw(cut ? 'note' : 'damage', 'properties', { path }, message))
      }
    } else if (kind === 'file' && name === QUORUM_STATE_FILE) {
      const content = text(name)
      yield read(content.length)
      const problem = quorumProblem(content)
      if (problem !== undefined)
        yield found(flaw('damage', 'properties', { path }, `The file ${path} is damaged: ${problem}.`))
    } else if (kind === 'file' && SNAPSHOT_FILE.test(name)) {
      yield* verifyBatchFile(fs, path, Number(SNAPSHOT_FILE.exec(name)?.[1]), flaw)
    } else if (LEFT_OVER.test(name)) leftOver.push(name)
    else unknown.push(name)
  }
  const some = (names: string[]) =>
    `${names.slice(0, NAMES_SHOWN).join(', ')}${names.length > NAMES_SHOWN ? ', …' : ''}`
  if (leftOver.length > 0) {
    const message = `The folder ${folder} has ${leftOver.length} files on their way in or out, not looked at: ${some(leftOver)}.`
    yield found(flaw('note', 'left-over', { path: folder }, message))
  }
  if (unknown.length > 0) {
    const message = `The folder ${folder} holds what is no log's: ${some(unknown)}.`
    yield found(flaw('note', 'unknown-file', { path: folder }, message))
  }
}

/**
 * A file of batches that is no segment: a snapshot of the metadata log, or what Kafka was formatted with.
 *
 * @param epoch that of all its batches
 */
export function* verifyBatchFile(fs: VfsSync, path: string, epoch: number, flaw: FlawOf): Steps<Flaw> {
  const file = fs.open(path, 'read')
  try {
    const { size } = file.stat()
    const tally = { segments: 0, batches: 0, records: 0, bytes: 0 }
    const epochs = new EpochCheck([{ epoch, startOffset: 0 }], 0)
    const none = { epochs, transactions: undefined, offsetIndex: undefined, timeIndex: undefined }
    const end = yield* verifySegment({
      ...{ path, file, size, baseOffset: 0, endOffset: Number.MAX_SAFE_INTEGER, gapsTo: 0 },
      ...none,
      ...{
        transactionIndex: undefined,
        tornFrom: Infinity,
        transactionsTornFrom: Infinity,
        finished: true,
        indexBytes: 0,
        tally,
        flaw,
      },
    })
    if (end.torn || hasFooter(new BatchWalk({ file, size, baseOffset: 0, endOffset: Infinity, gapsTo: 0 })))
      return
    yield found(
      flaw('damage', 'batch', { path }, `The file ${path} does not end with the footer of a snapshot.`),
    )
  } finally {
    file.close()
  }
}

/** Whether the last batch is the control record that ends a snapshot. */
function hasFooter(walk: BatchWalk): boolean {
  const reader = new BatchReader()
  let footer = false
  for (let position = 0, expected = 0; ;) {
    const batch = walk.next(position, expected)
    if (batch === undefined) return footer
    footer = false
    if (isControl(readAttributes(batch.bytes, 0))) {
      reader.open(batch.bytes)
      while (reader.advance()) footer = readControlRecord(reader.key, reader.value).type === 'snapshotFooter'
    }
    position += batch.span.size
    expected = batch.span.lastOffset + 1
  }
}

function quorumProblem(text: string): string | undefined {
  try {
    const state = JSON.parse(text) as Partial<Record<string, unknown>> | null
    const numbers = [state?.['leaderId'], state?.['leaderEpoch'], state?.['data_version']]
    return numbers.every(Number.isSafeInteger) ? undefined : 'leader, epoch or version is missing'
  } catch {
    return 'it is no JSON'
  }
}
