import type { FiredFault } from '../disk/fault.ts'

/** The process in which clients act, as far as they depend on it: it works, fails, or is gone. */
export interface LifeWorld {
  /** Whether the process is gone: nobody hears what its calls say from then on. */
  readonly dead: boolean
  /** What went wrong so far, which excuses calls that fail. */
  readonly fired: readonly FiredFault[]
  /** Ends all trouble that was planned. */
  repair(): void
  /** Resolves when something may have happened. Default: after a turn of the event loop. */
  turn?(): Promise<void>
  /** Waits for a death that is certain. Default: there is none. */
  ended?(): Promise<void>
}
