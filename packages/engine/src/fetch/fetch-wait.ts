import type { Clock, Timer } from '@varve/platform'
import type { PartitionLog } from '@varve/log'
import { abortedError, closedError } from '../errors.ts'

export interface FetchWaitOptions {
  readonly clock: Clock
  readonly maxWaitMs: number
  /** Aborts when the broker closes. */
  readonly closing: AbortSignal
  readonly signal: AbortSignal | undefined
  /** Looks again after this time, for logs that somebody else writes. */
  readonly pollMs: number | undefined
}

/**
 * The wait of one fetch for more bytes. It listens before the first read, so that an append between a read and the wait
 * after it is not missed.
 */
export class FetchWait {
  readonly #options: FetchWaitOptions
  readonly #undo: (() => void)[] = []
  #deadline: Timer | undefined
  #poll: Timer | undefined
  #woken = false
  #over = false
  #wake: (() => void) | undefined

  constructor(options: FetchWaitOptions) {
    this.#options = options
    const { clock, closing, signal, maxWaitMs } = options
    const wake = (): void => this.#awake()
    for (const one of [closing, signal]) {
      if (one === undefined) continue
      one.addEventListener('abort', wake, { once: true })
      this.#undo.push(() => {
        one.removeEventListener('abort', wake)
      })
    }
    if (maxWaitMs <= 0) {
      this.#over = true
      return
    }
    const expire = (): void => {
      this.#over = true
      this.#awake()
    }
    this.#deadline = clock.setTimer(maxWaitMs, expire)
  }

  /** Wakes when something becomes visible in `log`, or when it closes. */
  watch(log: PartitionLog): void {
    this.#undo.push(log.onVisible(() => this.#awake()))
  }

  /** Whether the time is up. */
  get over(): boolean {
    return this.#over
  }

  /** What happens from now on counts as news. */
  reset(): void {
    this.#woken = false
  }

  /** @throws `CLOSED`, `ABORTED` */
  check(): void {
    const { closing, signal } = this.#options
    if (closing.aborted) throw closedError()
    if (signal?.aborted === true) throw abortedError(signal)
  }

  /** Until something happens that may make the next read another one. */
  async news(): Promise<void> {
    const { clock, pollMs } = this.#options
    if (!this.#woken && !this.#over) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
        if (pollMs !== undefined) this.#poll = clock.setTimer(pollMs, () => this.#awake())
      })
      this.#wake = undefined
      this.#poll?.cancel()
    }
    this.check()
  }

  close(): void {
    this.#deadline?.cancel()
    this.#poll?.cancel()
    for (const undo of this.#undo) undo()
  }

  #awake(): void {
    this.#woken = true
    this.#wake?.()
  }
}
