import { checkBatch, isControl, readAttributes, readLastOffset, recordsOf } from '@varve/records'
import { readMetadataRecord, type MetadataRecord } from '@varve/protocol'
import type { ClusterImage } from './cluster-image.ts'

/**
 * Takes batches of `__cluster_metadata` into an image. Records between Begin- and EndTransaction count at its end, all
 * or none; control batches (leader changes, snapshot header and footer) are passed over.
 */
export class MetadataReplay {
  readonly image: ClusterImage
  #transaction: MetadataRecord[] | undefined

  constructor(image: ClusterImage) {
    this.image = image
  }

  /** Whether a transaction has begun and not ended: its writer died in it. */
  get inTransaction(): boolean {
    return this.#transaction !== undefined
  }

  /**
   * @param from records below this offset are passed over
   * @returns the offset behind the last record
   * @throws `CORRUPT_MESSAGE`
   */
  batches(bytes: Buffer, from = 0): number {
    let next = from
    for (let at = 0; at < bytes.length;) {
      const size = checkBatch(bytes, at)
      if (!isControl(readAttributes(bytes, at))) {
        for (const { offset, value } of recordsOf(bytes, at))
          if (offset >= from && value !== null) this.#record(readMetadataRecord(value))
      }
      next = Math.max(next, readLastOffset(bytes, at) + 1)
      at += size
    }
    return next
  }

  #record(record: MetadataRecord): void {
    if (record.known && record.name === 'BeginTransactionRecord') {
      this.#transaction = []
    } else if (record.known && record.name === 'EndTransactionRecord') {
      const records = this.#transaction ?? []
      this.#transaction = undefined
      for (const one of records) this.image.replay(one)
    } else if (record.known && record.name === 'AbortTransactionRecord') {
      this.#transaction = undefined
    } else if (this.#transaction === undefined) {
      this.image.replay(record)
    } else {
      this.#transaction.push(record)
    }
  }
}
