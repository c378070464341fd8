import type { AbortedTxn } from './aborted-txn.ts'
import type { CompletedTxn, ProducerUpdates } from './producer-append-info.ts'
import { emptyEntry, type ProducerStateEntry } from './producer-state-entry.ts'

/** A transaction whose marker is written and not visible yet. */
interface UnreplicatedTxn {
  readonly firstOffset: number
  readonly lastOffset: number
}

/** Producers of failed first batches that are remembered. */
const FAILED_MAX = 1000

/**
 * What a log knows of its producers and transactions: what is written, and beside it what has offsets and is still on
 * its way, so that batches in flight count when the next ones are judged. When a write fails, everything that has
 * offsets fails with it, and what is on its way is forgotten at once.
 *
 * Source: apache/kafka, org.apache.kafka.storage.internals.log.ProducerStateManager.
 */
export class ProducerStateManager {
  // Without producers, as in most partitions, none of these is ever made.
  #written: Map<number, ProducerStateEntry> | undefined
  #inFlight: Map<number, ProducerStateEntry> | undefined
  /** Ongoing transactions in the order of their first offsets: producer ids by first offset. */
  #ongoing: Map<number, number> | undefined
  /** In the order of their markers. */
  #unreplicated: UnreplicatedTxn[] | undefined
  /** The first sequences that failed of producers of whom the log knows nothing. */
  #failed: Map<number, { epoch: number; sequence: number }> | undefined

  get isEmpty(): boolean {
    return this.#written === undefined || this.#written.size === 0
  }

  /** The entry as everything that has offsets leaves it. */
  entryOf(producerId: number): ProducerStateEntry | undefined {
    return this.#inFlight?.get(producerId) ?? this.#written?.get(producerId)
  }

  /** The first sequence of an unknown producer that could not be written, as long as nothing of it was. */
  failedSequence(producerId: number, epoch: number): number | undefined {
    const failed = this.#failed?.get(producerId)
    return failed?.epoch === epoch ? failed.sequence : undefined
  }

  /** The entries as the log's end leaves them, as a list that does not change any more. */
  entries(): ProducerStateEntry[] {
    return this.#written === undefined ? [] : [...this.#written.values()]
  }

  /** The append has offsets. */
  assigned(updates: ProducerUpdates): void {
    this.#inFlight ??= new Map()
    for (const { entry } of updates) this.#inFlight.set(entry.producerId, entry)
  }

  /** The append is written. Answers the transactions that it aborted, in order. */
  written(updates: ProducerUpdates): AbortedTxn[] {
    const aborted: AbortedTxn[] = []
    const written = (this.#written ??= new Map<number, ProducerStateEntry>())
    for (const { entry, completed } of updates) {
      const { producerId } = entry
      const before = written.get(producerId)
      written.set(producerId, entry)
      this.#failed?.delete(producerId)
      if (this.#inFlight?.get(producerId) === entry) this.#inFlight.delete(producerId)
      const firstOffset = entry.currentTxnFirstOffset
      if (firstOffset >= 0 && firstOffset !== before?.currentTxnFirstOffset)
        (this.#ongoing ??= new Map()).set(firstOffset, producerId)
      if (completed === undefined) continue
      if (completed.aborted) aborted.push({ ...completed, lastStableOffset: this.#stableBehind(completed) })
      this.#ongoing?.delete(completed.firstOffset)
      const { lastOffset } = completed
      ;(this.#unreplicated ??= []).push({ firstOffset: completed.firstOffset, lastOffset })
    }
    return aborted
  }

  /** Everything that has offsets and is not written failed. */
  failed(pending: Iterable<ProducerUpdates | undefined>): void {
    for (const updates of pending) {
      for (const { entry, firstSequence } of updates ?? [])
        this.refused(entry.producerId, entry.producerEpoch, firstSequence)
    }
    this.#inFlight = undefined
  }

  /**
   * A batch was not taken for a reason that may pass. What follows it must not be taken in its place, although nothing
   * is known of its producer.
   */
  refused(producerId: number, epoch: number, sequence: number): void {
    if (sequence < 0 || this.#written?.has(producerId) === true) return
    const failed = (this.#failed ??= new Map<number, { epoch: number; sequence: number }>())
    const known = failed.get(producerId)
    if (known?.epoch === epoch && known.sequence <= sequence) return
    failed.delete(producerId)
    failed.set(producerId, { epoch, sequence })
    if (failed.size <= FAILED_MAX) return
    for (const oldest of failed.keys()) {
      failed.delete(oldest)
      return
    }
  }

  /**
   * The first offset whose fate is open: of an ongoing transaction, or of one whose marker is not below the high
   * watermark yet.
   */
  firstUnstableOffset(highWatermark: number): number | undefined {
    let first: number | undefined
    for (const offset of this.#ongoing?.keys() ?? []) {
      first = offset
      break
    }
    const unreplicated = this.#unreplicated
    if (unreplicated === undefined) return first
    while (unreplicated[0] !== undefined && unreplicated[0].lastOffset < highWatermark) unreplicated.shift()
    for (const { firstOffset } of unreplicated)
      if (first === undefined || firstOffset < first) first = firstOffset
    if (unreplicated.length === 0) this.#unreplicated = undefined
    return first
  }

  /** Starts from the entries of a snapshot. */
  load(entries: readonly ProducerStateEntry[]): void {
    this.#written = this.#inFlight = this.#ongoing = this.#unreplicated = this.#failed = undefined
    if (entries.length === 0) return
    this.#written = new Map(entries.map(entry => [entry.producerId, entry]))
    const ongoing = entries.filter(entry => entry.currentTxnFirstOffset >= 0)
    if (ongoing.length === 0) return
    ongoing.sort((a, b) => a.currentTxnFirstOffset - b.currentTxnFirstOffset)
    this.#ongoing = new Map(ongoing.map(entry => [entry.currentTxnFirstOffset, entry.producerId]))
  }

  /**
   * Forgets producers that were not seen for `expirationMs`, but none of which a transaction is open or a batch on its
   * way. Answers how many.
   */
  expire(now: number, expirationMs: number): number {
    let expired = 0
    for (const entry of this.#written?.values() ?? []) {
      if (entry.currentTxnFirstOffset >= 0 || now - entry.seenAt < expirationMs) continue
      if (this.#inFlight?.has(entry.producerId) === true) continue
      this.#written?.delete(entry.producerId)
      expired++
    }
    if (this.isEmpty) this.#written = undefined
    return expired
  }

  /** The entry that a batch found in the log changes. */
  knownOrEmpty(producerId: number): ProducerStateEntry {
    return this.#written?.get(producerId) ?? emptyEntry(producerId)
  }

  /** Up to where everything is decided once `completed` is: the first other ongoing transaction, or the marker's end. */
  #stableBehind(completed: CompletedTxn): number {
    for (const [firstOffset, producerId] of this.#ongoing ?? [])
      if (producerId !== completed.producerId) return firstOffset
    return completed.lastOffset + 1
  }
}
