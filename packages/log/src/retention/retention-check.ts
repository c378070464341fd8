import type { Logger } from '@varve/platform'
import { forEachBounded } from '../files/semaphore.ts'
import { logLimits } from '../limits.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import type { Schedule } from './schedule.ts'

/** Looks after the old records of all partitions from time to time, a few partitions at once. */
export class RetentionCheck {
  readonly #partitions: ReadonlyMap<string, PartitionLog>
  readonly #schedule: Schedule
  readonly #logger: Logger
  readonly #intervalMs: number

  constructor(options: {
    partitions: ReadonlyMap<string, PartitionLog>
    schedule: Schedule
    logger: Logger
    intervalMs: number
  }) {
    this.#partitions = options.partitions
    this.#schedule = options.schedule
    this.#logger = options.logger
    this.#intervalMs = options.intervalMs
  }

  start(): void {
    this.#schedule.after(this.#intervalMs, async () => {
      try {
        await this.#run()
      } finally {
        this.start()
      }
    })
  }

  async #run(): Promise<void> {
    let checked = 0
    await forEachBounded([...this.#partitions.values()], logLimits.retentionChecksInFlightMax, async log => {
      if (this.#schedule.closed) return
      // Most partitions have nothing to do, and take no time that would let others in.
      if (++checked % logLimits.retentionCheckSlice === 0)
        await new Promise(resolve => {
          setImmediate(resolve)
        })
      try {
        log.expireProducers()
        await log.applyRetention()
      } catch (error) {
        this.#logger.warn(
          { path: log.folder, error },
          `The old segments of ${log.name} could not be deleted; the next check tries again.`,
        )
      }
    })
  }
}
