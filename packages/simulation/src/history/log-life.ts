import type { Finding, LogDirectory, PartitionLog } from '@varve/log'
import { isVarveError, type FakeClock, type SeededRandom } from '@varve/platform'
import { turn, type SimDisk } from '../disk/sim-disk.ts'
import { PropertyFailure, require } from '../failure.ts'
import type { HistoryCounts } from './counts.ts'
import type { LogModel } from './log-model.ts'
import type { Loss, ModelPartition } from './model-partition.ts'
import { settled, type Settled } from './settled.ts'
import { stampedBatch, stampsIn, type Found } from './stamp.ts'

const OUTSTANDING_MAX = 32
/** A power cut and a failing disk leave torn tails; they never damage what was durable. */
const NEVER_FOUND: readonly Finding['kind'][] = ['corruption', 'missing-data', 'log-start-above-end']

export interface LogLifeOptions {
  readonly disk: SimDisk
  readonly random: SeededRandom
  readonly clock: FakeClock
  readonly directory: LogDirectory
  readonly model: LogModel
  readonly counts: HistoryCounts
}

/** What the clients of one process do with its directory, from the opening to its end. */
export class LogLife {
  readonly #disk: SimDisk
  readonly #random: SeededRandom
  readonly #clock: FakeClock
  readonly #directory: LogDirectory
  readonly #model: LogModel
  readonly #counts: HistoryCounts
  /** Partitions that said that they take no more. */
  readonly #offline = new Set<ModelPartition>()
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
    const all: [ModelPartition, Found[]][] = []
    for (const partition of this.#model.partitions) {
      const log = this.#directory.partitions.get(partition.name)
      if (log === undefined) {
        require(partition.state !== 'live', () =>
          `The partition ${partition.name} is gone after the loss of ${loss}`)
        this.#model.gone(partition)
        continue
      }
      require(log.topicId === partition.topicId, () =>
        `The partition ${partition.name} has the id ${log.topicId}, not ${partition.topicId}`)
      const read = await this.#wait(this.#readAll(log), `The reading of ${partition.name}`)
      if (read.kind === 'dead') return false
      if (read.kind === 'failed') return this.#excused(read.error, `${partition.name} cannot be read`)
      all.push([partition, read.value])
    }
    for (const [partition, found] of all) {
      partition.reopened(found, loss)
      partition.state = 'live'
      this.#counts.records += found.length
    }
    return true
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
    else if (kind < 78) this.#append(this.#random.pick(live))
    else if (kind < 90) this.#read(this.#random.pick(live))
    else if (kind < 93) this.#lookUp(this.#random.pick(live))
    else if (kind < 95) this.#flush(this.#random.pick(live))
    else if (kind < 96) this.#delete(this.#random.pick(live))
    else this.#clock.advance(this.#random.pick([1, 20, 200]))
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
    this.#track(creating, outcome => {
      // After a failure it may be there or not; the next process will see.
      if (outcome.kind === 'done') partition.state = 'live'
      else this.#excuse(outcome, `${partition.name} cannot be created`)
    })
  }

  #delete(partition: ModelPartition): void {
    partition.state = 'deleting'
    this.#track(this.#directory.deletePartition(partition), outcome => {
      if (outcome.kind === 'done') this.#model.gone(partition)
      else this.#excuse(outcome, `${partition.name} cannot be deleted`)
    })
  }

  #append(partition: ModelPartition, then?: (acknowledged: boolean) => void): void {
    const random = this.#random
    const timestamp = this.#clock.now()
    const counts = Array.from({ length: random.chance(15) ? 3 : 1 }, () => 1 + random.int(4))
    const padding = random.chance(5) ? 2000 : random.int(120)
    const range = partition.send(counts, timestamp)
    const batches = counts.map((count, index) =>
      stampedBatch({ uid: partition.uid, seq: range.first + index, count }, { timestamp, padding }),
    )
    const acks = random.pick([-1, -1, -1, 1, 0] as const)
    this.#track(this.#log(partition).append(Buffer.concat(batches), { acks }), outcome => {
      if (outcome.kind === 'done') {
        if (acks === 0) return
        this.#counts.acknowledged++
        partition.acknowledged(range, outcome.value)
      } else if (partition.state === 'live') {
        this.#refused(partition, outcome)
        partition.refused(range)
      }
      then?.(outcome.kind === 'done')
    })
  }

  #refused(partition: ModelPartition, outcome: Settled<unknown>): void {
    if (outcome.kind !== 'failed') return
    this.#excuse(outcome, `An append to ${partition.name} failed`)
    if (!isVarveError(outcome.error, 'KAFKA_STORAGE_ERROR')) return
    this.#offline.add(partition)
    partition.syncFailed()
  }

  #read(partition: ModelPartition): void {
    const log = this.#log(partition)
    const visible = log.highWatermark
    const span = visible - log.logStartOffset + 1
    // Often at the end, where what is visible too early would be seen.
    const offset = this.#random.chance(50)
      ? visible - this.#random.int(Math.min(span, 4))
      : visible - this.#random.int(span)
    const reading = log.read({ offset, maxBytes: this.#random.pick([1, 500, 5000]) })
    this.#track(reading, outcome => {
      if (outcome.kind !== 'done') {
        if (partition.state === 'live') this.#excuse(outcome, `${partition.name} cannot be read at ${offset}`)
        return
      }
      const found = stampsIn(outcome.value.bytes)
      const [first] = found
      if (offset < visible && partition.state === 'live') {
        require(first !== undefined && first.offset <= offset && (found.at(-1)?.offset ?? -1) >= offset, () =>
          `${partition.name}: a read at ${offset} gave offsets ${first?.offset} to ${found.at(-1)?.offset}`)
      }
      partition.saw(found)
    })
  }

  #lookUp(partition: ModelPartition): void {
    if (partition.sent === 0) return
    const log = this.#log(partition)
    const visible = log.highWatermark
    const timestamp = partition.timestampOf(this.#random.int(partition.sent))
    this.#track(log.offsetForTimestamp(timestamp), outcome => {
      if (partition.state !== 'live' || this.#offline.has(partition)) return
      if (outcome.kind === 'done') partition.checkTimestamp(timestamp, outcome.value?.offset, visible)
      else this.#excuse(outcome, `${partition.name} cannot look up ${timestamp}`)
    })
  }

  #flush(partition: ModelPartition): void {
    const { killSafe } = partition
    this.#track(this.#log(partition).flush(), outcome => {
      if (outcome.kind === 'done') partition.powerSafe = Math.max(partition.powerSafe, killSafe)
      else if (partition.state === 'live') this.#refused(partition, outcome)
    })
  }

  /** When the disk works again, a partition that did not go offline takes appends again. */
  async #checkRepaired(): Promise<boolean> {
    if (this.#disk.fired.length === 0) return true
    this.#disk.repair()
    for (const partition of this.#model.live) {
      if (this.#offline.has(partition)) continue
      this.#append(partition, acknowledged => {
        require(acknowledged || this.#offline.has(partition), () =>
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
  #log(partition: ModelPartition): PartitionLog {
    const log = this.#directory.partitions.get(partition.name)
    require(log !== undefined, () => `The partition ${partition.name} is gone from a living directory`)
    return log
  }

  async #readAll(log: PartitionLog): Promise<Found[]> {
    const found: Found[] = []
    for (let offset = log.logStartOffset; offset < log.highWatermark;) {
      const { bytes } = await log.read({ offset, maxBytes: 64 * 1024 })
      const stamps = stampsIn(bytes)
      const last = stamps.at(-1)
      if (last === undefined || last.offset < offset) {
        throw new PropertyFailure(`${log.name}: a read at ${offset} below ${log.highWatermark} gave nothing`)
      }
      found.push(...stamps)
      offset = last.offset + 1
    }
    return found
  }

  /** What a call says after the process died, nobody hears. */
  #track<T>(call: Promise<T>, then: (outcome: Settled<T>) => void): void {
    this.#outstanding++
    const settle = (outcome: Settled<T>): void => {
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
      while (this.#outstanding >= before && !this.#disk.dead) await turn()
    }
    await this.#wait(fewer(), `${before} calls`)
    this.#throwFailure()
  }

  #wait<T>(call: Promise<T>, what: string): Promise<Settled<T>> {
    return settled(call, { disk: this.#disk, clock: this.#clock, what })
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #excuse(outcome: Settled<unknown>, what: string): void {
    if (outcome.kind === 'failed') this.#excused(outcome.error, what)
  }

  /** A failure needs a reason: a fault of the disk. Answers false. */
  #excused(error: unknown, what: string): false {
    if (error instanceof PropertyFailure) throw error
    if (this.#disk.fired.length > 0 && isVarveError(error)) return false
    throw new PropertyFailure(`${what}: ${String(error)}`, { cause: error })
  }
}
