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
  options: GroupOptions,
  progress: Progress,
): Promise<GroupWork> {
  const ends = await varve.admin.offsets(options.topic, 'end')
  const pair = new Pair(varve, options, { ends, progress })
  await pair.run()
  options.signal.throwIfAborted()
  const { work } = pair
  const done = work.first + work.second
  const total = options.flights.length
  if (done < total) throw failed(`the group handled ${done} of ${total} flights and then stood still`)
  return work
}

/** The two members and what they have done. */
class Pair {
  readonly work: GroupWork
  readonly #flights: readonly Flight[]
  readonly #ends: ReadonlyMap<number, number>
  readonly #progress: Progress
  readonly #first: Member
  readonly #second: Member
  #moved = performance.now()
  #sharedSince: number | undefined
  #firstLeft = false

  constructor(
    varve: VarveClient,
    { topic, group, flights, signal }: GroupOptions,
    { ends, progress }: { ends: readonly { partition: number; offset: number }[]; progress: Progress },
  ) {
    this.#flights = flights
    this.#ends = new Map(ends.map(end => [end.partition, end.offset]))
    this.#progress = progress
    this.work = {
      handled: new Uint8Array(flights.length),
      delays: new DelayTable(),
      first: 0,
      second: 0,
      together: { flights: 0, ms: 0 },
    }
    const join = (clientId: string): Member =>
      varve.consumer({
        group,
        topics: [topic],
        clientId,
        key: 'string',
        value: 'string',
        fetchBytesMax: FETCH_BYTES,
        autoCommit: false,
        signal,
      })
    this.#first = join('member-1')
    this.#second = join('member-2')
  }

  /** Ends when everything is handled, or when nothing has moved for too long. */
  async run(): Promise<void> {
    const watchdog = setInterval(() => {
      if (performance.now() - this.#moved > PATIENCE_MS) void this.#close()
    }, 250)
    try {
      await Promise.all([this.#runFirst(), this.#runSecond()])
    } finally {
      clearInterval(watchdog)
      await this.#close()
    }
  }

  async #runFirst(): Promise<void> {
    for await (const batch of this.#first.batches()) {
      this.work.first += batch.records.length
      await this.#handle(batch)
      if (this.#second.assignment.length === 0) await sleep(JOIN_PAUSE_MS)
      else if (this.work.first >= this.#share(this.#first) / 2) break
    }
    await this.#first.close()
    this.#firstLeft = true
  }

  async #runSecond(): Promise<void> {
    for await (const batch of this.#second.batches()) {
      this.work.second += batch.records.length
      await this.#handle(batch)
      if (this.#first.assignment.length === 0 && !this.#firstLeft) await sleep(JOIN_PAUSE_MS)
    }
  }

  async #handle(batch: ConsumerBatch<string, string>): Promise<void> {
    const { handled, delays, together } = this.work
    for (const record of batch.records) {
      const flight = this.#flights[rowOf(record)]
      if (flight === undefined) throw failed('the group was given a record that was never sent')
      handled[flight.row] = (handled[flight.row] ?? 0) + 1
      delays.add(flight)
    }
    await batch.commit()
    this.#moved = performance.now()
    if (this.#sharedSince !== undefined) {
      together.flights += batch.records.length
      together.ms = this.#moved - this.#sharedSince
    } else if (this.#first.assignment.length > 0 && this.#second.assignment.length > 0) {
      this.#sharedSince = this.#moved
    }
    const done = this.work.first + this.work.second
    this.#progress(done, this.#flights.length)
    if (done >= this.#flights.length) setImmediate(() => void this.#close())
  }

  /** Every batch is committed when it is handled, so closing loses nothing at any moment. */
  #close(): Promise<unknown> {
    return Promise.allSettled([this.#first.close(), this.#second.close()])
  }

  /** Records in the partitions that are the member's. */
  #share(member: Member): number {
    return member.assignment.reduce((sum, { partition }) => sum + (this.#ends.get(partition) ?? 0), 0)
  }
}
