import type { Finding } from '@varve/log'
import { isVarveError, type FakeClock, type SeededRandom } from '@varve/platform'
import {
  checkWhole,
  LogDriver,
  PropertyFailure,
  require,
  type DriverPort,
  type Found,
  type LogUnderTest,
  type Loss,
  type ModelLog,
  type Outcome,
} from '@varve/testkit'
import { turn } from '../disk/sim-disk.ts'
import type { HistoryCounts } from './counts.ts'
import type { DirectoryUnderTest } from './directory-under-test.ts'
import type { LifeWorld } from './life-world.ts'
import type { LogModel } from './log-model.ts'
import { settled, type Settled } from './settled.ts'

const OUTSTANDING_MAX = 32
/** A power cut and a failing disk leave torn tails; they never damage what was durable. */
const NEVER_FOUND: readonly Finding['kind'][] = ['corruption', 'missing-data', 'log-start-above-end']

export interface LogLifeOptions {
  readonly disk: LifeWorld
  readonly random: SeededRandom
  readonly clock: FakeClock
  readonly directory: DirectoryUnderTest
  readonly model: LogModel
  readonly counts: HistoryCounts
}

/** All that a partition shows, to readers of either isolation. */
interface Content {
  readonly found: readonly Found[]
  readonly committed: readonly Found[] | undefined
}

/** What the clients of one process do with its directory, from the opening to its end. */
export class LogLife implements DriverPort {
  readonly #disk: LifeWorld
  readonly #random: SeededRandom
  readonly #clock: FakeClock
  readonly #directory: DirectoryUnderTest
  readonly #model: LogModel
  readonly #counts: HistoryCounts
  readonly #drivers = new Map<ModelLog, LogDriver>()
  #outstanding = 0
  #failure: Error | undefined

  constructor(options: LogLifeOptions) {
    this.#disk = options.disk
    this.#random = options.random
    this.#clock = options.clock
    this.#directory = options.directory
    this.#model = options.model
    this.#counts = options.counts
  }

  /** Compares the whole directory with the model. Answers false when the process died or its disk failed meanwhile. */
  async verify(loss: Loss): Promise<boolean> {
    for (const { kind, message } of this.#directory.findings) {
      require(!NEVER_FOUND.includes(kind), () => `After the loss of ${loss} it found: ${message}`)
    }
    for (const name of this.#directory.partitions.keys()) {
      const known = this.#model.partitions.some(partition => partition.name === name)
      require(known, () => `The partition ${name} is there and should not be`)
    }
    const all: [ModelLog, Content][] = []
    for (const partition of this.#model.partitions) {
      const log = this.#directory.partitions.get(partition.name)
      if (log === undefined) {
        require(partition.phase !== 'live', () =>
          `The partition ${partition.name} is gone after the loss of ${loss}`)
        this.#model.gone(partition)
        continue
      }
      require(log.topicId === partition.topicId, () =>
        `The partition ${partition.name} has the id ${log.topicId}, not ${partition.topicId}`)
      const read = await this.#wait(this.#content(partition), `The reading of ${partition.name}`)
      if (read.kind === 'dead') return false
      if (read.kind === 'failed') return this.#excused(read.error, `${partition.name} cannot be read`)
      all.push([partition, read.value])
    }
    for (const [partition, content] of all) {
      checkWhole(partition, { ...content, log: this.log(partition), loss, now: this.now() })
      partition.state.phase = 'live'
      this.#counts.records += content.found.length
    }
    return true
  }

  now(): number {
    return this.#clock.now()
  }

  acknowledged(): void {
    this.#counts.acknowledged++
  }

  /** Answers false when the process died meanwhile. */
  async act(operations: number): Promise<boolean> {
    for (let left = operations; left > 0 && !this.#disk.dead; left--) {
      this.#counts.operations++
      this.#operation()
      await this.#pause()
      this.#throwFailure()
    }
    while (this.#outstanding > 0 && !this.#disk.dead) await this.#settleSome()
    await this.#disk.ended?.()
    if (this.#disk.dead) return false
    return this.#checkRepaired()
  }

  /** Answers whether everything was closed in order. */
  async close(): Promise<boolean> {
    this.#counts.operations++
    const closed = await this.#wait(this.#directory.close(), 'The closing of the directory')
    if (closed.kind === 'dead') return false
    if (closed.kind === 'failed') return this.#excused(closed.error, 'The directory cannot be closed')
    this.#counts.closes++
    for (const partition of this.#model.live) partition.flushed()
    return true
  }

  #operation(): void {
    const kind = this.#random.int(100)
    const live = this.#model.live
    if (live.length === 0 || kind < 3) this.#create()
    else if (kind < 4) this.#delete(this.#random.pick(live))
    else if (kind < 8) this.#clock.advance(this.#random.pick([1, 20, 200]))
    else this.#driver(this.#random.pick(live)).step()
  }

  #driver(model: ModelLog): LogDriver {
    const known = this.#drivers.get(model)
    if (known !== undefined) return known
    const driver = new LogDriver({ model, random: this.#random, port: this, deletes: true, producers: true })
    this.#drivers.set(model, driver)
    return driver
  }

  #create(): void {
    const partition = this.#model.create()
    if (partition === undefined) return
    const { topic, topicId } = partition
    const creating = this.#directory.createPartition({
      topic,
      partition: partition.partition,
      topicId,
      config: this.#model.configOf(partition),
      leaderEpoch: 0,
    })
    this.track(creating, outcome => {
      // After a failure it may be there or not; the next process will see.
      if (outcome.kind === 'done') partition.state.phase = 'live'
      else this.excuse(outcome.error, `${partition.name} cannot be created`)
    })
  }

  #delete(partition: ModelLog): void {
    partition.state.phase = 'deleting'
    this.track(this.#directory.deletePartition(partition), outcome => {
      if (outcome.kind === 'done') this.#model.gone(partition)
      else this.excuse(outcome.error, `${partition.name} cannot be deleted`)
    })
  }

  /** When the disk works again, a partition that did not go offline takes appends again. */
  async #checkRepaired(): Promise<boolean> {
    if (this.#disk.fired.length === 0) return true
    this.#disk.repair()
    for (const partition of this.#model.live) {
      const driver = this.#driver(partition)
      if (driver.offline) continue
      driver.append(acknowledged => {
        require(acknowledged || driver.offline, () =>
          `${partition.name} takes no appends although the disk works again`)
      })
    }
    while (this.#outstanding > 0 && !this.#disk.dead) await this.#settleSome()
    return !this.#disk.dead
  }

  /** A topic that does not wait for its syncs hears of a failed one late or never. */
  noteFailedSyncs(): void {
    for (const partition of this.#model.partitions) {
      const folder = `/${partition.name}`
      if (this.#disk.fired.some(({ path }) => path.includes(`${folder}/`) || path.endsWith(folder)))
        partition.syncFailed()
    }
  }

  /** What it holds is known by its model as long as the process lives. */
  log(partition: ModelLog): LogUnderTest {
    const log = this.#directory.partitions.get(partition.name)
    require(log !== undefined, () => `The partition ${partition.name} is gone from a living directory`)
    return log
  }

  async #content(model: ModelLog): Promise<Content> {
    const driver = this.#driver(model)
    const log = this.log(model)
    const committed = log.lastStableOffset === undefined ? undefined : await driver.readCommitted()
    return { committed, found: await driver.readAll() }
  }

  /** What a call says after the process died, nobody hears. */
  track<T>(call: Promise<T>, then: (outcome: Outcome<T>) => void): void {
    this.#outstanding++
    const settle = (outcome: Outcome<T>): void => {
      this.#outstanding--
      if (this.#disk.dead) return
      try {
        then(outcome)
      } catch (error) {
        this.#failure ??= error instanceof Error ? error : new PropertyFailure(String(error))
      }
    }
    call.then(
      value => {
        settle({ kind: 'done', value })
      },
      (error: unknown) => {
        settle({ kind: 'failed', error })
      },
    )
  }

  async #pause(): Promise<void> {
    const kind = this.#random.int(10)
    if (kind === 9) await turn()
    else if (kind > 5) for (let hops = this.#random.int(20); hops > 0; hops--) await Promise.resolve()
    while (this.#outstanding > OUTSTANDING_MAX && !this.#disk.dead) await this.#settleSome()
  }

  async #settleSome(): Promise<void> {
    const before = this.#outstanding
    const fewer = async (): Promise<void> => {
      while (this.#outstanding >= before && !this.#disk.dead) await this.#turn()
    }
    await this.#wait(fewer(), `${before} calls`)
    this.#throwFailure()
  }

  #turn(): Promise<void> {
    return this.#disk.turn?.() ?? turn()
  }

  #wait<T>(call: Promise<T>, what: string): Promise<Settled<T>> {
    return settled(call, { disk: this.#disk, clock: this.#clock, what })
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  excuse(error: unknown, what: string): void {
    this.#excused(error, what)
  }

  /** A failure needs a reason: a fault of the disk. Answers false. */
  #excused(error: unknown, what: string): false {
    if (error instanceof PropertyFailure) throw error
    if (this.#disk.fired.length > 0 && isVarveError(error)) return false
    throw new PropertyFailure(`${what}: ${String(error)}`, { cause: error })
  }
}
