import type { LogState } from '../partition/log-state.ts'
import type { LogSegment } from '../segment/log-segment.ts'
import type { AbortedTxn } from './aborted-txn.ts'
import { ProducerStateManager } from './producer-state-manager.ts'
import { replayProducers } from './producer-replay.ts'
import { TransactionIndex } from './transaction-index.ts'

/** The aborted transactions of a log, by the segments that their markers lie in. */
export class AbortedTransactions {
  readonly #state: LogState
  // Most logs have none.
  #indexes: Map<number, TransactionIndex> | undefined
  #loading: Map<number, Promise<TransactionIndex>> | undefined
  /** All of markers from here on are in memory. */
  #knownFrom = 0
  /** Whether a file may be behind. */
  #changed = false
  #saving: Promise<void> | undefined

  constructor(state: LogState) {
    this.#state = state
  }

  /**
   * Takes over which segments have a file.
   *
   * @param knownFrom markers from here on are replayed
   */
  loaded(baseOffsets: readonly number[], knownFrom: number): void {
    this.#indexes = undefined
    this.#knownFrom = knownFrom
    this.#changed = knownFrom < this.#state.logEndOffset
    for (const baseOffset of baseOffsets) this.#indexOf(baseOffset)
  }

  /**
   * Lets go of what a power cut left in the newest file: markers above the log's end, or nothing that makes sense. Kafka
   * would believe it, and refuse the next marker.
   */
  async dropAbove(end: number): Promise<void> {
    const segment = this.#state.segments.floor(end - 1)
    if (segment === undefined) return
    const index = this.#indexes?.get(segment.baseOffset)
    // A complete one is written anew anyway.
    if (index === undefined || index.complete) return
    const read = await index.read(this.#state.context.vfs, Number.MAX_SAFE_INTEGER)
    if (read === undefined) {
      await this.#rebuild(segment, index, undefined)
      return
    }
    if (read.every(txn => txn.lastOffset < end)) return
    const older = read.filter(txn => txn.lastOffset < this.#knownFrom)
    index.complement(older, index.entries, { verified: false })
    index.saved = -1
    index.synced = false
    this.#changed = true
  }

  append(segment: LogSegment, txn: AbortedTxn): void {
    this.#indexOf(segment.baseOffset).append(txn)
    this.#changed = true
  }

  /**
   * Those that touch the offsets from `from` to below `to`. As Kafka's `LogSegments.collectAbortedTxns`: from segment to
   * segment, until an entry says that everything below `to` was decided.
   */
  async collect(from: number, to: number): Promise<AbortedTxn[]> {
    const found: AbortedTxn[] = []
    if (this.#indexes === undefined) return found
    const { segments } = this.#state
    for (let segment = segments.floor(from); segment !== undefined; segment = segments.after(segment)) {
      const index = this.#indexes.get(segment.baseOffset)
      if (index === undefined) continue
      for (const txn of index.verified ? index.entries : (await this.#verified(segment, index)).entries) {
        if (txn.lastOffset >= from && txn.firstOffset < to) found.push(txn)
        if (txn.lastStableOffset >= to) return found
      }
    }
    return found
  }

  /** Whether a file may lack something. */
  get isChanged(): boolean {
    return this.#changed && this.#indexes !== undefined
  }

  /** Writes what the files lack. Before a snapshot is written, what lies below it is synced. */
  save({ sync }: { sync: boolean }): Promise<void> {
    if (this.#indexes === undefined) return Promise.resolve()
    const saved = (this.#saving ?? Promise.resolve()).then(() => this.#save(sync))
    this.#saving = saved.catch(() => undefined)
    return saved
  }

  /** Answers the path of the file that goes with its segment, if it has one, and knows it no longer. */
  forget(baseOffset: number): string | undefined {
    const index = this.#indexes?.get(baseOffset)
    this.#indexes?.delete(baseOffset)
    if (this.#indexes?.size === 0) this.#indexes = undefined
    return index?.path
  }

  #indexOf(baseOffset: number): TransactionIndex {
    const indexes = (this.#indexes ??= new Map<number, TransactionIndex>())
    let index = indexes.get(baseOffset)
    if (index === undefined) {
      index = new TransactionIndex(this.#state.folder, baseOffset, {
        complete: baseOffset >= this.#knownFrom,
      })
      indexes.set(baseOffset, index)
    }
    return index
  }

  /** Whether the file may be behind: markers of the segment were replayed or written, or the file is not believed. */
  #isChanged(index: TransactionIndex): boolean {
    if (index.isSaved) return false
    if (index.complete || index.entries.length > 0) return true
    const next = this.#state.segments.floor(index.baseOffset)
    return next?.baseOffset === index.baseOffset && this.#state.endOffsetOf(next) > this.#knownFrom
  }

  async #save(sync: boolean): Promise<void> {
    const { context, segments } = this.#state
    let created = false
    this.#changed = false
    for (const index of [...(this.#indexes?.values() ?? [])]) {
      const changed = this.#isChanged(index)
      if (!changed && (!sync || index.synced || index.saved < 0)) continue
      const segment = segments.floor(index.baseOffset)
      if (segment?.baseOffset !== index.baseOffset) continue
      if (!index.complete) await this.#complete(segment, index)
      created ||= index.saved <= 0
      await index.save(context.vfs, { sync }).catch((error: unknown) => {
        this.#changed = true
        throw error
      })
    }
    if (created && sync) await context.vfs.syncDir(this.#state.folder)
  }

  /** Adds what only the file knows. */
  async #complete(segment: LogSegment, index: TransactionIndex): Promise<void> {
    const older = await this.#readOlder(segment, index)
    if (older === undefined) await this.#rebuild(segment, index, undefined)
    else if (!index.complete) index.complement(older, index.entries, { verified: false })
  }

  async #readOlder(segment: LogSegment, index: TransactionIndex): Promise<AbortedTxn[] | undefined> {
    const read = await index.read(this.#state.context.vfs, this.#state.endOffsetOf(segment))
    return read?.filter(txn => txn.lastOffset < this.#knownFrom)
  }

  async #verified(segment: LogSegment, index: TransactionIndex): Promise<TransactionIndex> {
    const loading = (this.#loading ??= new Map<number, Promise<TransactionIndex>>())
    let verified = loading.get(segment.baseOffset)
    if (verified === undefined) {
      verified = this.#verify(segment, index).finally(() => {
        loading.delete(segment.baseOffset)
        if (loading.size === 0) this.#loading = undefined
      })
      loading.set(segment.baseOffset, verified)
    }
    return verified
  }

  /** An entry has no checksum: what it says is compared with the log, once. */
  async #verify(segment: LogSegment, index: TransactionIndex): Promise<TransactionIndex> {
    const older = index.complete
      ? index.entries.filter(txn => txn.lastOffset < this.#knownFrom)
      : await this.#readOlder(segment, index)
    // Where the cleaner was, the log no longer says what the index knew.
    if (this.#state.gaps && older !== undefined) {
      if (index.entries.length === 0) index.saved = older.length
      if (!index.complete) index.complement(older, index.entries, { verified: true })
      index.verified = true
      return index
    }
    await this.#rebuild(segment, index, older)
    return index
  }

  /**
   * Makes the older entries anew from the log. Where that is damaged it tells less than they do: then they stay, if they
   * make sense by themselves.
   */
  async #rebuild(
    segment: LogSegment,
    index: TransactionIndex,
    older: readonly AbortedTxn[] | undefined,
  ): Promise<void> {
    const state = this.#state
    const { snapshots, context } = state
    const manager = new ProducerStateManager()
    let from = state.segments.first?.baseOffset ?? segment.baseOffset
    for (const offset of snapshots.offsets.toReversed()) {
      if (offset > segment.baseOffset) continue
      if (offset < from) break
      const entries = await snapshots.read(offset)
      if (entries === undefined) continue
      manager.load(entries)
      from = offset
      break
    }
    const rebuilt: AbortedTxn[] = []
    const { damaged } = await replayProducers(state, {
      manager,
      from,
      to: Math.min(state.endOffsetOf(segment), this.#knownFrom),
      verifyBelow: Number.MAX_SAFE_INTEGER,
      seenAt: 0,
      aborted: (of, txn) => {
        if (of === segment) rebuilt.push(txn)
      },
    })
    const trusted = damaged && older !== undefined ? older : rebuilt
    if (older === undefined || !sameTxns(older, trusted)) {
      context.logger.warn({ path: index.path }, 'A transaction index did not fit its log; it was made anew.')
      index.saved = -1
      index.synced = false
      this.#changed = true
    } else if (!index.complete && index.entries.length === 0) index.saved = older.length
    const known = index.entries.filter(txn => txn.lastOffset >= this.#knownFrom)
    index.complement(trusted, known, { verified: true })
  }
}

function sameTxns(left: readonly AbortedTxn[], right: readonly AbortedTxn[]): boolean {
  return (
    left.length === right.length &&
    left.every((txn, at) => {
      const other = right[at]
      return (
        txn.producerId === other?.producerId &&
        txn.firstOffset === other.firstOffset &&
        txn.lastOffset === other.lastOffset &&
        txn.lastStableOffset === other.lastStableOffset
      )
    })
  )
}
