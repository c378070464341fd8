import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { PlantedBug } from '@varve/log/testing'
import { PropertyFailure } from '@varve/testkit'
import { BrokerHistory } from '../broker/broker-history.ts'
import { CorruptionRun, type CorruptionCounts } from '../corruption/corruption-run.ts'
import { HistoryCounts } from '../history/counts.ts'
import { LogHistory } from '../history/log-history.ts'
import { LockRace, type LockRaceCounts } from '../lock/lock-race.ts'
import { sweepAll, type SweepsCounts } from '../sweep/sweep-all.ts'
import { WORKLOADS } from '../sweep/workload.ts'
import { caught, type Caught } from './planted.ts'
import { forEachSeed } from './seeds.ts'

/** What a property is tried with. */
export interface Trial {
  readonly seeds: readonly number[]
  /** The test file that tries it, for the command that runs a seed again. */
  readonly file: string
}

const properties = {
  log: (seed: number, operations: number) => new LogHistory(seed, { operations }).run(),
  broker: (seed: number, operations: number) => new BrokerHistory(seed, { operations }).run(),
  lock: (seed: number, acquisitions: number) => new LockRace(seed, { acquisitions }).run(),
  corruption: (seed: number, damages: number) =>
    new CorruptionRun(seed, { clean: seed % 2 === 0 }).run(damages),
}

export type Property = keyof typeof properties

export interface PlantedTrial {
  readonly bug: PlantedBug
  readonly property: Property
  /** Operations, acquisitions or damages of one seed. */
  readonly size: number
  readonly seedsMax: number
}

const jobs = {
  histories: async (of: Trial & { readonly property: 'log' | 'broker'; readonly operations: number }) => {
    const counts = new HistoryCounts()
    await forEachSeed(of, async seed => {
      counts.add(await properties[of.property](seed, of.operations))
    })
    return { text: counts.toString(), ...counts.toJSON() }
  },
  lockRaces: async (of: Trial & { readonly acquisitions: number }): Promise<LockRaceCounts> => {
    const total = { acquired: 0, refused: 0, killed: 0 }
    await forEachSeed(of, async seed => {
      addTo(total, await properties.lock(seed, of.acquisitions))
    })
    return total
  },
  corruptions: async (of: Trial & { readonly damages: number }): Promise<CorruptionCounts> => {
    const total = { damages: 0, refused: 0, unreadable: 0, compared: 0 }
    await forEachSeed(of, async seed => {
      addTo(total, await properties.corruption(seed, of.damages))
    })
    return total
  },
  sweeps: async (of: Trial & { readonly step: number }): Promise<SweepsCounts> => {
    const none = { operations: 0, runs: 0, fired: 0, acknowledged: 0 }
    const total: SweepsCounts = { appends: { ...none }, producers: { ...none }, retention: { ...none } }
    await forEachSeed(of, async seed => {
      const counts = await sweepAll(seed, of)
      for (const workload of WORKLOADS) addTo(total[workload], counts[workload])
    })
    return total
  },
  planted: (of: PlantedTrial): Promise<Caught | undefined> =>
    caught(of.bug, seed => properties[of.property](seed, of.size), of),
  /** Every operation of every disk of a history, and how it went on. */
  story: async ({ seed, operations }: { seed: number; operations: number }): Promise<string[]> => {
    const lines: string[] = []
    const history = new LogHistory(seed, { operations, trace: line => lines.push(line) })
    await history.run()
    return [...lines, ...history.story, history.counts.toString()]
  },
}

type Jobs = typeof jobs
type Answer = { readonly result: unknown } | { readonly message: string; readonly stack: string | undefined }

/**
 * Runs a job in a thread of its own: a test runner follows every promise of its own thread, which takes longer than
 * the histories themselves.
 *
 * @throws PropertyFailure
 */
export async function runJob<Name extends keyof Jobs>(
  name: Name,
  given: Parameters<Jobs[Name]>[0],
): Promise<Awaited<ReturnType<Jobs[Name]>>> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { varveJob: name, given } })
  const answer = await new Promise<Answer>((resolve, reject) => {
    worker.once('message', (said: Answer) => {
      resolve(said)
    })
    worker.once('error', reject)
    worker.once('exit', code => {
      reject(
        new PropertyFailure(`The job ${name} ended without an answer, with code ${code}: a call is stuck`),
      )
    })
  })
  await worker.terminate()
  if ('result' in answer) return answer.result as Awaited<ReturnType<Jobs[Name]>>
  const failure = new PropertyFailure(answer.message)
  if (answer.stack !== undefined) failure.stack = answer.stack
  throw failure
}

async function answer({ varveJob, given }: { varveJob: keyof Jobs; given: never }): Promise<void> {
  const job: (of: never) => Promise<unknown> = jobs[varveJob]
  let said: Answer
  try {
    said = { result: await job(given) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    said = { message: error.message, stack: error.stack }
  }
  parentPort?.postMessage(said)
}

function addTo<T extends object>(total: T, more: { readonly [K in keyof T]: number }): void {
  for (const key of Object.keys(total) as (keyof T)[])
    total[key] = ((total[key] as number) + more[key]) as T[keyof T]
}

function isJob(data: unknown): data is { varveJob: keyof Jobs; given: never } {
  return typeof data === 'object' && data !== null && 'varveJob' in data
}

if (!isMainThread && isJob(workerData)) void answer(workerData)
