import { LogDirectory } from '@varve/log'
import { FakeClock, isVarveError, MemFs, SeededRandom } from '@varve/platform'
import {
  checkWhole,
  LogDriver,
  type Loss,
  ModelLog,
  type Outcome,
  ProducerDriver,
  PropertyFailure,
  require,
  stampedBatch,
  stampsIn,
} from '@varve/testkit'
import type { DiskOperation, FaultKind } from '../disk/fault.ts'
import { SimDisk } from '../disk/sim-disk.ts'
import { settled } from '../history/settled.ts'
import { CONFIGS, type Workload } from './workload.ts'

const ROOT = '/data'
const ROUNDS = 8
const DELETION_ROUNDS = 6
const PRODUCER_STEPS = 18
export interface SweepRun {
  readonly workload: Workload
  /** The operation that fails; undefined: none. */
  readonly fault?: { readonly kind: FaultKind; readonly at: number; readonly lasts: number }
  /** What is lost between the run and the reopening. */
  readonly loss: 'memory' | 'power'
  readonly seed: number
}

export interface SweepResult {
  /** What the disk was asked for, in this order. */
  readonly operations: readonly DiskOperation[]
  readonly fired: number
  readonly acknowledged: number
}

/**
 * A small workload with one operation that fails: nothing is acknowledged that the failure took, and the next process
 * reads what was acknowledged and goes on.
 */
export class FaultSweep {
  readonly #run: SweepRun
  readonly #random: SeededRandom
  readonly #clock = new FakeClock()
  readonly #mem = new MemFs({ crashable: true, clock: this.#clock })
  readonly #disk: SimDisk
  readonly #partitions: ModelLog[]
  readonly #operations: DiskOperation[] = []
  #uids = 0
  /** Faults before a partition was made or opened again. */
  readonly #excused = new Map<ModelLog, number>()
  #acknowledged = 0
  #opens = 0

  constructor(run: SweepRun) {
    this.#run = run
    this.#random = new SeededRandom(run.seed)
    this.#disk = new SimDisk({
      mem: this.#mem,
      random: this.#random.fork('disk'),
      faults: run.fault === undefined ? [] : [run.fault],
      delays: false,
      watch: ({ operation }) => {
        this.#operations.push(operation)
      },
    })
    this.#partitions = [0, 1].map(partition => this.#newModel(partition))
  }

  /** @throws PropertyFailure */
  async run(): Promise<SweepResult> {
    const closed = await this.#workload()
    const { fired } = this.#disk
    const operations = this.#operations.slice()
    this.#disk.stop()
    const loss: Loss = this.#run.loss === 'power' ? 'power' : closed ? 'nothing' : 'memory'
    const rng = this.#random.fork('cut')
    const mem =
      loss === 'power' ? this.#mem.crashClone({ rng, unsyncedPercent: rng.pick([0, 50, 100]) }) : this.#mem
    await this.#recover(mem, loss)
    return { operations, fired: fired.length, acknowledged: this.#acknowledged }
  }

  /** Answers whether the directory was closed in order. */
  async #workload(): Promise<boolean> {
    const directory = await this.#call(this.#open(this.#disk), 'open')
    if (directory === undefined) return false
    for (const partition of this.#partitions) await this.#call(this.#create(directory, partition), 'create')
    const { workload } = this.#run
    if (workload === 'appends') await this.#appends(directory)
    else if (workload === 'producers') await this.#producers(directory)
    else await this.#deletions(directory)
    const closed = await this.#close(directory)
    return workload === 'retention' ? this.#again(closed) : closed
  }

  async #appends(directory: LogDirectory): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      this.#clock.advance(60)
      await Promise.all(this.#partitions.map(partition => this.#append(directory, partition)))
      const log = directory.partition(this.#partitions[round % 2] ?? { topic: '', partition: 0 })
      if (log === undefined) continue
      const read = await this.#call(log.read({ offset: log.logStartOffset, maxBytes: 300 }), 'read')
      if (read !== undefined) this.#partitions[round % 2]?.saw(stampsIn(read.bytes))
      if (round === ROUNDS / 2) await this.#call(log.flush(), 'flush')
    }
  }

  async #producers(directory: LogDirectory): Promise<void> {
    const drivers = this.#partitions
      .filter(partition => directory.partition(partition) !== undefined)
      .map(model => {
        const failed = (error: unknown, what: string): void => {
          this.#failed(model, error, what)
        }
        const port = this.#port(directory, model)
        const random = this.#random.fork(`producers-${model.partition}`)
        return { port, driver: new ProducerDriver({ model, random, port, failed }) }
      })
    for (let step = 0; step < PRODUCER_STEPS; step++) {
      this.#clock.advance(60)
      for (const { driver, port } of drivers) {
        driver.step()
        await port.idle()
      }
    }
  }

  async #deletions(directory: LogDirectory): Promise<void> {
    const [first, second] = this.#partitions
    if (first === undefined || second === undefined) return
    for (let round = 0; round < DELETION_ROUNDS; round++) {
      // Files that left the log go when their delay is over.
      this.#clock.advance(60)
      for (const partition of this.#partitions) await this.#append(directory, partition)
      if (round === 2) await this.#deleteRecords(directory, first)
      if (round === 3) await this.#replace(directory, second)
      if (round > 4) for (const { name } of this.#partitions) await this.#retain(directory, name)
    }
  }

  /** The next process of the same disk, perhaps with the fault still to come. */
  async #again(closed: boolean): Promise<boolean> {
    const directory = await this.#call(this.#open(this.#disk), 'reopening')
    for (const partition of this.#partitions) this.#excused.set(partition, this.#disk.fired.length)
    if (directory === undefined) return false
    const seen = await this.#call(this.#compare(directory, closed ? 'nothing' : 'memory'), 'comparison')
    if (seen === undefined) {
      await this.#close(directory)
      return false
    }
    for (const partition of this.#partitions) {
      await this.#append(directory, partition)
      await this.#deleteRecords(directory, partition)
    }
    return this.#close(directory)
  }

  async #close(directory: LogDirectory): Promise<boolean> {
    const closing = directory.close().then(() => true)
    return (await this.#call(closing, 'close')) ?? false
  }

  async #deleteRecords(directory: LogDirectory, partition: ModelLog): Promise<void> {
    const log = directory.partition(partition)
    if (log === undefined) return
    const before = Math.max(log.logStartOffset, log.highWatermark - 2)
    partition.deleting(before)
    const start = await this.#call(log.deleteRecords(before), 'deletion of records')
    if (start === undefined) return
    require(log.logStartOffset >= before, () => `${partition.name}: records below ${before} are still there`)
    partition.startsAt(log.logStartOffset, this.#clock.now())
  }

  async #retain(directory: LogDirectory, name: string): Promise<void> {
    const log = directory.partitions.get(name)
    if (log === undefined) return
    const applied = await this.#call(log.applyRetention(), 'retention')
    if (applied === undefined) return
    this.#partitions.find(one => one.name === name)?.startsAt(log.logStartOffset, this.#clock.now())
  }

  /** Deletes a partition and makes another one of its name. */
  async #replace(directory: LogDirectory, partition: ModelLog): Promise<void> {
    if (directory.partition(partition) === undefined) return
    partition.state.phase = 'deleting'
    const deleted = await this.#call(
      directory.deletePartition(partition).then(() => true),
      'deletion',
    )
    if (deleted !== true) return
    const next = this.#newModel(partition.partition)
    this.#partitions[partition.partition] = next
    await this.#call(this.#create(directory, next), 'creation')
  }

  #newModel(partition: number): ModelLog {
    const topicId = this.#random.bytes(16).toString('base64url')
    const { retentionBytes } = CONFIGS[this.#run.workload]
    const uid = ++this.#uids
    const model = new ModelLog({ uid, topic: 'sweep', partition, topicId, durable: true, retentionBytes })
    this.#excused.set(model, this.#disk.fired.length)
    return model
  }

  /** What a driver of producers sees of a partition; one call at a time. */
  #port(directory: LogDirectory, model: ModelLog) {
    let last: Promise<void> = Promise.resolve()
    return {
      now: () => this.#clock.now(),
      log: () => directory.partition(model) ?? failure(`The partition ${model.name} is gone`),
      track: <T>(call: Promise<T>, then: (outcome: Outcome<T>) => void): void => {
        last = settled(call, { disk: this.#disk, clock: this.#clock, what: 'The append' }).then(outcome => {
          if (outcome.kind !== 'dead') then(outcome)
        })
        // Whoever waits for it hears of it.
        last.catch(() => undefined)
      },
      excuse: (error: unknown, what: string): void => {
        this.#failed(model, error, what)
      },
      acknowledged: () => {
        this.#checkSynced(model)
      },
      idle: () => last,
    }
  }

  #failed(model: ModelLog, error: unknown, what: string): void {
    this.#excuse(error, what)
    if (isVarveError(error, 'KAFKA_STORAGE_ERROR')) model.syncFailed()
  }

  async #recover(mem: MemFs, loss: Loss): Promise<void> {
    const disk = new SimDisk({ mem, random: this.#random.fork('reopened'), delays: false })
    const directory = await this.#open(disk).catch((error: unknown) => {
      throw new PropertyFailure(`The directory cannot be opened again: ${String(error)}`)
    })
    await this.#compare(directory, loss)
    for (const partition of this.#partitions) {
      if (directory.partition(partition) === undefined) await this.#create(directory, partition)
      const info = await this.#send(directory, partition)
      partition.acknowledged(info.range, info.appended)
    }
    await directory.close()
  }

  /** All that a directory shows after a loss. */
  async #compare(directory: LogDirectory, loss: Loss): Promise<true> {
    for (const [index, partition] of this.#partitions.entries()) {
      const log = directory.partition(partition)
      if (log === undefined) {
        require(partition.phase !== 'live', () => `The partition ${partition.name} is gone`)
        this.#partitions[index] = this.#newModel(partition.partition)
        continue
      }
      const port = this.#port(directory, partition)
      const driver = new LogDriver({ model: partition, random: this.#random, port })
      const committed = await driver.readCommitted()
      const found = await driver.readAll()
      checkWhole(partition, { found, committed, log, loss, now: this.#clock.now() })
      partition.state.phase = 'live'
    }
    return true
  }

  get #config() {
    return CONFIGS[this.#run.workload]
  }

  #open(vfs: SimDisk): Promise<LogDirectory> {
    // Tokens never repeat.
    const random = this.#random.fork(`directory-${this.#opens++}`)
    return LogDirectory.open(ROOT, { vfs, clock: this.#clock, random, configOf: () => this.#config })
  }

  async #create(directory: LogDirectory, partition: ModelLog): Promise<void> {
    await directory.createPartition({
      topic: partition.topic,
      partition: partition.partition,
      topicId: partition.topicId,
      config: this.#config,
    })
    partition.state.phase = 'live'
  }

  async #append(directory: LogDirectory, partition: ModelLog): Promise<void> {
    if (partition.phase !== 'live' || directory.partition(partition) === undefined) return
    const sent = partition.sent
    const info = await this.#call(this.#send(directory, partition), 'append')
    if (info === undefined) {
      partition.refused({ first: sent, last: sent })
      return
    }
    this.#checkSynced(partition)
    partition.acknowledged(info.range, info.appended)
  }

  #checkSynced(partition: ModelLog): void {
    const failedSync = this.#disk.fired
      .slice(this.#excused.get(partition))
      .find(
        ({ operation, path }) =>
          operation === 'datasync' && path.includes(`/${partition.name}/`) && path.endsWith('.log'),
      )
    require(failedSync === undefined, () =>
      `${partition.name}: acknowledged after the sync of ${failedSync?.path} failed`)
    this.#acknowledged++
  }

  async #send(directory: LogDirectory, partition: ModelLog) {
    const timestamp = this.#clock.now()
    const count = 1 + (partition.sent % 3)
    const bytes = stampedBatch({ uid: partition.uid, seq: partition.sent, count }, { timestamp, padding: 40 })
    const range = partition.send([{ count, bytes: bytes.length }], { timestamp })
    const log = directory.partition(partition)
    if (log === undefined) throw new PropertyFailure(`The partition ${partition.name} is gone`)
    return { range, appended: await log.append(bytes) }
  }

  /** The value of a call; undefined when it failed, for which the fault must be to blame. */
  async #call<T>(call: Promise<T>, what: string): Promise<T | undefined> {
    const outcome = await settled(call, { disk: this.#disk, clock: this.#clock, what: `The ${what}` })
    if (outcome.kind === 'done') return outcome.value
    if (outcome.kind === 'dead') return undefined
    this.#excuse(outcome.error, `The ${what}`)
    return undefined
  }

  #excuse(error: unknown, what: string): void {
    if (error instanceof PropertyFailure) throw error
    if (this.#disk.fired.length > 0 && isVarveError(error)) return
    throw new PropertyFailure(`${what} failed: ${String(error)}`, { cause: error })
  }
}

function failure(message: string): never {
  throw new PropertyFailure(message)
}
