import { isVarveError, VarveError, type Timer } from '@varve/platform'
import type { Acks, ProduceResult } from '@varve/engine'
import type { CodecName } from '@varve/records'
import type { ClientContext } from '../context.ts'
import { backoffMs, isRetriable } from '../retry.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ProducerBatch } from './producer-batch.ts'
import { splitBatch } from './split.ts'

export interface SenderOptions {
  readonly acks: Acks
  readonly codec: CodecName
  readonly lingerMs: number
  readonly deliveryTimeoutMs: number
  /** A batch has settled, or was split: its memory is free. */
  readonly onSettled: (bytes: number) => void
}

/**
 * Sends the batches of all partitions: one of a partition at a time, all partitions that wait in one request. A batch that
 * is refused fails its own records; those behind it go on. What is retriable is sent again until its time is over.
 */
export class Sender {
  readonly #context: ClientContext
  readonly #options: SenderOptions
  /** Queues that have something to send and nothing on its way. */
  readonly #waiting = new Set<PartitionQueue>()
  readonly #timers = new Set<Timer>()
  #scheduled = false
  #linger: Timer | undefined
  #flushUpTo = -1

  constructor(context: ClientContext, options: SenderOptions) {
    this.#context = context
    this.#options = options
  }

  /** The queue has something to send. */
  ready(queue: PartitionQueue): void {
    if (queue.inFlight !== undefined || queue.backingOff) return
    this.#waiting.add(queue)
    this.#schedule()
  }

  /** Batches with records up to number `upTo` go without waiting for their linger. */
  flush(upTo: number): void {
    this.#flushUpTo = Math.max(this.#flushUpTo, upTo)
    this.#schedule()
  }

  /** Forgets all timers; nothing may wait any more. */
  stop(): void {
    this.#linger?.cancel()
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  /**
   * At the end of the turn: a microtask alone would run between two `send`s of a program that awaits, so that each
   * record went alone. Now and then a turn later: a program that awaits one `send` after the other would never let the
   * event loop turn where the log is in memory.
   */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    const run = (): void => {
      this.#scheduled = false
      this.#dispatch()
    }
    const { slice } = this.#context
    if (slice.over()) void slice.turn().then(run)
    else queueMicrotask(() => process.nextTick(run))
  }

  #dispatch(): void {
    const now = this.#context.clock.monotonic()
    const going: PartitionQueue[] = []
    let nextLinger = Infinity
    for (const queue of this.#waiting) {
      const wait = this.#lingerLeft(queue, now)
      if (wait > 0) {
        nextLinger = Math.min(nextLinger, wait)
        continue
      }
      this.#waiting.delete(queue)
      queue.inFlight = queue.take()
      if (queue.inFlight !== undefined) going.push(queue)
    }
    this.#armLinger(nextLinger)
    if (going.length > 0) void this.#send(going)
  }

  #lingerLeft(queue: PartitionQueue, now: number): number {
    const { lingerMs } = this.#options
    if (lingerMs === 0 || queue.closed.length > 0 || queue.open === undefined) return 0
    if (queue.open.firstNumber <= this.#flushUpTo) return 0
    return queue.open.createdAt + lingerMs - now
  }

  #armLinger(ms: number): void {
    this.#linger?.cancel()
    this.#linger = ms === Infinity ? undefined : this.#context.clock.setTimer(ms, () => this.#dispatch())
  }

  async #send(queues: readonly PartitionQueue[]): Promise<void> {
    const sent: { queue: PartitionQueue; batch: ProducerBatch }[] = []
    let results: readonly ProduceResult[]
    try {
      for (const queue of queues) {
        const batch = queue.inFlight
        if (batch === undefined) continue
        if (this.#options.codec !== 'none') await batch.loadCodec()
        sent.push({ queue, batch })
      }
      results = await this.#context.broker.produce({
        acks: this.#options.acks,
        partitions: sent.map(({ queue, batch }) => ({
          topic: queue.topic,
          partition: queue.partition,
          topicId: queue.topicId,
          batches: batch.encode(),
        })),
      })
    } catch (error) {
      for (const queue of queues) if (queue.inFlight !== undefined) this.#failed(queue, queue.inFlight, error)
      return
    }
    sent.forEach(({ queue, batch }, index) => this.#answered(queue, batch, resultOf(results, index, queue)))
  }

  #answered(queue: PartitionQueue, batch: ProducerBatch, result: ProduceResult | undefined): void {
    if (result === undefined) {
      const message = `The broker did not answer for partition ${queue.partition} of topic '${queue.topic}'.`
      this.#failed(queue, batch, new VarveError('UNKNOWN_SERVER_ERROR', message))
      return
    }
    if (result.error !== undefined) {
      this.#failed(queue, batch, result.error)
      return
    }
    batch.resolve(result.baseOffset, result.logAppendTime)
    this.#settled(queue, batch)
  }

  #failed(queue: PartitionQueue, batch: ProducerBatch, error: unknown): void {
    const { clock, random, metadata, logger } = this.#context
    batch.attempts++
    batch.lastError = error
    const wait = backoffMs(batch.attempts, random)
    if (
      !batch.settled &&
      isVarveError(error, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE') &&
      batch.count > 1
    ) {
      this.#split(queue, batch)
    } else if (
      !batch.settled &&
      isRetriable(error) &&
      clock.monotonic() + wait < batch.createdAt + this.#options.deliveryTimeoutMs
    ) {
      logger.debug({ topic: queue.topic, partition: queue.partition, err: error }, 'produce is tried again')
      queue.inFlight = undefined
      queue.closed.unshift(batch)
      queue.backingOff = true
      this.#after(wait, () => {
        queue.backingOff = false
        if (!queue.idle) this.ready(queue)
      })
    } else {
      // The topic may have been deleted or made anew: what comes next has to look again.
      if (isVarveError(error, 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID')) metadata.forget(queue.topic)
      batch.reject(error)
      this.#settled(queue, batch)
    }
  }

  #split(queue: PartitionQueue, batch: ProducerBatch): void {
    queue.inFlight = undefined
    try {
      const parts = splitBatch(batch, this.#options.codec)
      queue.closed.unshift(...parts)
      // Each part has a header of its own: what their settling gives back has to have been taken.
      this.#options.onSettled(batch.size - parts.reduce((sum, part) => sum + part.size, 0))
    } catch (error) {
      batch.reject(error)
      this.#options.onSettled(batch.size)
    }
    if (!queue.idle) this.ready(queue)
  }

  #settled(queue: PartitionQueue, batch: ProducerBatch): void {
    queue.inFlight = undefined
    this.#options.onSettled(batch.size)
    if (!queue.idle) this.ready(queue)
  }

  #after(ms: number, run: () => void): void {
    const timer = this.#context.clock.setTimer(ms, () => {
      this.#timers.delete(timer)
      run()
    })
    this.#timers.add(timer)
  }
}

/** Brokers answer in the order of the request; one that does not is read by name. */
function resultOf(
  results: readonly ProduceResult[],
  index: number,
  queue: PartitionQueue,
): ProduceResult | undefined {
  const same = (one: ProduceResult): boolean => one.topic === queue.topic && one.partition === queue.partition
  const first = results[index]
  return first !== undefined && same(first) ? first : results.find(same)
}
