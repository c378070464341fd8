import { VarveError } from '@varve/platform'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One flight, and the record that it becomes. */
export interface Flight {
  /** Its place in the order of time, from 0. */
  readonly row: number
  /** When it left, ms since 1970. The file names no zone: its local times are taken as UTC. */
  readonly timestamp: number
  /** Minutes; negative when it came early. */
  readonly delay: number
  readonly origin: string
  /** The JSON text that is the record's value. */
  readonly value: string
}

const PACKAGE_FILE = join('node_modules', 'vega-datasets', 'data', 'flights-20k.json')

/** The file with the flights, in the nearest `node_modules` around `cwd` or this package. */
export function findFlights(cwd: string): string {
  for (const from of [cwd, dirname(fileURLToPath(import.meta.url))]) {
    for (let folder = from; ; folder = dirname(folder)) {
      const path = join(folder, PACKAGE_FILE)
      if (existsSync(path)) return path
      if (dirname(folder) === folder) break
    }
  }
  throw new VarveError(
    'NOT_FOUND',
    'The flights of the demo are in the package vega-datasets, which is not installed: run `npm install vega-datasets`, or name a file by --file.',
  )
}

/** The flights in the order of their time. @throws an error that names the file, the flight and the field */
export async function readFlights(path: string): Promise<Flight[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new VarveError(
      code === 'ENOENT' ? 'NOT_FOUND' : 'IO_ERROR',
      `The file ${path} could not be read (${code}): give --file a JSON array of flights.`,
      { context: { path, errno: code }, cause: error },
    )
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ')
    throw bad(path, `is not JSON (${why})`)
  }
  if (!Array.isArray(json)) throw bad(path, 'is not a JSON array')
  if (json.length === 0) throw bad(path, 'is an empty array')
  const flights = json.map((one: unknown, row) => flightOf(one, row, path))
  // History is appended in its order, so that each partition is in order of time too.
  return flights.sort((a, b) => a.timestamp - b.timestamp).map((flight, row) => ({ ...flight, row }))
}

function flightOf(one: unknown, row: number, path: string): Flight {
  const wrong = (what: string) => bad(path, `has a flight ${row + 1} ${what}`)
  if (typeof one !== 'object' || one === null || Array.isArray(one)) throw wrong('that is not an object')
  const { date, delay, origin } = one as Record<string, unknown>
  if (typeof origin !== 'string' || origin === '') throw wrong('whose "origin" is not a text')
  if (typeof delay !== 'number') throw wrong('whose "delay" is not a number of minutes')
  const timestamp = typeof date === 'string' ? timeOf(date) : undefined
  if (timestamp === undefined) throw wrong('whose "date" is not like "2001/01/31 06:05"')
  return { row, timestamp, delay, origin, value: JSON.stringify(one) }
}

/** `2001/01/31 06:05` in UTC. */
function timeOf(text: string): number | undefined {
  const match = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d)$/.exec(text)
  if (match === null) return undefined
  const iso = `${match.slice(1, 4).join('-')}T${match.slice(4, 6).join(':')}:00.000Z`
  const date = new Date(iso)
  // 2001/02/30 is no day, although Date would make it the second of March.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== iso || date.getTime() < 0) return undefined
  return date.getTime()
}

function bad(path: string, what: string): VarveError {
  return new VarveError(
    'INVALID_RECORD',
    `The file ${path} ${what}: the demo takes [{"date":"2001/01/31 06:05","delay":5,"origin":"DTW"}, …].`,
    { context: { path } },
  )
}

export const DAY_MS = 86_400_000

/** Midnight of the day with the most flights; the first of several. */
export function fullestDay(flights: readonly Flight[]): number {
  const counts = new Map<number, number>()
  for (const { timestamp } of flights) {
    const day = timestamp - (timestamp % DAY_MS)
    counts.set(day, (counts.get(day) ?? 0) + 1)
  }
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0]
}

/** `2001-01-03`. */
export function dayText(timestamp: number): string {
  return new Date(timestamp).toISOString().slice(0, 10)
}
