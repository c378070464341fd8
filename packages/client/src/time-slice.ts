import type { Clock } from '@varve/platform'

/** How long work may go on from promise to promise before timers and I/O get a turn. */
const SLICE_MS = 4
/** Asking the clock costs as much as a record. */
const STEPS = 64

/**
 * The event loop is the user's. Where everything is at hand (fetched ahead, or in memory) a loop that awaits only
 * settled promises would never let it turn: no timer, no heartbeat, no socket.
 */
export class TimeSlice {
  readonly #clock: Clock
  #began: number
  #steps = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#began = clock.monotonic()
  }

  /** Counts one small step; true when it is time for `turn()`. */
  step(): boolean {
    return ++this.#steps % STEPS === 0 && this.over()
  }

  /** Whether it is time for `turn()`. */
  over(): boolean {
    return this.#clock.monotonic() - this.#began > SLICE_MS
  }

  async turn(): Promise<void> {
    await new Promise<void>(resolve => setImmediate(resolve))
    this.#began = this.#clock.monotonic()
  }
}
