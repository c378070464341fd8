import { isVarveError, type Timer } from '@varve/platform'
import type { FetchResult, Isolation } from '@varve/engine'
import type { ClientContext } from '../context.ts'
import { prepareBatches, RecordCursor } from '../reader/record-cursor.ts'
import { endOf } from '../reader/resolve.ts'
import type { RecordDecoder } from '../reader/record-decoder.ts'
import { backoffMs, isRetriable } from '../retry.ts'
import type { AssignedPartition } from './assigned-partition.ts'

/** How long the broker may wait for the first byte before the fetch is asked again. */
const WAIT_MS_MAX = 1000
/** One that is being handed out and one ahead. */
const CHUNKS_MAX = 2
const PARTITIONS_WORTH_MAX = 16

export interface FetcherOptions<K, V> {
  readonly decoder: RecordDecoder<K, V>
  /** Bytes of one fetch of one partition; sixteen times as much may be buffered in all. */
  readonly fetchBytesMax: number
  readonly isolation: Isolation
  /** Something is ready to be taken. */
  readonly wake: () => void
  /** Where to go on after OFFSET_OUT_OF_RANGE. Rejects where that is for the user to say. */
  readonly reset: (partition: AssignedPartition<K, V>) => Promise<number>
}

/** Keeps the buffers of the assigned partitions filled, each for itself: a slow one never holds up the others. */
export class Fetcher<K, V> {
  readonly #context: ClientContext
  readonly #options: FetcherOptions<K, V>
  readonly #abort = new AbortController()
  readonly #timers = new Set<Timer>()
  #partitions: AssignedPartition<K, V>[] = []
  #turn = 0
  #stopped = false

  constructor(context: ClientContext, options: FetcherOptions<K, V>) {
    this.#context = context
    this.#options = options
  }

  get partitions(): readonly AssignedPartition<K, V>[] {
    return this.#partitions
  }

  /** From now on these, and no others. */
  assign(partitions: readonly AssignedPartition<K, V>[]): void {
    for (const old of this.#partitions) old.owned = partitions.includes(old)
    this.#partitions = [...partitions]
    this.pump()
  }

  /** A partition that has something to hand out, each in its turn. */
  take(): AssignedPartition<K, V> | undefined {
    this.pump()
    const count = this.#partitions.length
    for (let step = 0; step < count; step++) {
      const partition = this.#partitions[(this.#turn + step) % count]
      if (partition?.ready !== true) continue
      this.#turn = (this.#turn + step + 1) % count
      return partition
    }
    return undefined
  }

  stop(): void {
    this.#stopped = true
    this.#abort.abort()
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.assign([])
  }

  /** Asks for every partition that has room and is not being asked for. */
  pump(): void {
    if (this.#stopped) return
    const { fetchBytesMax } = this.#options
    let room = PARTITIONS_WORTH_MAX * fetchBytesMax
    for (const one of this.#partitions) room -= one.buffered + (one.fetching ? fetchBytesMax : 0)
    const asked: AssignedPartition<K, V>[] = []
    for (let step = 0; step < this.#partitions.length && room >= fetchBytesMax; step++) {
      const one = this.#partitions[(this.#turn + step) % this.#partitions.length]
      if (one === undefined || one.fetching || one.error !== undefined) continue
      if (one.chunks >= CHUNKS_MAX || one.fetchPosition >= one.until) continue
      asked.push(one)
      one.fetching = true
      room -= fetchBytesMax
    }
    if (asked.length > 0) void this.#fetch(asked)
  }

  async #fetch(asked: readonly AssignedPartition<K, V>[]): Promise<void> {
    const { fetchBytesMax, isolation } = this.#options
    let results: readonly FetchResult[] = []
    let failure: unknown
    try {
      results = await this.#context.broker.fetch({
        partitions: asked.map(({ topic, topicId, partition, fetchPosition }) => ({
          topic,
          topicId,
          partition,
          offset: fetchPosition,
          maxBytes: fetchBytesMax,
        })),
        maxBytes: asked.length * fetchBytesMax,
        minBytes: 1,
        maxWaitMs: WAIT_MS_MAX,
        isolation,
        signal: this.#abort.signal,
      })
    } catch (error) {
      failure = error
    }
    for (const one of asked) {
      const result = results.find(
        ({ topic, partition }) => topic === one.topic && partition === one.partition,
      )
      if (failure !== undefined) await this.#failed(one, failure)
      else if (result !== undefined && one.owned) await this.#answered(one, result)
      else one.fetching = false
    }
    this.#options.wake()
    this.pump()
  }

  async #answered(one: AssignedPartition<K, V>, result: FetchResult): Promise<void> {
    const { batches, error, abortedTransactions } = result
    const highWatermark = endOf(result, this.#options.isolation)
    if (highWatermark >= 0) one.highWatermark = highWatermark
    if (batches.length > 0) {
      const position = one.fetchPosition
      try {
        one.fetchPosition = await prepareBatches(batches, position)
      } catch (failure) {
        await this.#failed(one, failure)
        return
      }
      const { decoder } = this.#options
      const { topic, partition, until } = one
      one.push(
        new RecordCursor({
          ...{ topic, partition, batches, position, until, decoder, abortedTransactions },
          control: false,
        }),
        batches.length,
      )
    }
    if (error === undefined) {
      one.attempts = 0
      one.fetching = false
    } else {
      await this.#failed(one, error)
    }
  }

  async #failed(one: AssignedPartition<K, V>, error: unknown): Promise<void> {
    if (this.#stopped || !one.owned) return
    if (isVarveError(error, 'OFFSET_OUT_OF_RANGE')) {
      try {
        one.fetchPosition = await this.#options.reset(one)
      } catch (refused) {
        one.error = refused
      }
      one.fetching = false
    } else if (isRetriable(error)) {
      const { clock, random, logger } = this.#context
      logger.warn({ topic: one.topic, partition: one.partition, err: error }, 'fetch is tried again')
      const timer = clock.setTimer(backoffMs(++one.attempts, random), () => {
        this.#timers.delete(timer)
        one.fetching = false
        this.pump()
      })
      this.#timers.add(timer)
    } else {
      one.error = error
      one.fetching = false
    }
  }
}
