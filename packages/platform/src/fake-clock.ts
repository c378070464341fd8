import type { Clock, Timer } from './clock.ts'

interface Waiting {
  due: number
  /** Timers of the same moment run in the order in which they were set. */
  order: number
  run: () => void
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number
  #monotonic = 0
  #orders = 0
  readonly #waiting = new Set<Waiting>()

  /** @param startMs what `now()` says first, milliseconds since the epoch. Default 2026-11-20T00:00:00Z. */
  constructor(startMs = Date.UTC(2026, 10, 20)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#monotonic
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#waiting.size
  }

  setTimer(ms: number, run: () => void): Timer {
    const waiting = { due: this.#monotonic + Math.max(0, ms), order: this.#orders++, run }
    this.#waiting.add(waiting)
    return {
      cancel: () => {
        this.#waiting.delete(waiting)
      },
    }
  }

  /** Lets `ms` pass and runs what falls due meanwhile, each timer at its own moment, in order. */
  advance(ms: number): void {
    const end = this.#monotonic + ms
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) this.#fire(next)
    this.#pass(end - this.#monotonic)
  }

  /** As `advance`, but what each timer set off gets the event loop before the next timer runs. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#monotonic + ms
    await turn()
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#fire(next)
      await turn()
    }
    this.#pass(end - this.#monotonic)
    await turn()
  }

  /** Sets the wall clock, as an administrator would: `monotonic()` and the timers do not notice. */
  setNow(ms: number): void {
    this.#now = ms
  }

  #next(end: number): Waiting | undefined {
    let first: Waiting | undefined
    for (const one of this.#waiting) {
      if (one.due > end) continue
      if (first === undefined || one.due < first.due || (one.due === first.due && one.order < first.order))
        first = one
    }
    return first
  }

  #fire(one: Waiting): void {
    this.#waiting.delete(one)
    this.#pass(one.due - this.#monotonic)
    one.run()
  }

  #pass(ms: number): void {
    if (ms <= 0) return
    this.#now += ms
    this.#monotonic += ms
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
