import { isVarveError, type VfsFileSync, type VfsSync } from '@varve/platform'
import { join } from 'node:path'
import { RECOVERY_POINT_FILE } from '../checkpoints/offset-checkpoint.ts'
import { LEADER_EPOCH_FILE } from '../checkpoints/leader-epoch-checkpoint.ts'
import {
  segmentFileName,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../segment/segment-files.ts'
import { ABORTED_TXN_SIZE } from '../producer/aborted-txn.ts'
import { EntryFile } from './entry-file.ts'
import { EpochCheck, parseEpochs } from './epoch-check.ts'
import type { Flaw, FlawKind, FlawPlace } from './flaw.ts'
import { OffsetIndexCheck, TimeIndexCheck } from './index-check.ts'
import { OFFSET_ENTRY_SIZE } from '../segment/offset-index.ts'
import { TIME_ENTRY_SIZE } from '../segment/time-index.ts'
import { listFolder, type FolderFiles } from './partition-folder-files.ts'
import type { PartitionPlan } from './partition-plan.ts'
import { METADATA_TOPIC } from './plans.ts'
import { readSnapshot, SNAPSHOT_BYTES_MAX } from './producer-snapshot.ts'
import { found, read, type Steps } from './steps.ts'
import { TransactionIndexCheck, TransactionWalk } from './transaction-check.ts'
import { verifySegment, type SegmentCheck, type Tally } from './verify-segment.ts'
import { verifySmallFiles } from './verify-small-files.ts'

/** Every byte of a partition's folder, compared with what the directory says of the partition. */
export function verifyPartition(fs: VfsSync, plan: PartitionPlan): Steps<Flaw, Tally> {
  return new PartitionVerification(fs, plan).run()
}

class PartitionVerification {
  readonly #fs: VfsSync
  readonly #plan: PartitionPlan
  readonly #tally: Tally = { segments: 0, batches: 0, records: 0, bytes: 0 }
  #epochs: EpochCheck | undefined
  #end = 0

  constructor(fs: VfsSync, plan: PartitionPlan) {
    this.#fs = fs
    this.#plan = plan
  }

  *run(): Steps<Flaw, Tally> {
    const files = listFolder(this.#fs, this.#plan.folder)
    yield* this.#readEpochs(files)
    yield* this.#segments(files)
    yield* this.#ends()
    yield* this.#snapshots(files)
    yield* verifySmallFiles(this.#fs, this.#plan, files, this.#flaw)
    return this.#tally
  }

  *#segments(files: FolderFiles): Steps<Flaw> {
    const plan = this.#plan
    const { logs } = files
    const first = logs[0]
    if (first === undefined) {
      this.#end = plan.durable
      if (plan.durable > 0) yield* this.#missing(plan.folder, 0, plan.durable)
      return
    }
    if (plan.notedStart !== undefined && plan.notedStart < first.baseOffset)
      yield* this.#missing(plan.folder, plan.notedStart, first.baseOffset)
    const transactions = this.#transactionsAt(first.baseOffset, files)
    let expected = first.baseOffset
    for (const [slot, log] of logs.entries()) {
      const next = logs[slot + 1]?.baseOffset
      const path = join(plan.folder, segmentFileName(log.baseOffset, LOG_SUFFIX))
      const gap = plan.gapsTo === 'anywhere' || log.baseOffset <= plan.gapsTo
      if (log.baseOffset > expected && !gap) {
        yield* this.#missing(path, expected, log.baseOffset)
        transactions.certain = false
      }
      // Opened before its size is asked for: what the indexes of a living owner point at is in the file then.
      const opened = this.#open(path)
      if (opened === undefined) continue
      try {
        const check = this.#checkOf(log.baseOffset, next, opened, files)
        const { endOffset } = yield* verifySegment({ ...check, transactions })
        expected = Math.max(expected, endOffset)
      } finally {
        this.#close()
      }
    }
    this.#end = expected
  }

  readonly #opened: VfsFileSync[] = []

  /** Undefined where the owner has deleted it meanwhile. */
  #open(path: string): VfsFileSync | undefined {
    try {
      const file = this.#fs.open(path, 'read')
      this.#opened.push(file)
      return file
    } catch (error) {
      if (isVarveError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  #close(): void {
    for (const file of this.#opened.splice(0)) file.close()
  }

  #checkOf(
    baseOffset: number,
    next: number | undefined,
    file: VfsFileSync,
    files: FolderFiles,
  ): Omit<SegmentCheck, 'transactions'> {
    const plan = this.#plan
    const index = <C>(suffix: string, entrySize: number, make: (file: EntryFile) => C) => {
      const path = join(plan.folder, segmentFileName(baseOffset, suffix))
      const opened = files.names.has(segmentFileName(baseOffset, suffix)) ? this.#open(path) : undefined
      return opened === undefined ? undefined : { path, check: make(new EntryFile(opened, entrySize)) }
    }
    const offsetIndex = index(
      OFFSET_INDEX_SUFFIX,
      OFFSET_ENTRY_SIZE,
      it => new OffsetIndexCheck(it, baseOffset),
    )
    const timeIndex = index(TIME_INDEX_SUFFIX, TIME_ENTRY_SIZE, it => new TimeIndexCheck(it, baseOffset))
    const name = segmentFileName(baseOffset, TRANSACTION_INDEX_SUFFIX)
    const transactionIndex = index(
      TRANSACTION_INDEX_SUFFIX,
      ABORTED_TXN_SIZE,
      it => new TransactionIndexCheck(it),
    )
    return {
      path: file.path,
      file,
      size: file.stat().size,
      baseOffset,
      endOffset: next ?? Number.MAX_SAFE_INTEGER,
      gapsTo: plan.gapsTo,
      tornFrom: plan.clean ? Infinity : plan.durable,
      transactionsTornFrom: files.snapshots.at(-1) ?? 0,
      finished: plan.clean,
      epochs: this.#epochs,
      offsetIndex,
      timeIndex,
      transactionIndex: transactionIndex ?? {
        path: join(plan.folder, name),
        check: new TransactionIndexCheck(undefined),
      },
      indexBytes: this.#opened.slice(1).reduce((sum, one) => sum + one.stat().size, 0),
      tally: this.#tally,
      flaw: this.#flaw,
    }
  }

  /** What was going on where the log begins: nothing at offset 0; else what the snapshot there says. */
  #transactionsAt(baseOffset: number, files: FolderFiles): TransactionWalk {
    const { gapsTo, folder } = this.#plan
    if (baseOffset === 0) return new TransactionWalk({ ongoing: [], certain: gapsTo === 0 })
    const name = segmentFileName(baseOffset, SNAPSHOT_SUFFIX)
    const entries = files.names.has(name)
      ? readSnapshot(this.#small(join(folder, name)), baseOffset)
      : 'there is none'
    if (typeof entries === 'string') return new TransactionWalk({ ongoing: [], certain: false })
    const ongoing = entries
      .filter(entry => entry.currentTxnFirstOffset >= 0)
      .map(entry => [entry.producerId, entry.currentTxnFirstOffset] as const)
    return new TransactionWalk({ ongoing, certain: gapsTo === 0 })
  }

  #small(path: string): Buffer {
    return this.#fs.readFile(path, { max: SNAPSHOT_BYTES_MAX })
  }

  *#readEpochs(files: FolderFiles): Steps<Flaw> {
    const { folder, clean, logStartOffset, topic } = this.#plan
    const path = join(folder, LEADER_EPOCH_FILE)
    if (!files.names.has(LEADER_EPOCH_FILE)) return
    const text = this.#small(path).toString('utf8')
    yield read(text.length)
    const entries = text === '' ? [] : parseEpochs(text)
    if (typeof entries === 'string') {
      yield found(this.#flaw('damage', 'leader-epochs', { path }, `The file ${path} is damaged: ${entries}.`))
      return
    }
    if (entries.length === 0 && !clean) return
    // The metadata log's start is that of its snapshot.
    const start = topic === METADATA_TOPIC ? Infinity : (logStartOffset ?? files.logs[0]?.baseOffset ?? 0)
    this.#epochs = new EpochCheck(entries, start)
  }

  /** Compares the log's end with what the directory says of it. */
  *#ends(): Steps<Flaw> {
    const { clean, durable, folder, recoveryPoint, highWatermark, logStartOffset, gapsTo } = this.#plan
    if (this.#end < durable) yield* this.#missing(folder, this.#end, durable)
    // What is missing is told once.
    const end = (this.#end = Math.max(this.#end, durable))
    const name = this.#name
    const above = this.#epochs?.above(end)
    const path = join(folder, LEADER_EPOCH_FILE)
    if (above !== undefined) {
      const message = `The file ${path} says that epoch ${above.epoch} begins at offset ${above.startOffset}, but the log ends at ${end}.`
      yield found(this.#flaw(clean ? 'damage' : 'note', 'leader-epochs', { path }, message))
    }
    const checkpoint = (what: string, offset: number, type: Flaw['type'] = 'damage') =>
      found(
        this.#flaw(
          type,
          'checkpoint',
          { path: folder, offset },
          `The ${what} of ${name} is ${offset}, but its log ends at ${end}.`,
        ),
      )
    if (clean && this.#plan.listed && recoveryPoint === undefined && end > 0) {
      const message = `The partition ${name} is in no ${RECOVERY_POINT_FILE}, but its log ends at ${end}.`
      yield found(this.#flaw('damage', 'checkpoint', { path: folder }, message))
    }
    if (clean && recoveryPoint !== undefined && recoveryPoint < end)
      yield checkpoint('recovery point', recoveryPoint)
    if (highWatermark !== undefined && clean && highWatermark > end)
      yield checkpoint('high watermark', highWatermark)
    // So it may be in a Kafka of several replicas.
    if (highWatermark !== undefined && clean && highWatermark < end)
      yield checkpoint('high watermark', highWatermark, 'note')
    if (logStartOffset !== undefined && logStartOffset > end)
      yield checkpoint('log start offset', logStartOffset)
    if (typeof gapsTo === 'number' && gapsTo > end && clean) yield checkpoint('cleaner offset', gapsTo)
  }

  *#snapshots(files: FolderFiles): Steps<Flaw> {
    const { folder, clean } = this.#plan
    for (const offset of files.snapshots) {
      const path = join(folder, segmentFileName(offset, SNAPSHOT_SUFFIX))
      const bytes = this.#small(path)
      const entries = readSnapshot(bytes, offset)
      const lie = typeof entries === 'string' ? entries : undefined
      if (lie !== undefined) {
        // One that a crash has cut is made anew.
        const torn = !clean && offset >= this.#plan.durable
        yield found(
          this.#flaw(
            torn ? 'note' : 'damage',
            'producer-snapshot',
            { path },
            `The snapshot ${path} is damaged: ${lie}.`,
          ),
        )
      } else if (offset > this.#end) {
        const message = `The snapshot ${path} is of offset ${offset}, but the log ends at ${this.#end}.`
        yield found(this.#flaw(clean ? 'damage' : 'note', 'producer-snapshot', { path }, message))
      }
      yield read(bytes.length)
    }
  }

  *#missing(path: string, from: number, to: number): Steps<Flaw> {
    const { durable, clean } = this.#plan
    const type = clean || from < durable ? 'damage' : 'note'
    const message = `The offsets ${from} to ${to - 1} of ${this.#name} are in no file.`
    yield found(this.#flaw(type, 'missing-data', { path, offset: from }, message))
  }

  get #name(): string {
    return `${this.#plan.topic}-${this.#plan.partition}`
  }

  readonly #flaw = (type: Flaw['type'], kind: FlawKind, place: FlawPlace, message: string): Flaw => {
    const { topic, partition } = this.#plan
    return { type, kind, ...(topic === '' ? {} : { topic, partition }), ...place, message }
  }
}
