import type { ModelState } from './model-state.ts'
import { require } from './property.ts'
import type { Found } from './stamp.ts'

/**
 * The order of a log's records: offsets continue, batches are whole, those of each sender come in the order in which
 * they were sent, each once, and those of an idempotent producer without a gap.
 */
export class ScanOrder {
  readonly #name: string
  readonly #state: ModelState
  /** By producer, -1 for those without: the batch that came last. */
  readonly #last = new Map<number, number>()
  #before: Found | undefined

  constructor(name: string, state: ModelState) {
    this.#name = name
    this.#state = state
  }

  /** @param partial whether the record may be in the middle of its batch: the log starts there. */
  take(record: Found, { partial = false } = {}): void {
    const before = this.#before
    this.#before = record
    const inBatch =
      before !== undefined &&
      record.marker === undefined &&
      record.seq === before.seq &&
      record.index === before.index + 1
    if (before !== undefined) {
      const begins = record.index === 0 && before.index === before.count - 1
      require(record.offset === before.offset + 1 && (inBatch || begins), () =>
        `${this.#name}: batch ${record.seq}.${record.index} at offset ${record.offset} follows ` +
        `${before.seq}.${before.index} at ${before.offset}`)
    } else {
      require(record.index === 0 || partial, () =>
        `${this.#name}: batch ${record.seq} starts with record ${record.index}`)
    }
    if (!inBatch && record.marker === undefined) this.#next(record)
  }

  /** There is nothing behind the record that came last. */
  end(): void {
    const last = this.#before
    require(last === undefined || last.index === last.count - 1, () =>
      `${this.#name}: batch ${last?.seq} is there only in part`)
  }

  #next({ seq, offset }: Found): void {
    const batch = this.#state.batches[seq]
    if (batch === undefined) return
    const { producer } = batch
    const last = this.#last.get(producer) ?? -1
    this.#last.set(producer, seq)
    require(seq > last, () =>
      `${this.#name}: batch ${seq} at offset ${offset} follows batch ${last} of the same sender`)
    const previous = this.#state.batches[last]
    if (producer < 0 || previous?.epoch !== batch.epoch) return
    require(batch.sequence === previous.sequence + previous.count, () =>
      `${this.#name}: sequence ${batch.sequence} at offset ${offset} follows ${previous.sequence} of ${previous.count}`)
  }
}
