import {
  BatchReader,
  CONTROL_TYPES,
  controlTypeOf,
  isControl,
  isTransactional,
  readAttributes,
  readProducerId,
} from '@varve/records'
import type { BatchSpan } from '../segment/segment-scanner.ts'
import { ABORTED_TXN_SIZE, readAbortedTxn, type AbortedTxn } from '../producer/aborted-txn.ts'
import type { EntryFile } from './entry-file.ts'
import type { IndexProblem } from './index-check.ts'

/** Follows the transactions of a partition by its batches, and says which of them were aborted. */
export class TransactionWalk {
  /** First offsets by producer id. */
  readonly #ongoing: Map<number, number>
  readonly #reader = new BatchReader()
  /** False where the log's beginning, or a part of it, is not known. */
  certain: boolean

  constructor(begin: { ongoing: Iterable<readonly [number, number]>; certain: boolean }) {
    this.#ongoing = new Map(begin.ongoing)
    this.certain = begin.certain
  }

  /** The transaction that this batch aborts; its first offset is -1 where it is not known. */
  batch(span: BatchSpan, bytes: Buffer): AbortedTxn | undefined {
    const attributes = readAttributes(bytes, 0)
    if (!isTransactional(attributes)) return undefined
    const producerId = readProducerId(bytes, 0)
    const firstOffset = this.#ongoing.get(producerId)
    if (!isControl(attributes)) {
      if (firstOffset === undefined) this.#ongoing.set(producerId, span.baseOffset)
      return undefined
    }
    this.#ongoing.delete(producerId)
    const lastOffset = span.lastOffset
    if (!this.#isAbort(bytes) || (firstOffset === undefined && this.certain)) return undefined
    let lastStableOffset = lastOffset + 1
    for (const first of this.#ongoing.values()) lastStableOffset = Math.min(lastStableOffset, first)
    return { producerId, firstOffset: firstOffset ?? -1, lastOffset, lastStableOffset }
  }

  #isAbort(bytes: Buffer): boolean {
    this.#reader.open(bytes)
    if (!this.#reader.advance()) return false
    return (CONTROL_TYPES as Record<number, string>)[controlTypeOf(this.#reader.key)] === 'abort'
  }
}

/** Each entry of a `.txnindex` is a transaction whose ABORT marker lies in the segment. */
export class TransactionIndexCheck {
  readonly #file: EntryFile | undefined
  #slot = 0

  constructor(file: EntryFile | undefined) {
    this.#file = file
  }

  *aborted(wanted: AbortedTxn, certain: boolean): Generator<IndexProblem> {
    const entry = this.#next()
    const what = `the transaction of producer ${wanted.producerId} that ends at offset ${wanted.lastOffset}`
    if (entry === undefined || typeof entry === 'string' || entry.lastOffset > wanted.lastOffset) {
      // Behind damage and below a log's start nobody knows whether the marker ended anything.
      if (certain)
        yield {
          ...this.#problem(typeof entry === 'string' ? entry : `is missing: ${what}`, entry === undefined),
          offset: wanted.lastOffset,
          lags: entry === undefined,
        }
      if (typeof entry === 'string') this.#slot++
      return
    }
    const { firstOffset } = wanted
    const same =
      entry.producerId === wanted.producerId &&
      entry.lastOffset === wanted.lastOffset &&
      (firstOffset < 0 || entry.firstOffset === firstOffset) &&
      entry.firstOffset <= entry.lastOffset &&
      (!certain || entry.lastStableOffset === wanted.lastStableOffset)
    if (!same) {
      const { producerId, lastStableOffset } = entry
      const problem = this.#problem(
        `(producer ${producerId}, offsets ${entry.firstOffset} to ${entry.lastOffset}, last stable offset ${lastStableOffset}) is not ${what}`,
      )
      yield { ...problem, offset: wanted.lastOffset }
    }
    this.#slot++
  }

  *leftOver(): Generator<IndexProblem> {
    const entry = this.#next()
    const file = this.#file
    if (typeof entry === 'string') yield this.#problem(entry)
    else if (entry !== undefined) yield this.#problem('has no ABORT marker in the segment', true)
    else if (file !== undefined && file.size > this.#slot * ABORTED_TXN_SIZE)
      yield this.#problem('is no whole entry', true)
  }

  /** Passes over what ends below `offset`. */
  skipTo(offset: number): void {
    for (let entry = this.#next(); entry !== undefined; entry = this.#next()) {
      if (typeof entry !== 'string' && entry.lastOffset >= offset) return
      this.#slot++
    }
  }

  #next(): AbortedTxn | string | undefined {
    const bytes = this.#file?.at(this.#slot)
    return bytes === undefined ? undefined : (readAbortedTxn(bytes, 0) ?? 'is of no version that is known')
  }

  #problem(message: string, unfinished = false): IndexProblem {
    const position = this.#slot * ABORTED_TXN_SIZE
    return { position, message: `is wrong: entry ${this.#slot} ${message}`, unfinished }
  }
}
