import type { ConsumerRecord } from '../api.ts'
import type { TimeSlice } from '../time-slice.ts'
import type { PartitionStream } from './partition-stream.ts'
import type { ReadScope } from './read-scope.ts'

const WAIT_MS = 1000

interface Filled<K, V> {
  readonly stream: PartitionStream<K, V>
  readonly found: boolean
  readonly error?: unknown
}

/** What is appended from now on, in the order in which it comes, until every range has ended. */
export async function* follow<K, V>(
  streams: readonly PartitionStream<K, V>[],
  scope: ReadScope,
  slice: TimeSlice,
): AsyncGenerator<ConsumerRecord<K, V>, void, undefined> {
  const waits = new Map<PartitionStream<K, V>, Promise<Filled<K, V>>>()
  const wait = (stream: PartitionStream<K, V>): void => {
    if (!stream.open) return
    waits.set(
      stream,
      stream.fill(WAIT_MS).then(
        found => ({ stream, found }),
        (error: unknown) => ({ stream, found: false, error }),
      ),
    )
  }
  for (const stream of streams) wait(stream)
  while (waits.size > 0) {
    const { stream, found, error } = await Promise.race(waits.values())
    waits.delete(stream)
    if (error !== undefined) throw error as Error
    for (let record = found ? stream.next() : undefined; record !== undefined; record = stream.next()) {
      yield record
      scope.check()
      if (slice.step()) await slice.turn()
    }
    wait(stream)
  }
}
