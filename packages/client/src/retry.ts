import { isVarveError, sleep, type Clock, type Random } from '@varve/platform'

const FIRST_MS = 100
const LONGEST_MS = 1000
const JITTER = 0.2

/** How long to wait before attempt `attempt` (1 is the first repetition): 100 ms doubling to 1 s, ±20 %. */
export function backoffMs(attempt: number, random: Random): number {
  const ms = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 10))
  return Math.round(ms * (1 + JITTER * (2 * random.next() - 1)))
}

/**
 * Retriable in name, but told at once instead of after minutes: an unknown topic (Kafka means a cluster whose news have not
 * reached every broker), and a full disk, which somebody has to do something about.
 */
const TOLD_AT_ONCE = ['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'DISK_FULL'] as const

/** Whether the same call may succeed in a moment. */
export function isRetriable(error: unknown): boolean {
  return isVarveError(error) && error.retriable && !isVarveError(error, ...TOLD_AT_ONCE)
}

/**
 * Repeats `run` with back-off while it fails with a retriable error and `deadline` (of the clock's `monotonic`) is not
 * over. Rejects with the last error, or with the signal's reason.
 */
export async function retrying<T>(
  context: { clock: Clock; random: Random },
  options: { deadline: number; signal?: AbortSignal },
  run: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const wait = backoffMs(attempt, context.random)
      if (!isRetriable(error) || context.clock.monotonic() + wait > options.deadline) throw error
      await sleep(context.clock, wait, options.signal === undefined ? {} : { signal: options.signal })
    }
  }
}
