import type { VarveClient } from '@varve/runtime'
import { dataDirectory, optionalText, ownerOptions } from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { EXIT, usageError } from '../failures.ts'
import { claimTopic, PARTITIONS } from '../demo/claim.ts'
import { consumeFlights } from '../demo/consume-flights.ts'
import { DAY_MS, dayText, findFlights, fullestDay, readFlights, type Flight } from '../demo/flights.ts'
import { produceFlights } from '../demo/produce-flights.ts'
import { prove } from '../demo/prove.ts'
import { replayDay } from '../demo/replay-day.ts'
import { picture } from '../demo/report.ts'
import { rateText, secondsText, Steps } from '../demo/steps.ts'
import { dataHint, openData } from '../open.ts'
import { count, counted } from '../output/table.ts'

export const demoCommand: Command = {
  usage: 'demo',
  describe:
    'Take 20,000 flights of 2001 through a durable log: produce, consume by a group, reopen, prove, replay',
  options: {
    ...ownerOptions,
    topic: { type: 'string', requiresArg: true, describe: 'The topic to use [default: flights]' },
    day: {
      type: 'string',
      requiresArg: true,
      describe: 'The day to replay [default: the fullest, 2001-01-03]',
    },
    file: {
      type: 'string',
      requiresArg: true,
      describe: 'A JSON array of flights [default: that of the package vega-datasets]',
    },
  },
  examples: [
    ['demo', 'in ./data; again and again, as it begins anew'],
    ['demo --data /tmp/demo --day 2001-02-14', 'elsewhere, with another day'],
  ],
  run: demo,
}

async function demo(args: Arguments, context: Context): Promise<number> {
  const { interrupt } = context
  const opened: { varve?: VarveClient } = {}
  try {
    await run(args, context, opened)
    return EXIT.ok
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
    context.note('Stopped: what was acknowledged is kept, and the next run begins anew.')
    return interrupt.exitCode
  } finally {
    await opened.varve?.close()
  }
}

async function run(args: Arguments, context: Context, opened: { varve?: VarveClient }): Promise<void> {
  const { io, interrupt, output } = context
  const { signal } = interrupt
  const topic = optionalText(args, 'topic') ?? 'flights'
  const path = dataDirectory(args, context)
  const askedDay = dayOf(optionalText(args, 'day'))
  const steps = new Steps(context)

  const flights = await steps.run('Read the flights', async () => {
    const file = optionalText(args, 'file')
    const found = await readFlights(file ?? findFlights(process.cwd()))
    return [found, `${count(found.length)} of ${spanText(found)} from ${file ?? 'vega-datasets'}`]
  })
  const day = checkedDay(askedDay ?? fullestDay(flights), flights)

  const open = () => openData(args, context, { mode: 'write', create: true })
  let varve = (opened.varve = await steps.run('Open the log', async () => [await open(), path]))
  const { topicId } = await steps.run('Create the topic', async () => {
    const made = await claimTopic(varve, { topic, path, signal })
    const anew = made.again ? ' (that of an earlier run is deleted)' : ''
    return [made, `${topic}, ${PARTITIONS} partitions, retention.ms=-1${anew}`]
  })
  // A group of its own for each run: offsets that an earlier one committed say nothing about this topic.
  const group = `${topic}-demo-${topicId}`

  const acknowledged = await steps.run('Produce', async progress => {
    const begun = performance.now()
    const made = await produceFlights(varve, { topic, flights, signal }, progress)
    return [
      made,
      `${counted(made.length, 'record')}, keyed by airport, each synced to disk (${rateText(made.length, performance.now() - begun)})`,
    ]
  })
  const work = await steps.run('Consume', async progress => {
    const done = await consumeFlights(varve, { topic, group, flights, signal }, progress)
    const rate = rateText(done.together.flights, done.together.ms)
    const says = `member 1 left half-way after ${count(done.first)}; member 2 took over: ${count(done.second)} (${rate})`
    return [done, says]
  })
  varve = opened.varve = await steps.run('Close and reopen', async () => {
    await varve.close()
    return [await open(), `${path}, with the group's committed offsets`]
  })
  await steps.run('Prove', async progress => {
    const { handled } = work
    await prove(varve, { topic, group, flights, acknowledged, handled, signal }, progress)
    const n = count(flights.length)
    return [undefined, `${n} sent = acknowledged = stored = handled: nothing lost, nothing twice`]
  })
  const replayed = await steps.run('Replay a day', async () => {
    const begun = performance.now()
    const found = await replayDay(varve, { topic, day, flights, signal })
    const rate = rateText(found.flights, performance.now() - begun)
    return [
      found,
      `${dayText(day)}: ${counted(found.flights, 'flight')} merged by time over ${PARTITIONS} partitions (${rate})`,
    ]
  })
  await varve.close()
  output.text(picture({ flights: flights.length, delays: work.delays, day, replayed }, io))
  output.text(`\nDone in ${secondsText(steps.elapsedMs)}. ${next({ topic, day, path })}`)
}

function next({ topic, day, path }: { topic: string; day: number; path: string }): string {
  const hint = dataHint(path)
  return [
    'To try next:',
    `  npx varve topic describe ${topic}${hint}`,
    `  npx varve tail ${topic} -n 5${hint}`,
    `  npx varve read ${topic} @${dayText(day)}..@${dayText(day + DAY_MS)} -o json${hint}`,
    `  npx varve topic create numbers${hint}`,
    `  seq 1 1000 | npx varve produce numbers${hint}\n`,
  ].join('\n')
}

function spanText(flights: readonly Flight[]): string {
  const [first, last] = [flights[0], flights.at(-1)]
  return first && last ? `${dayText(first.timestamp)} to ${dayText(last.timestamp)}` : ''
}

function dayOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN
  // Date.parse takes the 30th of February for the second of March.
  if (!Number.isNaN(day) && dayText(day) === text) return day
  throw usageError(`--day takes a day such as 2001-01-03, but found "${text}".`)
}

function checkedDay(day: number, flights: readonly Flight[]): number {
  if (flights.some(flight => flight.timestamp >= day && flight.timestamp < day + DAY_MS)) return day
  throw usageError(`--day ${dayText(day)} has no flights: the file goes from ${spanText(flights)}.`)
}
