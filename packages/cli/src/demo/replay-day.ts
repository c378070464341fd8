import type { VarveClient } from '@varve/runtime'
import { DAY_MS, dayText, type Flight } from './flights.ts'
import { failed, rowOf } from './prove.ts'

export interface DayReplay {
  /** Flights of the day. */
  flights: number
  /** Flights by hour of departure. */
  hours: number[]
  /** How many partitions they came from. */
  partitions: number
}

/** Replays one day, merged by time over the partitions, and checks that it is that day, whole and in order. */
export async function replayDay(
  varve: VarveClient,
  {
    topic,
    day,
    flights,
    signal,
  }: { topic: string; day: number; flights: readonly Flight[]; signal: AbortSignal },
): Promise<DayReplay> {
  const hours = new Array<number>(24).fill(0)
  const partitions = new Set<number>()
  const rows = new Set<number>()
  let before = -Infinity
  const range = {
    from: { kind: 'time', timestamp: day },
    to: { kind: 'time', timestamp: day + DAY_MS },
  } as const
  for await (const record of varve.replay(topic, { ...range, signal })) {
    if (record.timestamp < before) throw failed(`the replay went back in time at flight ${rowOf(record) + 1}`)
    before = record.timestamp
    const hour = Math.floor((record.timestamp - day) / 3_600_000)
    if (hour < 0 || hour > 23)
      throw failed(`the replay of ${dayText(day)} holds flight ${rowOf(record) + 1} of another day`)
    hours[hour] = (hours[hour] ?? 0) + 1
    partitions.add(record.partition)
    rows.add(rowOf(record))
  }
  signal.throwIfAborted()
  const wanted = flights.filter(flight => flight.timestamp >= day && flight.timestamp < day + DAY_MS).length
  if (rows.size !== wanted)
    throw failed(`the replay of ${dayText(day)} has ${rows.size} flights instead of ${wanted}`)
  return { flights: wanted, hours, partitions: partitions.size }
}
