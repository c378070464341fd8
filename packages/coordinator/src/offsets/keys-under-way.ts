import type { RecordBytes } from '@varve/protocol'

/** The keys of records that are being written: what they will say is not stored yet. */
export class KeysUnderWay {
  readonly #counts = new Map<string, number>()

  has({ key }: RecordBytes): boolean {
    return this.#counts.has(key.toString('latin1'))
  }

  /** Notes the keys until the returned function is called. */
  add(records: readonly RecordBytes[]): () => void {
    const ids = records.map(({ key }) => key.toString('latin1'))
    for (const id of ids) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1)
    return () => {
      for (const id of ids) {
        const left = (this.#counts.get(id) ?? 1) - 1
        if (left > 0) this.#counts.set(id, left)
        else this.#counts.delete(id)
      }
    }
  }
}
