interface PendingRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** Records of `__consumer_offsets` that transactions wrote: they count when their marker says commit. */
export class PendingTransactions {
  readonly #byProducer = new Map<number, PendingRecord[]>()

  /** Copies the bytes, which may be views of a whole fetch. */
  add(producerId: number, { key, value }: PendingRecord): void {
    const record = { key: key && Buffer.from(key), value: value && Buffer.from(value) }
    const records = this.#byProducer.get(producerId)
    if (records === undefined) this.#byProducer.set(producerId, [record])
    else records.push(record)
  }

  /** What the producer's transaction wrote, which ends here. */
  take(producerId: number): readonly PendingRecord[] {
    const records = this.#byProducer.get(producerId) ?? []
    this.#byProducer.delete(producerId)
    return records
  }
}
