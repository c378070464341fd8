import type { SeededRandom } from '@varve/platform'
import type { FaultKind, FaultPlan } from '../disk/fault.ts'

/** How one process of a history ends, and what goes wrong meanwhile. */
export interface LifePlan {
  /** Client operations after the recovery. */
  readonly operations: number
  /** The disk operation at which it stops; undefined: it ends by itself. */
  readonly stopAt: number | undefined
  /** `close`: in order. `kill`: the process dies. `power`: the machine dies. */
  readonly end: 'close' | 'kill' | 'power'
  /** How likely what was not synced is there after a loss of power. */
  readonly unsyncedPercent: number
  readonly faults: readonly FaultPlan[]
}

const FAULTS: readonly FaultKind[] = ['io-error', 'failed-sync', 'short-write', 'disk-full', 'no-handles']

export interface PlanOptions {
  readonly operations: number
  /** Disk operations that a life of so many client operations may have. */
  readonly diskOperations: number
  readonly faults: boolean
}

export function planLife(
  random: SeededRandom,
  { operations, diskOperations, faults }: PlanOptions,
): LifePlan {
  const end = random.pick(['close', 'kill', 'power', 'power', 'power'] as const)
  return {
    operations: Math.max(1, Math.floor(operations * (0.5 + random.next()))),
    stopAt: end === 'close' && random.chance(70) ? undefined : stopAt(random, diskOperations),
    end,
    unsyncedPercent: random.pick([0, 10, 50, 90, 100, random.int(101)]),
    faults: faults && random.chance(40) ? planFaults(random, diskOperations) : [],
  }
}

/** Often during recovery, which is where the first operations of a process go. */
function stopAt(random: SeededRandom, diskOperations: number): number | undefined {
  if (random.chance(20)) return undefined
  return random.chance(15) ? 1 + random.int(80) : 1 + random.int(diskOperations)
}

function planFaults(random: SeededRandom, diskOperations: number): FaultPlan[] {
  return Array.from({ length: 1 + random.int(3) }, () => ({
    kind: random.pick(FAULTS),
    at: 1 + random.int(diskOperations),
    lasts: 3 + random.int(30),
  }))
}
