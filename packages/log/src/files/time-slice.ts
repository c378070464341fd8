import type { Clock } from '@varve/platform'
import { logLimits } from '../limits.ts'

/** Calls between two looks at other work, also where the clock stands still. */
const STEPS_MAX = 500

/** Cuts long work into slices, between which the event loop turns: it is the user's. */
export class TimeSlice {
  readonly #clock: Clock
  #began: number
  #steps = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#began = clock.monotonic()
  }

  /** To be awaited after each step, if it answers anything. */
  end(): Promise<void> | undefined {
    if (++this.#steps < STEPS_MAX && this.#clock.monotonic() - this.#began < logLimits.sliceMs)
      return undefined
    return new Promise(resolve => {
      setImmediate(() => {
        this.#began = this.#clock.monotonic()
        this.#steps = 0
        resolve()
      })
    })
  }
}
