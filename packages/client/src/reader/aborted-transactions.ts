import type { AbortedTransaction } from '@varve/engine'
import {
  BatchReader,
  CONTROL_TYPES,
  controlTypeOf,
  isControl,
  isTransactional,
  readAttributes,
  readLastOffset,
  readProducerId,
} from '@varve/records'

/**
 * Which batches of a fetch belong to aborted transactions. The broker names those transactions by producer and first
 * offset; each is aborted from there up to its producer's ABORT marker. Batches have to be asked about in their order, each
 * once. Source: apache/kafka, org.apache.kafka.clients.consumer.internals.CompletedFetch.
 */
export class AbortedTransactions {
  readonly #begins: readonly AbortedTransaction[]
  readonly #marker = new BatchReader()
  readonly #producerIds = new Set<number>()
  #begun = 0

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#begins = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Whether the batch at `at`, which has been checked, is hidden from a reader of committed records. */
  hides(batches: Buffer, at: number): boolean {
    if (this.#begun === this.#begins.length && this.#producerIds.size === 0) return false
    const producerId = readProducerId(batches, at)
    if (producerId < 0) return false
    const lastOffset = readLastOffset(batches, at)
    for (;;) {
      const next = this.#begins[this.#begun]
      if (next === undefined || next.firstOffset > lastOffset) break
      this.#producerIds.add(next.producerId)
      this.#begun++
    }
    const attributes = readAttributes(batches, at)
    if (isControl(attributes)) {
      if (this.#isAbort(batches, at)) this.#producerIds.delete(producerId)
      return false
    }
    return isTransactional(attributes) && this.#producerIds.has(producerId)
  }

  /** A marker is alone in its batch; compaction may have taken it out. */
  #isAbort(batches: Buffer, at: number): boolean {
    this.#marker.open(batches, at)
    if (!this.#marker.advance()) return false
    return (CONTROL_TYPES as Record<number, string>)[controlTypeOf(this.#marker.key)] === 'abort'
  }
}
