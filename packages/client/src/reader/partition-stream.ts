import { VarveError } from '@varve/platform'
import type { FetchResult, Isolation } from '@varve/engine'
import type { ConsumerRecord } from '../api.ts'
import type { ClientContext } from '../context.ts'
import { retrying } from '../retry.ts'
import { prepareBatches, RecordCursor } from './record-cursor.ts'
import type { RecordDecoder } from './record-decoder.ts'
import { endOf, outOfRange } from './resolve.ts'

const FETCH_MS_MAX = 60_000
const WAIT_MS_MAX = 1000

export interface PartitionStreamOptions<K, V> {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** The first offset that is wanted. */
  readonly position: number
  /** The first offset that is not wanted any more; Infinity for none. */
  readonly until: number
  readonly decoder: RecordDecoder<K, V>
  readonly control: boolean
  readonly isolation: Isolation
  /** Bytes of one fetch. Two may be held: one that is handed out, one ahead. */
  readonly fetchBytesMax: number
  readonly signal: AbortSignal
}

interface Fetched<K, V> {
  readonly cursor: RecordCursor<K, V>
  readonly nextOffset: number
}

/** The records of one partition from a position up to another, fetched one chunk ahead. */
export class PartitionStream<K, V> {
  readonly partition: number
  readonly #context: ClientContext
  readonly #options: PartitionStreamOptions<K, V>
  #cursor: RecordCursor<K, V> | undefined
  #position: number
  #ahead: Promise<Fetched<K, V> | undefined> | undefined

  constructor(context: ClientContext, options: PartitionStreamOptions<K, V>) {
    this.#context = context
    this.#options = options
    this.partition = options.partition
    this.#position = options.position
  }

  /** The next record of what has been fetched; `undefined` when `fill` has to be called. */
  next(): ConsumerRecord<K, V> | undefined {
    return this.#cursor?.next()
  }

  /** Whether more can come. */
  get open(): boolean {
    return this.#position < this.#options.until
  }

  /**
   * Gets the next chunk; false when there is none.
   *
   * @param waitMs what the broker may wait for the first byte
   */
  async fill(waitMs = 0): Promise<boolean> {
    const ahead = this.#ahead ?? this.#fetch(waitMs)
    this.#ahead = undefined
    const fetched = await ahead
    this.#cursor = fetched?.cursor
    if (fetched === undefined) return false
    const moved = fetched.nextOffset > this.#position
    this.#position = fetched.nextOffset
    // Damage in the first header: the cursor will say so, and asking ahead would bring the same bytes again.
    if (moved && this.open && waitMs === 0) {
      this.#ahead = this.#fetch(0)
      this.#ahead.catch(() => undefined) // told when its turn comes
    }
    return true
  }

  async #fetch(waitMs: number): Promise<Fetched<K, V> | undefined> {
    if (!this.open) return undefined
    const { topic, partition, until, decoder, control, isolation } = this.#options
    const position = this.#position
    const result = await this.#ask(position, waitMs)
    const { batches, error, logStartOffset, abortedTransactions } = result
    const highWatermark = endOf(result, isolation)
    if (error !== undefined && batches.length === 0) {
      if (error.code !== 'OFFSET_OUT_OF_RANGE') throw error
      const bounds = { topic, partition, logStartOffset, highWatermark }
      throw outOfRange(bounds, position, 'read from start to take what is left')
    }
    if (batches.length === 0) {
      if (waitMs > 0 || position >= highWatermark) return undefined
      throw noProgress(topic, partition, position, highWatermark)
    }
    const nextOffset = await prepareBatches(batches, position)
    return {
      cursor: new RecordCursor({
        ...{ topic, partition, batches, position, until, decoder, control },
        abortedTransactions,
      }),
      nextOffset,
    }
  }

  async #ask(offset: number, waitMs: number): Promise<FetchResult> {
    const { topic, topicId, partition, isolation, fetchBytesMax, signal } = this.#options
    const deadline = this.#context.clock.monotonic() + FETCH_MS_MAX
    return retrying(this.#context, { deadline, signal }, async () => {
      const [result] = await this.#context.broker.fetch({
        partitions: [{ topic, topicId, partition, offset }],
        maxBytes: fetchBytesMax,
        minBytes: waitMs > 0 ? 1 : 0,
        maxWaitMs: Math.min(waitMs, WAIT_MS_MAX),
        isolation,
        signal,
      })
      if (result === undefined) throw noProgress(topic, partition, offset, -1)
      if (result.error?.retriable === true && result.batches.length === 0) throw result.error
      return result
    })
  }
}

function noProgress(topic: string, partition: number, offset: number, max: number): VarveError {
  return new VarveError(
    'UNKNOWN_SERVER_ERROR',
    `The broker gave nothing at offset ${offset} of partition ${partition} of topic '${topic}', which ends at ${max}.`,
    { context: { topic, partition, offset, max } },
  )
}
