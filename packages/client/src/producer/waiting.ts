import type { HeaderInput } from '@varve/records'
import type { Bytes } from './record.ts'
import type { Sink } from './sink.ts'

/** A record that has no batch yet: its topic is being looked up, or the buffer is full. It has its own copy of the bytes. */
export interface WaitingRecord {
  readonly key: Bytes
  readonly value: Bytes
  readonly headers: readonly HeaderInput[]
  readonly timestamp: number
  readonly partition: number | undefined
  readonly sink: Sink
  readonly slot: number
  readonly number: number
  /** The clock's `monotonic` when it came. */
  readonly createdAt: number
}

/** First in, first out, at constant cost a record. */
export class WaitingRecords {
  #records: (WaitingRecord | undefined)[] = []
  #head = 0
  /** The topic is being looked up. */
  loading = false

  get first(): WaitingRecord | undefined {
    return this.#records[this.#head]
  }

  push(record: WaitingRecord): void {
    this.#records.push(record)
  }

  shift(): WaitingRecord | undefined {
    const record = this.#records[this.#head]
    if (record === undefined) return undefined
    this.#records[this.#head++] = undefined
    if (this.#head > 1024 && this.#head * 2 > this.#records.length) {
      this.#records = this.#records.slice(this.#head)
      this.#head = 0
    }
    return record
  }
}
