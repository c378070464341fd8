import { BatchWriter, loadCodec, type CodecName, type HeaderInput } from '@varve/records'
import { isVarveError, VarveError } from '@varve/platform'
import type { Bytes } from './record.ts'
import type { Sink } from './sink.ts'

export interface ProducerBatchOptions {
  readonly topic: string
  readonly partition: number
  readonly codec: CodecName
  readonly bytesMax: number
  /** The clock's `monotonic` when the first record came: the delivery time-out counts from it. */
  readonly createdAt: number
  /** The number of the first record among all that the producer was given. */
  readonly firstNumber: number
}

/** Records on their way into one partition, encoded as they came. Beside the bytes it keeps who waits for which. */
export class ProducerBatch {
  readonly topic: string
  readonly partition: number
  readonly createdAt: number
  readonly firstNumber: number
  attempts = 0
  /** The error of the last attempt, for the message when time runs out. */
  lastError: unknown
  readonly #writer: BatchWriter
  readonly #sinks: Sink[] = []
  readonly #slots: number[] = []
  readonly #timestamps: number[] = []
  #bytes: Buffer | undefined
  #settled = false

  constructor(options: ProducerBatchOptions) {
    this.topic = options.topic
    this.partition = options.partition
    this.createdAt = options.createdAt
    this.firstNumber = options.firstNumber
    this.#writer = new BatchWriter({ codec: options.codec, maxBytes: options.bytesMax })
  }

  get count(): number {
    return this.#writer.count
  }

  /** Bytes of memory that the records take, before compression. */
  get size(): number {
    return this.#writer.size
  }

  get settled(): boolean {
    return this.#settled
  }

  /** False when the batch has no room for the record. */
  add(
    key: Bytes,
    value: Bytes,
    headers: readonly HeaderInput[],
    timestamp: number,
    sink: Sink,
    slot: number,
  ): boolean {
    if (!this.#writer.add(key, value, timestamp, headers)) return false
    this.#sinks.push(sink)
    this.#slots.push(slot)
    this.#timestamps.push(timestamp)
    return true
  }

  /** The encoded batch; made once, so that a repetition sends the same bytes. Its codec must have been loaded. */
  encode(): Buffer {
    this.#bytes ??= this.#writer.finish()
    return this.#bytes
  }

  async loadCodec(): Promise<void> {
    await loadCodec(this.#writer.codec)
  }

  /** Who waits for record `index`, for a batch that is split. */
  waiter(index: number): { sink: Sink; slot: number } | undefined {
    const sink = this.#sinks[index]
    const slot = this.#slots[index]
    return sink === undefined || slot === undefined ? undefined : { sink, slot }
  }

  /** @param baseOffset -1 where the broker says nothing (acks 0) */
  resolve(baseOffset: number, logAppendTime: number): void {
    if (this.#settled) return
    this.#settled = true
    const { topic, partition } = this
    for (let index = 0; index < this.#sinks.length; index++) {
      this.#sinks[index]?.done(this.#slots[index] ?? 0, {
        topic,
        partition,
        offset: baseOffset < 0 ? -1 : baseOffset + index,
        timestamp: logAppendTime >= 0 ? logAppendTime : (this.#timestamps[index] ?? -1),
      })
    }
  }

  reject(error: unknown): void {
    if (this.#settled) return
    this.#settled = true
    const named = this.#named(error)
    for (let index = 0; index < this.#sinks.length; index++)
      this.#sinks[index]?.failed(this.#slots[index] ?? 0, named)
  }

  /** Its records live on in other batches. */
  abandon(): void {
    this.#settled = true
  }

  #named(error: unknown): unknown {
    if (!isVarveError(error) || error.context.topic !== undefined) return error
    const { topic, partition } = this
    return new VarveError(
      error.code,
      `Partition ${partition} of topic '${topic}' did not take ${this.count} record(s): ${error.message}`,
      { cause: error, retriable: error.retriable, context: { ...error.context, topic, partition } },
    )
  }
}
