import type { Clock, Logger } from '@varve/platform'
import { forEachBounded } from '../files/semaphore.ts'
import { TimeSlice } from '../files/time-slice.ts'
import { logLimits } from '../limits.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import type { Schedule } from './schedule.ts'

/** Looks after the old records of all partitions from time to time, a few partitions at once. */
export class RetentionCheck {
  readonly #partitions: ReadonlyMap<string, PartitionLog>
  readonly #schedule: Schedule
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #intervalMs: number

  constructor(options: {
    partitions: ReadonlyMap<string, PartitionLog>
    schedule: Schedule
    clock: Clock
    logger: Logger
    intervalMs: number
  }) {
    this.#partitions = options.partitions
    this.#schedule = options.schedule
    this.#clock = options.clock
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
    // Most partitions have nothing to do, and take no time that would let others in.
    const slice = new TimeSlice(this.#clock)
    await forEachBounded([...this.#partitions.values()], logLimits.retentionChecksInFlightMax, async log => {
      if (this.#schedule.closed) return
      await slice.end()
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
