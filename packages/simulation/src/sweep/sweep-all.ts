import { PropertyFailure } from '@varve/testkit'
import { hits, type FaultKind } from '../disk/fault.ts'
import { FaultSweep } from './fault-sweep.ts'
import { WORKLOADS, type Workload } from './workload.ts'

/** `failed-sync` and `short-write` are `io-error` at the operations that they wait for. */
const KINDS: readonly { readonly kind: FaultKind; readonly lasts: number }[] = [
  { kind: 'io-error', lasts: 1 },
  { kind: 'disk-full', lasts: 1 },
  { kind: 'disk-full', lasts: 40 },
  { kind: 'no-handles', lasts: 20 },
]

export interface SweepCounts {
  /** Operations of the workload. */
  operations: number
  runs: number
  /** Runs in which the fault hit. */
  fired: number
  acknowledged: number
}

/** For each workload. */
export type SweepsCounts = Record<Workload, SweepCounts>

/**
 * Lets every operation of each workload fail in turn (or every `step`-th), in every way that it can, before either kind of
 * loss.
 *
 * @throws PropertyFailure
 */
export async function sweepAll(seed: number, { step }: { readonly step: number }): Promise<SweepsCounts> {
  const counts: Partial<SweepsCounts> = {}
  for (const workload of WORKLOADS) counts[workload] = await sweepOne(workload, seed, step)
  return counts as SweepsCounts
}

async function sweepOne(workload: Workload, seed: number, step: number): Promise<SweepCounts> {
  const { operations } = await new FaultSweep({ workload, seed, loss: 'memory' }).run()
  const counts = { operations: operations.length, runs: 0, fired: 0, acknowledged: 0 }
  for (const { kind, lasts } of KINDS) {
    for (const loss of ['memory', 'power'] as const) {
      for (let at = 1 + (counts.runs % step); at <= operations.length; at += step) {
        const operation = operations[at - 1]
        if (operation === undefined || !hits(kind, operation)) continue
        const { fired, acknowledged } = await new FaultSweep({
          workload,
          seed,
          loss,
          fault: { kind, at, lasts },
        })
          .run()
          .catch((error: unknown) => {
            const message = error instanceof Error ? error.message : String(error)
            throw new PropertyFailure(
              `${workload}: ${kind} at operation ${at} (${operation}), then the loss of ${loss}: ${message}`,
              { cause: error },
            )
          })
        counts.runs++
        counts.fired += Math.min(1, fired)
        counts.acknowledged += acknowledged
      }
    }
  }
  return counts
}
