import { PropertyFailure } from '@varve/testkit'
import type { FaultKind } from '../disk/fault.ts'
import { FaultSweep } from './fault-sweep.ts'

const KINDS: readonly { readonly kind: FaultKind; readonly lasts: number }[] = [
  { kind: 'io-error', lasts: 1 },
  { kind: 'failed-sync', lasts: 1 },
  { kind: 'short-write', lasts: 1 },
  { kind: 'disk-full', lasts: 1 },
  { kind: 'disk-full', lasts: 40 },
  { kind: 'no-handles', lasts: 20 },
]

export interface SweepCounts {
  /** Operations of the workload. */
  operations: number
  runs: number
  /** Runs in which the fault hit an operation of its kind. */
  fired: number
  acknowledged: number
}

/** Lets every operation of the workload fail in turn (or every `step`-th), in every way, before either kind of loss. */
export async function sweepAll(seed: number, { step }: { readonly step: number }): Promise<SweepCounts> {
  const { operations } = await new FaultSweep({ seed, loss: 'memory' }).run()
  const counts = { operations, runs: 0, fired: 0, acknowledged: 0 }
  for (const { kind, lasts } of KINDS) {
    for (const loss of ['memory', 'power'] as const) {
      for (let at = 1 + (counts.runs % step); at <= operations; at += step) {
        const { fired, acknowledged } = await new FaultSweep({ seed, loss, fault: { kind, at, lasts } })
          .run()
          .catch((error: unknown) => {
            const message = error instanceof Error ? error.message : String(error)
            throw new PropertyFailure(`${kind} at operation ${at}, then the loss of ${loss}: ${message}`, {
              cause: error,
            })
          })
        counts.runs++
        counts.fired += Math.min(1, fired)
        counts.acknowledged += acknowledged
      }
    }
  }
  return counts
}
