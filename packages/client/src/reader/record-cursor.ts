import { isVarveError, VarveError } from '@varve/platform'
import {
  BATCH_HEADER_SIZE,
  BatchReader,
  checkBatch,
  codecOf,
  isControl,
  loadCodec,
  readAttributes,
  readBatchSize,
  readLastOffset,
  readLeaderEpoch,
  timestampTypeOf,
  type CodecName,
} from '@varve/records'
import type { AbortedTransaction } from '@varve/engine'
import type { ConsumerRecord } from '../api.ts'
import { AbortedTransactions } from './aborted-transactions.ts'
import type { BatchFacts, RecordDecoder } from './record-decoder.ts'

export interface RecordCursorOptions<K, V> {
  readonly topic: string
  readonly partition: number
  /** Whole batches; the first may begin below `position`. Their codecs must have been loaded. */
  readonly batches: Buffer
  /** The first offset that is wanted. */
  readonly position: number
  /** The first offset that is not wanted any more; Infinity for none. */
  readonly until: number
  readonly decoder: RecordDecoder<K, V>
  /** Hand out control records too. */
  readonly control: boolean
  /** Transactions whose records are left out. Default none. */
  readonly abortedTransactions?: readonly AbortedTransaction[]
}

/**
 * Hands out the records of fetched batches one by one. Each batch is checked (CRC and all) when its turn comes, so that
 * sound records in front of damage are handed out first. Once it has thrown it throws the same again.
 */
export class RecordCursor<K, V> {
  /** The offset after the last record that was handed out or passed over. */
  position: number
  readonly #options: RecordCursorOptions<K, V>
  readonly #reader = new BatchReader()
  readonly #aborted: AbortedTransactions
  #at = 0
  #end = 0
  #lastOffset = -1
  #inBatch = false
  #facts: BatchFacts = { timestampType: 'CreateTime', leaderEpoch: -1 }
  #failure: unknown

  constructor(options: RecordCursorOptions<K, V>) {
    this.#options = options
    this.#aborted = new AbortedTransactions(options.abortedTransactions ?? [])
    this.position = options.position
  }

  get leaderEpoch(): number {
    return this.#facts.leaderEpoch
  }

  /** The next record, `undefined` after the last. @throws `CORRUPT_MESSAGE`, `INVALID_RECORD`, `TOO_LARGE` */
  next(): ConsumerRecord<K, V> | undefined {
    if (this.#failure !== undefined) throw this.#failure as Error
    try {
      return this.#next()
    } catch (error) {
      this.#failure = this.#named(error)
      throw this.#failure as Error
    }
  }

  #next(): ConsumerRecord<K, V> | undefined {
    const { until, topic, partition, decoder } = this.#options
    const reader = this.#reader
    for (;;) {
      if (!this.#inBatch && !this.#openBatch()) return undefined
      while (reader.advance()) {
        if (reader.offset < this.position) continue
        if (reader.offset >= until) {
          this.#stop()
          return undefined
        }
        const record = decoder.decode(topic, partition, reader, this.#facts)
        this.position = reader.offset + 1
        return record
      }
      this.#leaveBatch()
    }
  }

  /** Opens the next batch that has something to hand out; false when there is none. */
  #openBatch(): boolean {
    const { batches, control, until } = this.#options
    while (this.#at < batches.length && this.position < until) {
      this.#end = this.#at + checkBatch(batches, this.#at)
      this.#lastOffset = readLastOffset(batches, this.#at)
      const attributes = readAttributes(batches, this.#at)
      // Asked also for what lies below the position: transactions begin and end there.
      const hidden = this.#aborted.hides(batches, this.#at) || (isControl(attributes) && !control)
      if (this.#lastOffset >= this.position && !hidden) {
        this.#facts = {
          timestampType: timestampTypeOf(attributes),
          leaderEpoch: readLeaderEpoch(batches, this.#at),
        }
        this.#reader.open(batches, this.#at)
        this.#inBatch = true
        return true
      }
      this.#leaveBatch()
    }
    return false
  }

  #leaveBatch(): void {
    this.position = Math.max(this.position, Math.min(this.#lastOffset + 1, this.#options.until))
    this.#at = this.#end
    this.#inBatch = false
  }

  #stop(): void {
    this.position = this.#options.until
    this.#at = this.#options.batches.length
    this.#inBatch = false
  }

  #named(error: unknown): unknown {
    if (!isVarveError(error) || error.context.topic !== undefined) return error
    const { topic, partition } = this.#options
    return new VarveError(
      error.code,
      `Partition ${partition} of topic '${topic}' cannot be read at offset ${this.position}: ${error.message}`,
      { cause: error, context: { ...error.context, topic, partition, offset: this.position } },
    )
  }
}

/**
 * Loads the codecs that the batches use, and says which offset follows them. Stops at what is no batch: the cursor will
 * tell when it gets there.
 */
export async function prepareBatches(batches: Buffer, position: number): Promise<number> {
  const codecs = new Set<CodecName>()
  let next = position
  for (let at = 0; at + BATCH_HEADER_SIZE <= batches.length;) {
    const size = readBatchSize(batches, at)
    if (size < BATCH_HEADER_SIZE || size > batches.length - at) break
    try {
      codecs.add(codecOf(readAttributes(batches, at)))
      next = Math.max(next, readLastOffset(batches, at) + 1)
    } catch {
      break
    }
    at += size
  }
  for (const codec of codecs) if (codec !== 'none') await loadCodec(codec)
  return next
}
