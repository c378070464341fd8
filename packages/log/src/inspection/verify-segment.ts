import { isVarveError, type VfsFileSync } from '@varve/platform'
import {
  checkRecords,
  codecOf,
  readAttributes,
  readControlRecord,
  readRecordsCount,
  BatchReader,
  isControl,
} from '@varve/records'
import type { BatchSpan } from '../segment/segment-scanner.ts'
import { BatchWalk, reasonOf } from './batch-walk.ts'
import type { EpochCheck } from './epoch-check.ts'
import type { Flaw, FlawKind, FlawPlace } from './flaw.ts'
import type { IndexProblem, OffsetIndexCheck, TimeIndexCheck } from './index-check.ts'
import { found, read, type Steps } from './steps.ts'
import type { TransactionIndexCheck, TransactionWalk } from './transaction-check.ts'

/** What was looked at. */
export interface Tally {
  segments: number
  batches: number
  records: number
  bytes: number
}

export interface SegmentCheck {
  readonly path: string
  readonly file: VfsFileSync
  readonly size: number
  readonly baseOffset: number
  /** The next segment's base offset. */
  readonly endOffset: number
  readonly gapsTo: number | 'anywhere'
  /** The offset from which on a torn end is no damage. */
  readonly tornFrom: number
  /** The offset from which on the index of transactions may have lost what was not synced: that of the newest snapshot. */
  readonly transactionsTornFrom: number
  /** Nothing in the indexes may be unfinished. */
  readonly finished: boolean
  readonly epochs: EpochCheck | undefined
  readonly transactions: TransactionWalk | undefined
  readonly offsetIndex: { readonly path: string; readonly check: OffsetIndexCheck } | undefined
  readonly timeIndex: { readonly path: string; readonly check: TimeIndexCheck } | undefined
  readonly transactionIndex: { readonly path: string; readonly check: TransactionIndexCheck } | undefined
  /** Of the indexes, for the progress. */
  readonly indexBytes: number
  readonly tally: Tally
  readonly flaw: (type: Flaw['type'], kind: FlawKind, place: FlawPlace, message: string) => Flaw
}

/** What a walk over a segment learnt. */
export interface SegmentEnd {
  /** The offset behind the last sound batch. */
  readonly endOffset: number
  /** Whether bytes at the end were no batches. */
  readonly torn: boolean
}

/** Every byte of one segment and of its indexes. */
export function* verifySegment(segment: SegmentCheck): Steps<Flaw, SegmentEnd> {
  const walk = new BatchWalk(segment)
  const reader = new BatchReader()
  let position = 0
  let expected = segment.baseOffset
  segment.tally.segments++
  yield read(segment.indexBytes)
  while (position < segment.size) {
    const batch = walk.next(position, expected)
    if (batch === undefined) {
      const sound = yield* damaged(segment, walk, position, expected)
      if (sound === undefined) {
        yield* closeIndexes(segment, false)
        return { endOffset: expected, torn: true }
      }
      position = sound.position
      expected = sound.baseOffset
      continue
    }
    yield* verifyBatch(segment, batch.span, batch.bytes, reader)
    position += batch.span.size
    expected = batch.span.lastOffset + 1
  }
  yield* closeIndexes(segment, true)
  return { endOffset: expected, torn: false }
}

function* verifyBatch(
  segment: SegmentCheck,
  span: BatchSpan,
  bytes: Buffer,
  reader: BatchReader,
): Steps<Flaw> {
  const { path, flaw, tally } = segment
  const place = { path, position: span.position, offset: span.baseOffset }
  const codec = codecOf(readAttributes(bytes, 0))
  if (codec !== 'none') yield { kind: 'codec', codec }
  try {
    checkRecords(bytes, 0, { exactMaxTimestamp: true })
    if (isControl(readAttributes(bytes, 0))) checkControl(bytes, reader)
  } catch (error) {
    if (!isVarveError(error)) throw error
    yield found(
      flaw(
        'damage',
        'records',
        place,
        `${at(segment, span)} has a sound checksum, but ${reasonOf(error.message)}.`,
      ),
    )
  }
  tally.batches++
  tally.records += readRecordsCount(bytes, 0)
  tally.bytes += span.size
  const epoch = segment.epochs?.batch(span)
  if (epoch !== undefined) {
    const type = epoch.unfinished && span.baseOffset >= segment.tornFrom ? 'note' : 'damage'
    yield found(
      flaw(type, 'leader-epochs', place, `${at(segment, span)} is of a wrong epoch: ${epoch.message}.`),
    )
  }
  yield* indexFlaws(segment, 'offset-index', segment.offsetIndex, check => check.batch(span))
  yield* indexFlaws(segment, 'time-index', segment.timeIndex, check => check.batch(span))
  const aborted = segment.transactions?.batch(span, bytes)
  if (aborted !== undefined) {
    const certain = segment.transactions?.certain === true
    yield* indexFlaws(segment, 'transaction-index', segment.transactionIndex, check =>
      check.aborted(aborted, certain),
    )
  }
  yield read(span.size)
}

/** Control records are read by brokers: one that cannot be decoded is damage to them. */
function checkControl(bytes: Buffer, reader: BatchReader): void {
  reader.open(bytes)
  while (reader.advance()) readControlRecord(reader.key, reader.value)
}

/** Says what is wrong at `position`, and finds the next sound batch. */
function* damaged(
  segment: SegmentCheck,
  walk: BatchWalk,
  position: number,
  expected: number,
): Steps<Flaw, BatchSpan | undefined> {
  const { path, size, flaw, tornFrom } = segment
  const { problem } = walk
  const place = { path, position, offset: expected }
  const where = `position ${position} of ${path}, offset ${expected}`
  const unfinished = expected >= tornFrom
  if (walk.isZeroFrom(position)) {
    const message = `The last ${size - position} bytes of ${path}, from position ${position}, are zeros.`
    yield found(flaw(unfinished ? 'note' : 'damage', 'zero-tail', place, message))
    yield read(size - position)
    return undefined
  }
  let passed = 0
  const search = walk.findSound(position, expected)
  let step = search.next()
  for (; step.done !== true; step = search.next()) {
    passed += step.value
    yield read(step.value)
  }
  const sound = step.value
  if (sound !== undefined) {
    const next = `the next sound one is at position ${sound.position}, offset ${sound.baseOffset}`
    const what = `The batch at ${where}, is damaged: ${problem}; ${next}`
    // The system writes pages in any order: what was not synced may be torn in its middle.
    const message = unfinished
      ? `${what}; an owner that opens the directory sets all of this aside.`
      : `${what}.`
    yield found(flaw(unfinished ? 'note' : 'damage', unfinished ? 'torn-tail' : 'batch', place, message))
    yield read(Math.max(0, sound.position - position - passed))
    segment.offsetIndex?.check.skipTo(sound.position)
    segment.timeIndex?.check.skipTo(sound.baseOffset)
    segment.transactionIndex?.check.skipTo(sound.baseOffset)
    if (segment.transactions !== undefined) segment.transactions.certain = false
    return sound
  }
  yield read(Math.max(0, size - position - passed))
  if (segment.transactions !== undefined) segment.transactions.certain = false
  const what = `The last ${size - position} bytes of ${path}, from position ${position}, offset ${expected}, are no whole batch: ${problem}`
  const message = unfinished ? `${what}; an owner that opens the directory sets them aside.` : `${what}.`
  yield found(flaw(unfinished ? 'note' : 'damage', unfinished ? 'torn-tail' : 'batch', place, message))
  return undefined
}

/** @param whole the walk came to the segment's end */
function* closeIndexes(segment: SegmentCheck, whole: boolean): Steps<Flaw> {
  // What points into a torn end is no news.
  if (!whole) return
  const behind = 'points behind the last batch'
  yield* indexFlaws(segment, 'offset-index', segment.offsetIndex, check => check.leftOver(behind))
  yield* indexFlaws(segment, 'time-index', segment.timeIndex, check => check.leftOver(behind))
  yield* indexFlaws(segment, 'transaction-index', segment.transactionIndex, check => check.leftOver())
  if (segment.finished)
    yield* indexFlaws(segment, 'time-index', segment.timeIndex, check => check.incomplete())
}

function* indexFlaws<C>(
  segment: SegmentCheck,
  kind: FlawKind,
  index: { readonly path: string; readonly check: C } | undefined,
  problems: (check: C) => Iterable<IndexProblem>,
): Steps<Flaw> {
  if (index === undefined) return
  for (const { position, message, unfinished, offset = -1, lags = false } of problems(index.check)) {
    // Beside an owner that is no news: it saves this index now and then.
    if (lags && !segment.finished && offset >= segment.transactionsTornFrom) continue
    const torn = unfinished || offset >= segment.transactionsTornFrom
    const type = torn && !segment.finished ? 'note' : 'damage'
    yield found(
      segment.flaw(type, kind, { path: index.path, position }, `The index ${index.path} ${message}.`),
    )
  }
}

function at({ path }: SegmentCheck, span: BatchSpan): string {
  return `The batch at position ${span.position} of ${path}, offset ${span.baseOffset},`
}
