import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, ConsumerBatch, VarveClient } from '@varve/runtime'
import { DelayTable } from './delays.ts'
import type { Flight } from './flights.ts'
import { failed, rowOf } from './prove.ts'
import type { Progress } from './steps.ts'

/** How often each row was handled. */
export type Handled = Uint8Array

export interface GroupWork {
  handled: Handled
  delays: DelayTable
  /** How many each member handled. */
  first: number
  second: number
  /** Flights and ms since both were there. */
  together: { flights: number; ms: number }
}

export interface GroupOptions {
  topic: string
  group: string
  flights: readonly Flight[]
  signal: AbortSignal
}

/** How long the group may stand still before the demo gives up, ms. */
const PATIENCE_MS = 20_000

/**
 * How long a member waits after a batch while the other one is not there yet, ms: a member learns by its heartbeat, half a
 * second apart, that it has to share.
 */
const JOIN_PAUSE_MS = 200
/** Small, so that the work is handed out in many batches and half-way means half. */
const FETCH_BYTES = 32_768

type Member = Consumer<string, string>

/**
 * Two members share the partitions, each commits every batch it has handled. When the first has handled half of what is its
 * own it leaves, and the second goes on from the offsets that the first committed.
 */
export async function consumeFlights(
  varve: VarveClient,
  { topic, group, flights, signal }: GroupOptions,
  progress: Progress,
): Promise<GroupWork> {
  const handled = new Uint8Array(flights.length)
  const work: GroupWork = {
    handled,
    delays: new DelayTable(),
    first: 0,
    second: 0,

    together: { flights: 0, ms: 0 },
  }
  const total = flights.length
  const ends = new Map((await varve.admin.offsets(topic, 'end')).map(end => [end.partition, end.offset]))
  const options = {
    group,
    topics: [topic],
    key: 'string',
    value: 'string',
    fetchBytesMax: FETCH_BYTES,
  } as const
  const first: Member = varve.consumer({
    ...options,
    clientId: 'member-1',
    autoCommit: false,
    signal,
  })
  const second: Member = varve.consumer({
    ...options,
    clientId: 'member-2',
    autoCommit: false,
    signal,
  })
  let moved = performance.now()
  let firstLeft = false
  let sharedSince: number | undefined
  // Every batch is committed when it is handled, so closing loses nothing at any moment.
  const closeBoth = () => Promise.allSettled([first.close(), second.close()])
  const handle = async (batch: ConsumerBatch<string, string>) => {
    for (const record of batch.records) {
      const flight = flights[rowOf(record)]
      if (flight === undefined) throw failed('the group was given a record that was never sent')
      handled[flight.row] = (handled[flight.row] ?? 0) + 1
      work.delays.add(flight)
    }
    await batch.commit()
    moved = performance.now()
    if (sharedSince !== undefined) {
      work.together = { flights: work.together.flights + batch.records.length, ms: moved - sharedSince }
    } else if (first.assignment.length > 0 && second.assignment.length > 0) sharedSince = moved
    progress(work.first + work.second, total)
    if (work.first + work.second >= total) setImmediate(() => void closeBoth())
  }
  const runFirst = async () => {
    for await (const batch of first.batches()) {
      work.first += batch.records.length
      await handle(batch)
      if (second.assignment.length === 0) await sleep(JOIN_PAUSE_MS)
      else if (work.first >= shareOf(first, ends) / 2) break
    }
    await first.close()
    firstLeft = true
  }
  const runSecond = async () => {
    for await (const batch of second.batches()) {
      work.second += batch.records.length
      await handle(batch)
      if (first.assignment.length === 0 && !firstLeft) await sleep(JOIN_PAUSE_MS)
    }
  }
  const watchdog = setInterval(() => {
    if (performance.now() - moved > PATIENCE_MS) void closeBoth()
  }, 250)
  try {
    await Promise.all([runFirst(), runSecond()])
  } finally {
    clearInterval(watchdog)
    await closeBoth()
  }
  signal.throwIfAborted()
  const done = work.first + work.second
  if (done < total) throw failed(`the group handled ${done} of ${total} flights and then stood still`)
  return work
}

/** Records in the partitions that are the member's. */
function shareOf(member: Member, ends: ReadonlyMap<number, number>): number {
  return member.assignment.reduce((sum, { partition }) => sum + (ends.get(partition) ?? 0), 0)
}
