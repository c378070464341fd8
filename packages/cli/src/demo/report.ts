import type { Io } from '../io.ts'
import { paintFor } from '../output/colours.ts'
import { count, counted } from '../output/table.ts'
import { bars } from './bars.ts'
import { averageOf, type Delays, type DelayTable } from './delays.ts'
import { dayText } from './flights.ts'
import type { DayReplay } from './replay-day.ts'

export interface Findings {
  flights: number
  delays: DelayTable
  day: number
  replayed: DayReplay
}

const BAR_WIDTH = 32
const AIRPORTS = 10

/** The picture of what the group and the replay found. */
export function picture({ flights, delays, day, replayed }: Findings, io: Io): string {
  const paint = paintFor(io.stdout, io.env)
  // Averages of a handful of flights say nothing: 100 of the 20,000, and as much of any other file.
  const least = Math.max(1, Math.round(flights / 200))
  const hours = [...delays.hours].sort(([a], [b]) => a - b).filter(([, one]) => one.flights >= least)
  const airports = [...delays.airports]
    .filter(([, one]) => one.flights >= least)
    .sort(([, a], [, b]) => averageOf(b) - averageOf(a))
    .slice(0, AIRPORTS)
  const from = (n: number, all: number, noun: string) =>
    all === n ? '' : `; ${counted(all - n, noun)} with fewer than ${counted(least, 'flight')} left out`
  const enough = [...delays.airports.values()].filter(one => one.flights >= least).length
  return [
    `\n${paint('bold', 'Average delay by hour of departure')}, minutes${from(hours.length, delays.hours.size, 'hour')}\n`,
    bars(
      hours.map(([hour, one]) => delayBar(hourText(hour), one)),
      { width: BAR_WIDTH },
    ),
    `\n${paint('bold', `Average delay by airport`)}, minutes: the ${count(airports.length)} latest of ${counted(enough, 'airport')}` +
      `${from(enough, delays.airports.size, 'airport')}\n`,
    bars(
      airports.map(([airport, one]) => delayBar(airport, one)),
      { width: BAR_WIDTH },
    ),
    `\n${paint('bold', `Departures on ${dayText(day)}`)}, as the replay went by: ${counted(replayed.flights, 'flight')} from ` +
      `${counted(replayed.partitions, 'partition')}\n`,
    bars(departures(replayed), { width: BAR_WIDTH }),
  ].join('')
}

function delayBar(label: string, delays: Delays) {
  const average = averageOf(delays)
  const text = `${average.toFixed(1).padStart(5)}  ${counted(delays.flights, 'flight').padStart(13)}`
  return { label, value: average, text }
}

function departures({ hours }: DayReplay) {
  const first = hours.findIndex(n => n > 0)
  const last = hours.findLastIndex(n => n > 0)
  return hours
    .map((n, hour) => ({ label: hourText(hour), value: n, text: String(n).padStart(4) }))
    .slice(Math.max(first, 0), last + 1)
}

function hourText(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00`
}
