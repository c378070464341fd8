import { optionError, VarveError, type Timer } from '@varve/platform'
import type { HeaderInput } from '@varve/records'
import type { Writable } from 'node:stream'
import type * as api from '../api.ts'
import type { ClientContext } from '../context.ts'
import type { TopicInfo } from '../metadata.ts'
import { checkTopic, closedError } from '../options.ts'
import { toBytes } from '../serdes.ts'
import { Accumulator } from './accumulator.ts'
import { checkProducerOptions, type CheckedProducerOptions } from './options.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { copied, copiedHeaders, headersOf, leastSize, timestampOf, type Bytes } from './record.ts'
import { Sender } from './sender.ts'
import { BatchSink, RecordSink, type Sink } from './sink.ts'
import { WaitingRecords } from './waiting.ts'
import { recordWriter } from './writable.ts'

/**
 * Serializes, chooses the partition and encodes into its open batch, all before `send` returns; the sender does the
 * rest. Records whose topic is not known yet, or for which the buffer has no room, wait in order with a copy of their bytes.
 */
export class RecordProducer<K, V> implements api.Producer<K, V> {
  readonly #context: ClientContext
  readonly #onClosed: () => void
  readonly #options: CheckedProducerOptions
  readonly #accumulator: Accumulator
  readonly #sender: Sender
  readonly #waiting = new Map<string, WaitingRecords>()
  readonly #flushes = new Set<{ upTo: number; resolve: () => void }>()
  #buffered = 0
  #numbers = 0
  #expiry: Timer | undefined
  #closing: Promise<void> | undefined

  /** @param onClosed called once when it is closed */
  constructor(
    context: ClientContext,
    options: api.ProducerOptions<api.SerdeOption, api.SerdeOption>,
    onClosed: () => void,
  ) {
    this.#context = context
    this.#onClosed = onClosed
    this.#options = checkProducerOptions(options)
    const onBatch = (queue: PartitionQueue): void => this.#sender.ready(queue)
    const onSettled = (bytes: number): void => this.#settled(bytes)
    this.#accumulator = new Accumulator(context, { ...this.#options, onBatch })
    this.#sender = new Sender(context, { ...this.#options, onSettled })
  }

  send(topic: string, record: api.RecordInput<K, V>): Promise<api.RecordMetadata> {
    return new Promise((resolve, reject) => {
      // What is thrown here rejects the promise.
      this.#checkOpen(topic)
      this.#add(topic, record, this.#context.clock.now(), new RecordSink(resolve, reject), 0)
    })
  }

  sendBatch(topic: string, records: Iterable<api.RecordInput<K, V>>): Promise<api.RecordMetadata[]> {
    const sink = new BatchSink(topic)
    try {
      this.#checkOpen(topic)
      if (typeof (records as Partial<typeof records> | null)?.[Symbol.iterator] !== 'function') {
        throw optionError('records', 'a list of records', records)
      }
      const now = this.#context.clock.now()
      for (const record of records) {
        const slot = sink.take()
        try {
          this.#add(topic, record, now, sink, slot)
        } catch (error) {
          // What came before it is on its way already, so the promise waits for that and then tells.
          sink.failed(slot, error)
          break
        }
      }
      sink.seal()
      return sink.promise
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  writable(topic: string): Writable {
    this.#checkOpen(topic)
    return recordWriter<K, V>(this, topic)
  }

  flush(): Promise<void> {
    const upTo = this.#numbers - 1
    this.#sender.flush(upTo)
    return new Promise(resolve => {
      this.#flushes.add({ upTo, resolve })
      this.#endFlushes()
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.flush().then(() => {
      this.#sender.stop()
      this.#expiry?.cancel()
      this.#onClosed()
    })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkOpen(topic: string): void {
    if (this.#closing !== undefined) throw closedError('producer')
    checkTopic(topic)
  }

  #add(topic: string, record: api.RecordInput<K, V>, now: number, sink: Sink, slot: number): void {
    if (typeof record !== 'object' || (record as unknown) === null)
      throw optionError('record', 'an object', record)
    if (record.value === undefined) throw optionError('value', 'given (null is a tombstone)', undefined)
    const key = toBytes(this.#options.key, record.key ?? null, 'key', topic)
    const value = toBytes(this.#options.value, record.value, 'value', topic)
    const headers = headersOf(record.headers)
    const timestamp = record.timestamp === undefined ? now : timestampOf(record.timestamp, topic)
    const size = leastSize(key, value)
    if (size > this.#options.bufferBytesMax) throw this.#tooLarge(topic, size)
    const number = this.#numbers++
    const info = this.#waiting.has(topic) ? undefined : this.#context.metadata.peek(topic)
    if (info !== undefined && this.#hasRoom(size)) {
      this.#encode(info, key, value, headers, timestamp, record.partition, sink, slot, number)
    } else {
      this.#wait(topic, key, value, headers, timestamp, record.partition, sink, slot, number)
    }
    this.#armExpiry(this.#options.deliveryTimeoutMs)
  }

  #hasRoom(size: number): boolean {
    return this.#buffered === 0 || this.#buffered + size <= this.#options.bufferBytesMax
  }

  #encode(
    info: TopicInfo,
    key: Bytes,
    value: Bytes,
    headers: readonly HeaderInput[],
    timestamp: number,
    partition: number | undefined,
    sink: Sink,
    slot: number,
    number: number,
  ): void {
    this.#buffered += this.#accumulator.add(
      info,
      key,
      value,
      headers,
      timestamp,
      partition,
      sink,
      slot,
      number,
    )
  }

  #wait(
    topic: string,
    key: Bytes,
    value: Bytes,
    headers: readonly HeaderInput[],
    timestamp: number,
    partition: number | undefined,
    sink: Sink,
    slot: number,
    number: number,
  ): void {
    let waiting = this.#waiting.get(topic)
    if (waiting === undefined) this.#waiting.set(topic, (waiting = new WaitingRecords()))
    waiting.push({
      key: copied(key),
      value: copied(value),
      headers: copiedHeaders(headers),
      timestamp,
      partition,
      sink,
      slot,
      number,
      createdAt: this.#context.clock.monotonic(),
    })
    if (this.#context.metadata.peek(topic) === undefined) void this.#lookUp(topic, waiting)
  }

  async #lookUp(topic: string, waiting: WaitingRecords): Promise<void> {
    if (waiting.loading) return
    waiting.loading = true
    try {
      await this.#context.metadata.get(topic)
    } catch (error) {
      this.#waiting.delete(topic)
      for (let record = waiting.shift(); record !== undefined; record = waiting.shift()) {
        record.sink.failed(record.slot, error)
      }
    } finally {
      waiting.loading = false
    }
    this.#drain()
  }

  /** Gives waiting records their place in a batch, as far as there is room. */
  #drain(): void {
    for (const [topic, waiting] of this.#waiting) {
      const info = this.#context.metadata.peek(topic)
      if (info === undefined) {
        void this.#lookUp(topic, waiting)
        continue
      }
      for (let record = waiting.first; record !== undefined; record = waiting.first) {
        const { key, value, headers, timestamp, partition, sink, slot, number } = record
        if (!this.#hasRoom(leastSize(key, value))) break
        waiting.shift()
        try {
          this.#encode(info, key, value, headers, timestamp, partition, sink, slot, number)
        } catch (error) {
          sink.failed(slot, error)
        }
      }
      if (waiting.first === undefined) this.#waiting.delete(topic)
    }
    // A flush wants what has just found its batch, too.
    for (const { upTo } of this.#flushes) this.#sender.flush(upTo)
    this.#endFlushes()
  }

  #settled(bytes: number): void {
    this.#buffered -= bytes
    if (this.#waiting.size > 0) this.#drain()
    else this.#endFlushes()
  }

  #endFlushes(): void {
    if (this.#flushes.size === 0) return
    let oldest = Infinity
    for (const queue of this.#accumulator.busy()) {
      for (const batch of queue.batches()) if (!batch.settled) oldest = Math.min(oldest, batch.firstNumber)
    }
    for (const waiting of this.#waiting.values()) oldest = Math.min(oldest, waiting.first?.number ?? Infinity)
    for (const flush of this.#flushes) {
      if (flush.upTo >= oldest) continue
      this.#flushes.delete(flush)
      flush.resolve()
    }
  }

  #armExpiry(ms: number): void {
    this.#expiry ??= this.#context.clock.setTimer(
      ms,
      () => {
        // One full turn of I/O first: an answer that came while the loop was blocked counts.
        setImmediate(() => {
          this.#expiry = undefined
          this.#expire()
        })
      },
      { unref: true },
    )
  }

  /** Rejects what has had its time. A batch on its way may still be appended: nobody knows, and the error says so. */
  #expire(): void {
    const now = this.#context.clock.monotonic()
    const limit = now - this.#options.deliveryTimeoutMs
    let oldest = Infinity
    for (const queue of this.#accumulator.busy()) {
      for (const batch of [...queue.batches()]) {
        if (batch.settled) continue
        if (batch.createdAt > limit) {
          oldest = Math.min(oldest, batch.createdAt)
          continue
        }
        batch.reject(this.#timedOut(queue.topic, batch.lastError, queue.inFlight === batch))
        if (queue.inFlight === batch) continue // its bytes are the broker's until it answers
        if (queue.open === batch) queue.open = undefined
        else queue.closed.splice(queue.closed.indexOf(batch), 1)
        this.#buffered -= batch.size
      }
    }
    for (const [topic, waiting] of this.#waiting) {
      for (
        let record = waiting.first;
        record !== undefined && record.createdAt <= limit;
        record = waiting.first
      ) {
        waiting.shift()
        record.sink.failed(record.slot, this.#timedOut(topic, undefined, false))
      }
      oldest = Math.min(oldest, waiting.first?.createdAt ?? Infinity)
    }
    this.#drain()
    if (oldest !== Infinity) this.#armExpiry(Math.max(1, oldest - limit))
  }

  #timedOut(topic: string, cause: unknown, inFlight: boolean): VarveError {
    const ms = this.#options.deliveryTimeoutMs
    const unknown = inFlight ? ', and whether they were appended is not known' : ''
    return new VarveError(
      'REQUEST_TIMED_OUT',
      `Records for topic '${topic}' were not acknowledged within ${ms} ms${unknown}; see the cause, or raise deliveryTimeoutMs.`,
      { cause, retriable: true, context: { topic, max: ms } },
    )
  }

  #tooLarge(topic: string, found: number): VarveError {
    const max = this.#options.bufferBytesMax
    return new VarveError(
      'MESSAGE_TOO_LARGE',
      `A record for topic '${topic}' has ${found} bytes, but bufferBytesMax is ${max}; split it or raise the option.`,
      { context: { topic, found, max } },
    )
  }
}
