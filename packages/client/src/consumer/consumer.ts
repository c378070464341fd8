import { optionError, VarveError, type Timer } from '@varve/platform'
import type { TopicPartition } from '@varve/engine'
import type * as api from '../api.ts'
import type { ClientContext } from '../context.ts'
import { abortedError, closedError } from '../options.ts'
import { RecordDecoder } from '../reader/record-decoder.ts'
import { boundsOf } from '../reader/resolve.ts'
import { isRetriable } from '../retry.ts'
import { Wakeup } from '../wakeup.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { withinCloseTime } from './close-time.ts'
import { Committer, isFenced } from './committer.ts'
import { Fetcher } from './fetcher.ts'
import { GroupEnd } from './group-end.ts'
import { Membership } from './membership.ts'
import { checkConsumerOptions, type CheckedConsumerOptions } from './options.ts'
import { resetPosition, startPartitions } from './start.ts'

/**
 * One loop at a time: `next` finds a partition that has something, joins again when the group wants it, and ends. The
 * fetcher works ahead of it, heartbeats and commits beside it.
 */
export class RecordConsumer<K, V> implements api.Consumer<K, V> {
  readonly #context: ClientContext
  readonly #onClosed: () => void
  readonly #options: CheckedConsumerOptions
  readonly #fetcher: Fetcher<K, V>
  readonly #membership: Membership | undefined
  readonly #committer: Committer<K, V> | undefined
  readonly #wakeup = new Wakeup()
  readonly #onAbort = (): void => {
    this.#membership?.abortJoin()
    this.#wakeup.wake()
  }
  #iterating = false
  #started = false
  #commitTimer: Timer | undefined
  #endTimer: Timer | undefined
  #groupEnd: GroupEnd | undefined
  #closed = false
  #failure: unknown
  #closing: Promise<void> | undefined

  /** @param onClosed called once when it is closed */
  constructor(
    context: ClientContext,
    options: api.ConsumerOptions<api.SerdeOption, api.SerdeOption>,
    onClosed: () => void,
  ) {
    this.#context = context
    this.#onClosed = onClosed
    const checked = checkConsumerOptions(options, context.clock)
    this.#options = checked
    this.#fetcher = new Fetcher(context, {
      ...checked,
      decoder: new RecordDecoder(checked),
      wake: () => this.#wakeup.wake(),
      reset: one => resetPosition(context, checked, one),
    })
    const { group } = checked
    if (group === undefined) return
    this.#membership = new Membership(context, { ...checked, group, onChange: () => this.#wakeup.wake() })
    this.#committer = new Committer(context, { group, membership: this.#membership })
  }

  get assignment(): readonly TopicPartition[] {
    return this.#fetcher.partitions.map(({ topic, partition }) => ({ topic, partition }))
  }

  [Symbol.asyncIterator](): AsyncGenerator<api.ConsumerRecord<K, V>, void, undefined> {
    this.#begin()
    return this.#records()
  }

  batches(): AsyncGenerator<api.ConsumerBatch<K, V>, void, undefined> {
    this.#begin()
    return this.#batches()
  }

  async commit(): Promise<void> {
    if (this.#committer === undefined) {
      throw optionError('consumer.group', 'given to commit', undefined)
    }
    if (this.#closed) throw closedError('consumer')
    await this.#committer.commit(this.#fetcher.partitions, 'delivered')
  }

  async lag(): Promise<Awaited<ReturnType<api.Consumer<K, V>['lag']>>> {
    const partitions = this.#fetcher.partitions
    const bounds = await boundsOf(this.#context, partitions, this.#options.isolation)
    return partitions.map(({ topic, partition, delivered, committed }, index) => {
      const highWatermark = bounds[index]?.highWatermark ?? delivered
      return {
        topic,
        partition,
        position: delivered,
        committed,
        highWatermark,
        lag: Math.max(0, highWatermark - delivered),
      }
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *#records(): AsyncGenerator<api.ConsumerRecord<K, V>, void, undefined> {
    const { slice } = this.#context
    let thrown = false
    try {
      for (let one = await this.#next(); one !== undefined; one = await this.#next()) {
        for (let record = one.next(); record !== undefined; record = one.next()) {
          yield record
          one.handledAll() // reached only when the loop body has ended and asks for more
          if (slice.step()) await slice.turn()
          if (this.#interrupted) break
        }
      }
    } catch (error) {
      thrown = true
      throw error
    } finally {
      await this.#end(thrown)
    }
  }

  async *#batches(): AsyncGenerator<api.ConsumerBatch<K, V>, void, undefined> {
    const { slice } = this.#context
    let thrown = false
    try {
      for (let one = await this.#next(); one !== undefined; one = await this.#next()) {
        const batch = this.#batchOf(one)
        if (batch === undefined) continue
        yield batch
        one.handledAll()
        if (slice.over()) await slice.turn()
      }
    } catch (error) {
      thrown = true
      throw error
    } finally {
      await this.#end(thrown)
    }
  }

  /** What one fetch has brought of one partition. Damage comes after the sound records before it. */
  #batchOf(one: AssignedPartition<K, V>): api.ConsumerBatch<K, V> | undefined {
    const records: api.ConsumerRecord<K, V>[] = []
    try {
      for (let record = one.next(); record !== undefined; record = one.next()) records.push(record)
    } catch (error) {
      if (records.length === 0) throw error
    }
    if (records.length === 0) return undefined
    const { topic, partition, highWatermark, delivered: offset } = one
    const commit = async (): Promise<void> => {
      if (this.#committer === undefined) throw optionError('consumer.group', 'given to commit', undefined)
      if (this.#closed) throw closedError('consumer')
      if (!one.owned) throw goneError(one)
      await this.#committer.commitOffsets([{ one, offset }])
    }
    return { topic, partition, highWatermark, records, commit }
  }

  /** Another loop or a group's wish has to be looked at before the next record. */
  get #interrupted(): boolean {
    return (
      this.#closing !== undefined ||
      this.#failure !== undefined ||
      this.#options.signal?.aborted === true ||
      (this.#membership !== undefined && this.#membership.state !== 'stable') ||
      this.#membership?.error !== undefined
    )
  }

  #begin(): void {
    if (this.#closing !== undefined) throw closedError('consumer')
    if (this.#iterating) {
      throw new VarveError(
        'INVALID_ARGUMENT',
        'The consumer is read by a loop already; make a second consumer.',
      )
    }
    this.#iterating = true
    this.#options.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** A partition that has something to hand out; `undefined` at the end. */
  async #next(): Promise<AssignedPartition<K, V> | undefined> {
    const { signal, untilEnd } = this.#options
    for (;;) {
      if (this.#closing !== undefined) return undefined
      if (signal?.aborted === true) throw abortedError('The consumer', signal)
      const failure = this.#failure ?? this.#membership?.error
      if (failure !== undefined) throw failure as Error
      if (!this.#started || (this.#membership !== undefined && this.#membership.state !== 'stable')) {
        await this.#assign()
        continue
      }
      const one = this.#fetcher.take()
      if (one !== undefined) return one
      if (untilEnd && this.#fetcher.partitions.every(partition => partition.finished)) {
        if (await this.#groupFinished()) return undefined
      }
      await this.#wakeup.wait()
    }
  }

  /**
   * Whether the other members have come to the end as well. They say so by what they commit; where nobody commits by
   * itself, each member can only end with its own share.
   */
  async #groupFinished(): Promise<boolean> {
    if (this.#groupEnd === undefined || !this.#options.autoCommit) return true
    await this.#commitHandled() // the others wait for this one in the same way
    try {
      if (await this.#groupEnd.reachedBeside(this.#fetcher.partitions)) return true
    } catch (error) {
      if (!isRetriable(error)) throw error
    }
    this.#endTimer?.cancel()
    const { clock } = this.#context
    if (this.#closing === undefined)
      this.#endTimer = clock.setTimer(this.#options.heartbeatIntervalMs, () => this.#wakeup.wake())
    return false
  }

  async #assign(): Promise<void> {
    try {
      for (const topic of this.#options.topics) await this.#context.metadata.load(topic)
      if (this.#membership === undefined) await this.#assignAll()
      else await this.#assignShare(this.#membership)
      this.#started = true
    } catch (error) {
      // Closing and aborting end what waits in here; the loop says which it was.
      if (this.#closing === undefined && this.#options.signal?.aborted !== true) throw error
    }
  }

  async #assignAll(): Promise<void> {
    const partitions: TopicPartition[] = []
    for (const topic of this.#options.topics) {
      const info = await this.#context.metadata.get(topic)
      for (let partition = 0; partition < info.partitions; partition++) partitions.push({ topic, partition })
    }
    this.#fetcher.assign(await startPartitions(this.#context, this.#options, partitions))
  }

  async #assignShare(membership: Membership): Promise<void> {
    this.#commitTimer?.cancel()
    if (membership.state === 'lost') this.#fetcher.assign([])
    else if (this.#options.autoCommit) await this.#commitHandled()
    const { group, topics, untilEnd, isolation } = this.#options
    if (untilEnd && group !== undefined)
      this.#groupEnd ??= await GroupEnd.of(this.#context, { group, topics, isolation })
    const { partitions, continuous } = await membership.join()
    // What stayed here goes on where it is: nobody else has had it, and what is buffered is good.
    const kept = continuous ? this.#fetcher.partitions : []
    const staying = kept.filter(one => partitions.some(other => samePartition(one, other)))
    const coming = partitions.filter(other => !staying.some(one => samePartition(one, other)))
    const started = await startPartitions<K, V>(this.#context, this.#options, coming, this.#groupEnd)
    if (this.#closing !== undefined) return
    this.#fetcher.assign([...staying, ...started])
    if (this.#options.autoCommit) this.#armCommit()
  }

  #armCommit(): void {
    this.#commitTimer?.cancel()
    this.#commitTimer = this.#context.clock.setTimer(this.#options.commitIntervalMs, () => {
      void this.#commitHandled().then(() => {
        if (this.#closing === undefined && this.#membership?.state === 'stable') this.#armCommit()
      })
    })
  }

  /** A commit that nobody waits for: a group that has gone on is joined again, a real failure ends the loop. */
  async #commitHandled(): Promise<void> {
    try {
      await this.#committer?.commit(this.#fetcher.partitions, 'handled')
    } catch (error) {
      if (!isFenced(error) && !isRetriable(error)) this.#failure ??= error
      this.#context.logger.warn({ group: this.#options.group, err: error }, 'the offsets were not committed')
      this.#wakeup.wake()
    }
  }

  async #end(thrown: boolean): Promise<void> {
    if (!thrown) {
      await this.close()
      return
    }
    // The error that ended the loop is the one to tell.
    await this.close().catch((error: unknown) => {
      this.#context.logger.warn(
        { group: this.#options.group, err: error },
        'the consumer was not closed cleanly',
      )
    })
  }

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#commitTimer?.cancel()
    this.#endTimer?.cancel()
    this.#wakeup.wake()
    const partitions = [...this.#fetcher.partitions]
    try {
      await withinCloseTime(this.#context.clock, this.#leave(partitions))
    } finally {
      this.#closed = true
      this.#fetcher.stop()
      this.#membership?.abort()
      this.#wakeup.wake()
      this.#onClosed()
    }
  }

  async #leave(partitions: readonly AssignedPartition<K, V>[]): Promise<void> {
    const { autoCommit, group } = this.#options
    let failure: unknown
    if (autoCommit && this.#membership !== undefined && this.#membership.state !== 'lost') {
      try {
        await this.#committer?.commit(partitions, 'handled')
      } catch (error) {
        this.#context.logger.warn({ group, err: error }, 'the offsets were not committed')
        if (!isFenced(error)) failure = error
      }
    }
    await this.#membership?.leave()
    if (failure !== undefined) throw failure as Error
  }
}

function goneError({ topic, partition }: TopicPartition): VarveError {
  return new VarveError(
    'ILLEGAL_GENERATION',
    `Partition ${partition} of topic '${topic}' is no longer this member's as it was when the batch was read; it will be read again.`,
    { context: { topic, partition } },
  )
}

function samePartition(a: TopicPartition, b: TopicPartition): boolean {
  return a.topic === b.topic && a.partition === b.partition
}
