import t from 'tap'
import type { FaultKind } from '../src/disk/fault.ts'
import { FaultSweep } from '../src/sweep/fault-sweep.ts'
import { forEachSeed } from '../src/run/seeds.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

const kinds: readonly { kind: FaultKind; lasts: number }[] = [
  { kind: 'io-error', lasts: 1 },
  { kind: 'failed-sync', lasts: 1 },
  { kind: 'short-write', lasts: 1 },
  { kind: 'disk-full', lasts: 1 },
  { kind: 'disk-full', lasts: 40 },
  { kind: 'no-handles', lasts: 20 },
]

t.test(
  'whichever operation fails, nothing that it took is acknowledged, and the next process goes on',
  async t => {
    // A prime, so that other operations fail each time the workload grows by one.
    const step = sizeOf({ test: 7, ci: 1, long: 1 })
    let runs = 0
    let fired = 0
    let acknowledged = 0
    await forEachSeed(seedsFor({ test: 1, ci: 2, long: 20 }), 'fault-sweep', async seed => {
      const { operations } = await new FaultSweep({ seed, loss: 'memory' }).run()
      for (const { kind, lasts } of kinds) {
        for (const loss of ['memory', 'power'] as const) {
          for (let at = 1 + (seed % step); at <= operations; at += step) {
            try {
              const result = await new FaultSweep({ seed, loss, fault: { kind, at, lasts } }).run()
              runs++
              fired += Math.min(1, result.fired)
              acknowledged += result.acknowledged
            } catch (error) {
              const message = error instanceof Error ? error.message : String(error)
              throw new Error(`${kind} at operation ${at}, then loss of ${loss}: ${message}`, {
                cause: error,
              })
            }
          }
        }
      }
      t.comment(`${operations} operations fail in turn, in ${kinds.length} ways`)
    })
    t.comment(`${runs} runs, ${fired} with a fault, ${acknowledged} acknowledged appends`)
    t.ok(fired > runs / 2, 'faults hit')
  },
)
