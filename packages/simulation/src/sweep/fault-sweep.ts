import { defaultLogConfig, LogDirectory } from '@varve/log'
import { FakeClock, isVarveError, MemFs, SeededRandom } from '@varve/platform'
import {
  type Found,
  type Loss,
  ModelLog,
  PropertyFailure,
  require,
  stampedBatch,
  stampsIn,
} from '@varve/testkit'
import type { FaultKind } from '../disk/fault.ts'
import { SimDisk } from '../disk/sim-disk.ts'
import { settled } from '../history/settled.ts'

const ROOT = '/data'
const ROUNDS = 8
const CONFIG = { ...defaultLogConfig, segmentBytes: 500, indexIntervalBytes: 100 }

export interface SweepRun {
  /** The operation that fails; undefined: none. */
  readonly fault?: { readonly kind: FaultKind; readonly at: number; readonly lasts: number }
  /** What is lost between the run and the reopening. */
  readonly loss: 'memory' | 'power'
  readonly seed: number
}

export interface SweepResult {
  readonly operations: number
  readonly fired: number
  readonly acknowledged: number
}

/**
 * A small workload (open, make partitions, append and roll, read, flush, close) with one operation that fails: nothing
 * is acknowledged that the failure took, and the next process reads what was acknowledged and goes on.
 */
export class FaultSweep {
  readonly #run: SweepRun
  readonly #random: SeededRandom
  readonly #clock = new FakeClock()
  readonly #mem = new MemFs({ crashable: true, clock: this.#clock })
  readonly #disk: SimDisk
  readonly #partitions: ModelLog[]
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
    })
    this.#partitions = [0, 1].map(partition => {
      const topicId = this.#random.bytes(16).toString('base64url')
      return new ModelLog({ uid: partition + 1, topic: 'sweep', partition, topicId, durable: true })
    })
  }

  /** @throws PropertyFailure */
  async run(): Promise<SweepResult> {
    const closed = await this.#workload()
    const { fired, operations } = this.#disk
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
    for (let round = 0; round < ROUNDS; round++) {
      this.#clock.advance(60)
      await Promise.all(this.#partitions.map(partition => this.#append(directory, partition)))
      const log = directory.partition(this.#partitions[round % 2] ?? { topic: '', partition: 0 })
      if (log === undefined) continue
      const read = await this.#call(log.read({ offset: log.logStartOffset, maxBytes: 300 }), 'read')
      if (read !== undefined) this.#partitions[round % 2]?.saw(stampsIn(read.bytes))
      if (round === ROUNDS / 2) await this.#call(log.flush(), 'flush')
    }
    return (
      (await this.#call(
        directory.close().then(() => true),
        'close',
      )) ?? false
    )
  }

  async #recover(mem: MemFs, loss: Loss): Promise<void> {
    const disk = new SimDisk({ mem, random: this.#random.fork('reopened'), delays: false })
    const directory = await this.#open(disk).catch((error: unknown) => {
      throw new PropertyFailure(`The directory cannot be opened again: ${String(error)}`)
    })
    for (const partition of this.#partitions) {
      const log = directory.partition(partition)
      if (log === undefined) {
        require(partition.phase !== 'live', () => `The partition ${partition.name} is gone`)
        await this.#create(directory, partition)
      } else {
        partition.reopened(await readAll(log), { loss, start: 0, now: this.#clock.now() })
      }
      const info = await this.#send(directory, partition)
      partition.acknowledged(info.range, info.appended)
    }
    await directory.close()
  }

  #open(vfs: SimDisk): Promise<LogDirectory> {
    // Tokens never repeat.
    const random = this.#random.fork(`directory-${this.#opens++}`)
    return LogDirectory.open(ROOT, { vfs, clock: this.#clock, random, configOf: () => CONFIG })
  }

  async #create(directory: LogDirectory, partition: ModelLog): Promise<void> {
    await directory.createPartition({
      topic: partition.topic,
      partition: partition.partition,
      topicId: partition.topicId,
      config: CONFIG,
    })
    partition.state.phase = 'live'
  }

  async #append(directory: LogDirectory, partition: ModelLog): Promise<void> {
    if (directory.partition(partition) === undefined) return
    const sent = partition.sent
    const info = await this.#call(this.#send(directory, partition), 'append')
    if (info === undefined) {
      partition.refused({ first: sent, last: sent })
      return
    }
    const failedSync = this.#disk.fired.find(
      ({ operation, path }) =>
        operation === 'datasync' && path.includes(`/${partition.name}/`) && path.endsWith('.log'),
    )
    require(failedSync === undefined, () =>
      `${partition.name}: acknowledged after the sync of ${failedSync?.path} failed`)
    this.#acknowledged++
    partition.acknowledged(info.range, info.appended)
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
    const blamed = this.#disk.fired.length > 0 && isVarveError(outcome.error)
    if (!blamed)
      throw new PropertyFailure(`The ${what} failed: ${String(outcome.error)}`, { cause: outcome.error })
    return undefined
  }
}

async function readAll(log: {
  logStartOffset: number
  highWatermark: number
  read(of: { offset: number }): Promise<{ bytes: Buffer }>
}): Promise<Found[]> {
  const found: Found[] = []
  for (
    let offset = log.logStartOffset;
    offset < log.highWatermark;
    offset = (found.at(-1)?.offset ?? offset) + 1
  ) {
    found.push(...stampsIn((await log.read({ offset })).bytes))
  }
  return found
}
