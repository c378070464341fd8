import { VarveError, type Clock, type Timer } from '@varve/platform'

/** What closing waits for a broker that does not answer. */
const CLOSE_MS_MAX = 30_000

/** @throws `REQUEST_TIMED_OUT` when `work` has not ended in time; what becomes of it then concerns nobody */
export async function withinCloseTime(clock: Clock, work: Promise<void>): Promise<void> {
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    const message = `The consumer was not closed within ${CLOSE_MS_MAX} ms: the broker did not answer.`
    const run = (): void => reject(new VarveError('REQUEST_TIMED_OUT', message, { retriable: true }))
    timer = clock.setTimer(CLOSE_MS_MAX, run, { unref: true })
  })
  try {
    await Promise.race([work, late])
  } finally {
    timer?.cancel()
    work.catch(() => undefined)
  }
}
