import type { RecordMetadata, VarveClient } from '@varve/runtime'
import { DEMO_HEADER } from './claim.ts'
import type { Flight } from './flights.ts'
import type { Progress } from './steps.ts'

const BATCH = 1_000
const IN_FLIGHT_MOST = 4

/** Appends every flight, keyed by its origin, with its own time. Resolves to where each row was acknowledged to be. */
export async function produceFlights(
  varve: VarveClient,
  { topic, flights, signal }: { topic: string; flights: readonly Flight[]; signal: AbortSignal },
  progress: Progress,
): Promise<RecordMetadata[]> {
  const producer = varve.producer({ key: 'string', value: 'string' })
  const acknowledged: RecordMetadata[] = []
  const inFlight = new Set<Promise<void>>()
  let done = 0
  for (let from = 0; from < flights.length; from += BATCH) {
    signal.throwIfAborted()
    const records = flights.slice(from, from + BATCH).map(({ row, origin, value, timestamp }) => ({
      key: origin,
      value,
      timestamp,
      headers: [[DEMO_HEADER, String(row)]] as const,
    }))
    const sending: Promise<void> = producer.sendBatch(topic, records).then(appended => {
      for (const [index, metadata] of appended.entries()) acknowledged[from + index] = metadata
      done += appended.length
      progress(done, flights.length)
      inFlight.delete(sending)
    })
    // The first error is thrown below; those that follow it are not news.
    sending.catch(() => undefined)
    inFlight.add(sending)
    if (inFlight.size >= IN_FLIGHT_MOST) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)
  await producer.close()
  return acknowledged
}
