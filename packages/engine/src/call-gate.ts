import { setMaxListeners } from 'node:events'
import { closedError } from './errors.ts'

/** Lets calls through until it is closed, and knows when the last of them has ended. */
export class CallGate {
  readonly #abort = new AbortController()
  #calls = 0
  #idle: (() => void) | undefined

  constructor() {
    // Every waiting fetch listens; more than ten are no leak.
    setMaxListeners(0, this.#abort.signal)
  }

  /** Aborts when the gate closes. */
  get closing(): AbortSignal {
    return this.#abort.signal
  }

  /** @throws `CLOSED` */
  async run<T>(call: () => T | Promise<T>): Promise<T> {
    if (this.#abort.signal.aborted) throw closedError()
    this.#calls++
    try {
      return await call()
    } finally {
      this.#calls--
      if (this.#calls === 0) this.#idle?.()
    }
  }

  /** Refuses new calls and wakes those that wait. */
  close(): void {
    this.#abort.abort()
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    if (this.#calls === 0) return
    await new Promise<void>(resolve => {
      this.#idle = resolve
    })
  }
}
