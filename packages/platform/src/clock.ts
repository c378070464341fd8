import { performance } from 'node:perf_hooks'

/** Where time comes from. It is handed in, so that a test decides when it passes. */
export interface Clock {
  /** Milliseconds since the epoch, whole. May jump when the machine's clock is set. */
  now(): number
  /** Milliseconds since some start, never going back; for durations and deadlines. */
  monotonic(): number
  /** Calls `run` once, `ms` from now (0 or more, of any length). */
  setTimer(ms: number, run: () => void, options?: TimerOptions): Timer
}

export interface TimerOptions {
  /** Whether the process may end while this timer waits. Default false. */
  unref?: boolean
}

export interface Timer {
  /** Forgets the timer; nothing happens if it ran already. */
  cancel(): void
}

/** The longest delay that Node's timers take; a longer one would run at once. */
const NODE_TIMER_MS_MAX = 2 ** 31 - 1

/** The machine's time. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, run, options = {}) {
    const due = performance.now() + ms
    let timeout: NodeJS.Timeout
    const arm = (): void => {
      const left = due - performance.now()
      const step = left > NODE_TIMER_MS_MAX
      timeout = setTimeout(step ? arm : run, step ? NODE_TIMER_MS_MAX : Math.max(0, left))
      if (options.unref === true) timeout.unref()
    }
    arm()
    return {
      cancel: () => {
        clearTimeout(timeout)
      },
    }
  },
}

/** Waits on `clock`; rejects with the signal's reason when that comes first. */
export function sleep(
  clock: Clock,
  ms: number,
  options: TimerOptions & { signal?: AbortSignal } = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { signal } = options
    const abort = (): void => {
      timer.cancel()
      reject(signal?.reason instanceof Error ? signal.reason : new Error('The wait was given up.'))
    }
    const timer = clock.setTimer(
      ms,
      () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      },
      options,
    )
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}
