import type { ConsumerRecord } from '../api.ts'
import type { RecordCursor } from '../reader/record-cursor.ts'

interface Chunk<K, V> {
  readonly cursor: RecordCursor<K, V>
  readonly bytes: number
}

export interface AssignedPartitionOptions {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** The next offset to read. */
  readonly position: number
  /** What the group has committed; -1 for nothing. */
  readonly committed: number
  /** The first offset that is not wanted any more; Infinity for none. */
  readonly until: number
  readonly highWatermark: number
}

/** A partition that is this consumer's: what it has fetched ahead, and how far fetch, hand-out, handler and commit are. */
export class AssignedPartition<K, V> {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly until: number
  /** The next offset to ask the broker for. */
  fetchPosition: number
  /** The offset after the last record that was handed out. */
  delivered: number
  /** The offset after the last record whose loop body has ended. */
  handled: number
  committed: number
  highWatermark: number
  leaderEpoch = -1
  /** Bytes fetched and not handed out yet. */
  buffered = 0
  /** A fetch is on its way, or it waits before it tries again. */
  fetching = false
  attempts = 0
  /** Comes after what is buffered. */
  error: unknown
  /** False once it is another member's: what still arrives for it is thrown away. */
  owned = true
  readonly #chunks: Chunk<K, V>[] = []

  constructor(options: AssignedPartitionOptions) {
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.until = options.until
    this.fetchPosition = options.position
    this.delivered = options.position
    this.handled = options.position
    this.committed = options.committed
    this.highWatermark = options.highWatermark
  }

  /** Chunks fetched ahead. */
  get chunks(): number {
    return this.#chunks.length
  }

  /** Whether `next` has something to say. */
  get ready(): boolean {
    return this.#chunks.length > 0 || this.error !== undefined
  }

  /** Everything up to `until` has been handed out. */
  get finished(): boolean {
    return this.#chunks.length === 0 && this.fetchPosition >= this.until
  }

  push(cursor: RecordCursor<K, V>, bytes: number): void {
    this.#chunks.push({ cursor, bytes })
    this.buffered += bytes
  }

  /**
   * The next record of the chunk in front; `undefined` at its end, so that other partitions get their turn.
   *
   * @throws what the cursor or the fetch has failed with, after everything before it
   */
  next(): ConsumerRecord<K, V> | undefined {
    const chunk = this.#chunks[0]
    if (chunk === undefined) {
      if (this.error !== undefined) throw this.error as Error
      return undefined
    }
    const record = chunk.cursor.next()
    this.leaderEpoch = chunk.cursor.leaderEpoch
    if (record !== undefined) {
      this.delivered = record.offset + 1
      return record
    }
    // What was passed over (markers, gaps) needs no loop body.
    if (this.handled === this.delivered) this.handled = Math.max(this.handled, chunk.cursor.position)
    this.delivered = Math.max(this.delivered, chunk.cursor.position)
    this.#chunks.shift()
    this.buffered -= chunk.bytes
    return undefined
  }

  /** Everything that was handed out is done with. */
  handledAll(): void {
    this.handled = this.delivered
  }
}
