import { VarveError, type Clock, type Random } from '@varve/platform'
import type { PartitionLog } from '@varve/log'
import type { FetchPartition, FetchRequest, FetchResult } from '../broker.ts'
import { toVarveError } from '../errors.ts'
import type { Topics } from '../topics/topics.ts'
import { endOf } from './isolation.ts'
import { FetchWait } from './fetch-wait.ts'

/** How often a reader looks for what the owner of the directory has appended. */
const READ_ONLY_POLL_MS = 200
const NO_BYTES = Buffer.alloc(0)

export interface FetchingOptions {
  readonly topics: Topics
  readonly clock: Clock
  readonly random: Random
  readonly readOnly: boolean
  /** The logs lie in memory. */
  readonly inMemory: boolean
  /** Aborts when the broker closes. */
  readonly closing: AbortSignal
}

/** Reads from positions, and waits where there is not enough yet. */
export class Fetching {
  readonly #options: FetchingOptions

  constructor(options: FetchingOptions) {
    this.#options = options
  }

  async fetch(request: FetchRequest): Promise<FetchResult[]> {
    checkRequest(request)
    const { clock, closing, readOnly } = this.#options
    const { minBytes = 1, maxWaitMs = 0, signal } = request
    const pollMs = readOnly ? READ_ONLY_POLL_MS : undefined
    const wait = new FetchWait({ clock, maxWaitMs, closing, signal, pollMs })
    try {
      wait.check()
      if (maxWaitMs > 0) for (const log of this.#logsOf(request)) wait.watch(log)
      for (;;) {
        wait.reset()
        const results = await new FetchRound(this.#options, request).read()
        wait.check()
        const bytes = results.reduce((sum, { batches }) => sum + batches.length, 0)
        const failed = results.some(({ error }) => error !== undefined)
        if (bytes >= minBytes || failed || wait.over || results.length === 0) return results
        await wait.news()
      }
    } finally {
      wait.close()
    }
  }

  *#logsOf(request: FetchRequest): Generator<PartitionLog> {
    for (const partition of request.partitions) {
      try {
        yield this.#options.topics.log(partition)
      } catch {
        // The read says what is wrong with it.
      }
    }
  }
}

/** One pass over the partitions of a request. */
class FetchRound {
  readonly #options: FetchingOptions
  readonly #request: FetchRequest
  readonly #results: (FetchResult | undefined)[]
  readonly #failures = new Map<FetchPartition, VarveError>()
  #left: number

  constructor(options: FetchingOptions, request: FetchRequest) {
    this.#options = options
    this.#request = request
    this.#results = new Array<FetchResult | undefined>(request.partitions.length)
    this.#left = request.maxBytes
  }

  /**
   * Beginning anywhere, each partition that has something gets an equal share of what is left; what shares leave over
   * goes to those whose next batch did not fit. The very first batch comes even if it is larger than all.
   */
  async read(): Promise<FetchResult[]> {
    const { partitions } = this.#request
    if (this.#options.readOnly) for (const partition of partitions) await this.#refresh(partition)
    const waiting: number[] = []
    const first = partitions.length > 1 ? this.#options.random.int(partitions.length) : 0
    for (let turn = 0; turn < partitions.length; turn++) {
      const index = (first + turn) % partitions.length
      if (this.#hasMore(index)) waiting.push(index)
      else await this.#readOne(index, 0)
    }
    for (const [turn, index] of waiting.entries())
      await this.#readOne(index, Math.floor(this.#left / (waiting.length - turn)))
    for (const index of waiting)
      if (this.#left > 0 && this.#results[index]?.batches.length === 0) await this.#readOne(index, this.#left)
    return this.#results.filter(result => result !== undefined)
  }

  /** Takes in what the owner of the directory has appended; that it deleted one topic is no failure of the others. */
  async #refresh(partition: FetchPartition): Promise<void> {
    try {
      await this.#options.topics.log(partition).refresh()
    } catch (error) {
      this.#failures.set(partition, toVarveError(error))
    }
  }

  #hasMore(index: number): boolean {
    const partition = this.#request.partitions[index]
    if (partition === undefined) return false
    try {
      return endOf(this.#options.topics.log(partition), this.#request.isolation) > partition.offset
    } catch {
      return false
    }
  }

  async #readOne(index: number, share: number): Promise<void> {
    const partition = this.#request.partitions[index]
    if (partition === undefined) return
    const nothingYet = this.#left === this.#request.maxBytes
    const maxBytes = Math.min(share, partition.maxBytes ?? share)
    const result = await this.#readPartition(partition, maxBytes, nothingYet)
    this.#results[index] = result
    this.#left = Math.max(0, this.#left - result.batches.length)
  }

  async #readPartition(
    request: FetchPartition,
    maxBytes: number,
    minOneBatch: boolean,
  ): Promise<FetchResult> {
    const { topic, partition, offset } = request
    let log: PartitionLog | undefined
    try {
      log = this.#options.topics.log(request)
      const failure = this.#failures.get(request)
      if (failure !== undefined) throw failure
      const { isolation = 'read_uncommitted' } = this.#request
      const found = await log.read({ offset, maxBytes, minOneBatch, isolation })
      const { bytes, highWatermark, logStartOffset, lastStableOffset, abortedTransactions } = found
      return {
        topic,
        partition,
        // A log in memory shows its own bytes, and what a caller changed in them would be damage.
        batches: this.#options.inMemory ? Buffer.from(bytes) : bytes,
        highWatermark,
        logStartOffset,
        lastStableOffset,
        abortedTransactions,
      }
    } catch (error) {
      return {
        topic,
        partition,
        error: this.#options.topics.failure(error, topic),
        batches: NO_BYTES,
        highWatermark: log?.highWatermark ?? -1,
        logStartOffset: log?.logStartOffset ?? -1,
        lastStableOffset: log?.lastStableOffset ?? -1,
        abortedTransactions: [],
      }
    }
  }
}

function checkRequest({ maxBytes, minBytes = 0, maxWaitMs = 0 }: FetchRequest): void {
  for (const [field, found] of Object.entries({ maxBytes, minBytes, maxWaitMs })) {
    if (Number.isSafeInteger(found) && found >= (field === 'maxBytes' ? 1 : 0)) continue
    throw new VarveError(
      'INVALID_ARGUMENT',
      `fetch.${field} must be a whole number of at least ${field === 'maxBytes' ? 1 : 0}, found ${found}.`,
      { context: { field: `fetch.${field}`, found } },
    )
  }
}
