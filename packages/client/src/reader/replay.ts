import { sleep } from '@varve/platform'
import type { ConsumerRecord, ReplayOptions, SerdeOption } from '../api.ts'
import type { ClientContext } from '../context.ts'
import { checkTopic } from '../options.ts'
import { follow } from './follow.ts'
import { Heap } from './heap.ts'
import { checkReadOptions, type CheckedReadOptions } from './options.ts'
import type { PartitionStream } from './partition-stream.ts'
import { planStreams } from './plan.ts'
import { ReadScope } from './read-scope.ts'

/**
 * Records of one topic merged over its partitions by timestamp, at `speed` times the pace at which they happened. Within
 * a partition they keep their order, also where timestamps go back. With `follow`, what comes later follows in the
 * order in which it comes: nobody knows what an idle partition will still bring.
 */
export function replay<K, V>(
  context: ClientContext,
  topic: string,
  given: ReplayOptions<SerdeOption, SerdeOption> = {},
): AsyncGenerator<ConsumerRecord<K, V>, void, undefined> {
  const options = checkReadOptions('replay', given, context.clock)
  return replayRecords(context, checkTopic(topic), options)
}

interface Head<K, V> {
  readonly stream: PartitionStream<K, V>
  record: ConsumerRecord<K, V>
}

async function* replayRecords<K, V>(
  context: ClientContext,
  topic: string,
  options: CheckedReadOptions,
): AsyncGenerator<ConsumerRecord<K, V>, void, undefined> {
  const scope = new ReadScope(options.signal)
  const { slice } = context
  const pace = new Pace(context, { speed: options.speed, signal: scope.signal })
  try {
    const streams = await planStreams<K, V>(context, topic, options, scope.signal)
    for await (const record of merge(streams)) {
      const wait = pace.waitFor(record.timestamp)
      if (wait > 0) await pace.sleep(wait)
      yield record
      scope.check()
      if (slice.step()) await slice.turn()
    }
    if (!options.follow) return
    for await (const record of follow(streams, scope, slice)) {
      const wait = pace.waitFor(record.timestamp)
      if (wait > 0) await pace.sleep(wait)
      yield record
    }
  } catch (error) {
    throw scope.told(error, `Replaying topic '${topic}'`)
  } finally {
    scope.end()
  }
}

/** The smallest timestamp of all partitions' next records first; equal ones by partition. */
async function* merge<K, V>(
  streams: readonly PartitionStream<K, V>[],
): AsyncGenerator<ConsumerRecord<K, V>, void, undefined> {
  const heap = new Heap<Head<K, V>>((a, b) =>
    a.record.timestamp === b.record.timestamp
      ? a.stream.partition < b.stream.partition
      : a.record.timestamp < b.record.timestamp,
  )
  const firsts = await Promise.all(streams.map(async stream => ({ stream, record: await nextOf(stream) })))
  for (const { stream, record } of firsts) if (record !== undefined) heap.push({ stream, record })
  for (let head = heap.top; head !== undefined; head = heap.top) {
    yield head.record
    const record = head.stream.next() ?? (await nextOf(head.stream))
    if (record === undefined) {
      heap.pop()
    } else {
      head.record = record
      heap.sinkTop()
    }
  }
}

async function nextOf<K, V>(stream: PartitionStream<K, V>): Promise<ConsumerRecord<K, V> | undefined> {
  while (await stream.fill()) {
    const record = stream.next()
    if (record !== undefined) return record
  }
  return undefined
}

/** When a record is due: the first one at once, each later one as long after it as it happened, divided by the speed. */
class Pace {
  readonly #context: ClientContext
  readonly #speed: number
  readonly #signal: AbortSignal
  #began: { at: number; timestamp: number } | undefined

  constructor(context: ClientContext, options: { speed: number; signal: AbortSignal }) {
    this.#context = context
    this.#speed = options.speed
    this.#signal = options.signal
  }

  waitFor(timestamp: number): number {
    if (this.#speed === Infinity) return 0
    const now = this.#context.clock.monotonic()
    this.#began ??= { at: now, timestamp }
    return this.#began.at + (timestamp - this.#began.timestamp) / this.#speed - now
  }

  async sleep(ms: number): Promise<void> {
    await sleep(this.#context.clock, ms, { signal: this.#signal })
  }
}
