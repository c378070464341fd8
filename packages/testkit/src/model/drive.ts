import type { FakeClock, SeededRandom } from '@varve/platform'
import { LogDriver, type DriverOptions, type DriverPort, type Outcome } from './log-driver.ts'
import type { LogUnderTest } from './log-under-test.ts'
import type { ModelLog } from './model-log.ts'
import type { Loss } from './model-state.ts'
import { PropertyFailure, require } from './property.ts'
import type { Found } from './stamp.ts'

const OUTSTANDING_MAX = 8

export interface DriveOptions extends Omit<DriverOptions, 'port'> {
  readonly random: SeededRandom
  readonly clock: FakeClock
  /** Opens the log, and gives it back again. Called for every reopening. */
  readonly open: () => Promise<{ log: LogUnderTest; close(): Promise<void> }>
  /** Calls in all. */
  readonly steps: number
  /** How often the log is closed and opened again on the way. Default 2. */
  readonly reopens?: number
}

/**
 * Drives a log that nothing disturbs, and compares it with its model as it goes and after every reopening: no call may
 * fail.
 *
 * @returns how many records were compared
 * @throws PropertyFailure
 */
export async function driveLog(options: DriveOptions): Promise<number> {
  const { model, steps, reopens = 2 } = options
  model.state.phase = 'live'
  let compared = 0
  for (let life = 0; life <= reopens; life++) {
    const opened = await options.open()
    const { log } = opened
    const world = new CalmWorld(log, options.clock)
    const driver = new LogDriver({ ...options, port: world })
    compared += await compare(driver, log, { loss: 'nothing', now: options.clock.now() })
    for (let step = 0; step < steps / (reopens + 1); step++) {
      driver.step()
      if (options.random.chance(20)) options.clock.advance(options.random.pick([1, 20, 200]))
      await world.settle(options.random.int(OUTSTANDING_MAX))
    }
    await world.settle(0)
    compared += await compare(driver, log, { loss: 'nothing', now: options.clock.now() })
    await opened.close()
  }
  return compared
}

/** Compares all that a log shows, to readers of either isolation, with its model. */
async function compare(
  driver: LogDriver,
  log: LogUnderTest,
  of: { readonly loss: Loss; readonly now: number },
): Promise<number> {
  const found = await driver.readAll()
  const committed = log.lastStableOffset === undefined ? undefined : await driver.readCommitted()
  checkWhole(driver.model, { log, found, committed, ...of })
  return found.length
}

/** As `compare`, of what was read before. */
export function checkWhole(
  model: ModelLog,
  of: {
    readonly log: LogUnderTest
    readonly found: readonly Found[]
    readonly committed: readonly Found[] | undefined
    readonly loss: Loss
    readonly now: number
  },
): void {
  const { log, found, committed, loss, now } = of
  const start = log.logStartOffset
  model.reopened(found, { loss, start, now })
  if (committed !== undefined)
    model.checkStable(found, committed, { start, stable: log.lastStableOffset ?? start })
}

/** A world without faults: everybody waits for each call. */
class CalmWorld implements DriverPort {
  readonly #log: LogUnderTest
  readonly #clock: FakeClock
  readonly #calls = new Set<Promise<void>>()
  #failure: Error | undefined

  constructor(log: LogUnderTest, clock: FakeClock) {
    this.#log = log
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  log(): LogUnderTest {
    return this.#log
  }

  track<T>(call: Promise<T>, then: (outcome: Outcome<T>) => void): void {
    const settle = (outcome: Outcome<T>): void => {
      try {
        then(outcome)
      } catch (error) {
        this.#failure ??= error instanceof Error ? error : new PropertyFailure(String(error))
      }
    }
    const tracked = call
      .then(
        value => {
          settle({ kind: 'done', value })
        },
        (error: unknown) => {
          settle({ kind: 'failed', error })
        },
      )
      .then(() => {
        this.#calls.delete(tracked)
      })
    this.#calls.add(tracked)
  }

  excuse(error: unknown, what: string): void {
    require(false, () => `${what} failed: ${String(error)}`)
  }

  /** Waits until at most so many calls are under way. */
  async settle(max: number): Promise<void> {
    while (this.#calls.size > max) await Promise.race(this.#calls)
    if (this.#failure !== undefined) throw this.#failure
  }
}
