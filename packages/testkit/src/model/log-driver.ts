import { isVarveError, type SeededRandom } from '@varve/platform'
import { committedOnly } from './isolation.ts'
import type { LogUnderTest } from './log-under-test.ts'
import type { ModelLog, SentRange } from './model-log.ts'
import { ProducerDriver } from './producer-driver.ts'
import { PropertyFailure, require } from './property.ts'
import { stampedBatch, stampsIn, type Found } from './stamp.ts'

export type Outcome<T> =
  { readonly kind: 'done'; readonly value: T } | { readonly kind: 'failed'; readonly error: unknown }

/** The world in which a driver drives: who waits for its calls, and what excuses a failure. */
export interface DriverPort {
  now(): number
  /** The log of a model, as long as its directory is open. */
  log(model: ModelLog): LogUnderTest
  /** Waits for a call, and says how it ended unless the process ended first. */
  track<T>(call: Promise<T>, then: (outcome: Outcome<T>) => void): void
  /** @throws PropertyFailure unless something is known that made the call fail */
  excuse(error: unknown, what: string): void
  /** Told of each append that was acknowledged. */
  acknowledged?(): void
}

export interface DriverOptions {
  readonly model: ModelLog
  readonly random: SeededRandom
  readonly port: DriverPort
  /** Idempotent producers, and transactions where an acknowledgement survives a loss of power. Default false. */
  readonly producers?: boolean
  /** Deletes records and applies the retention of the model's rules. Default false. */
  readonly deletes?: boolean
}

const READ_BYTES = 64 * 1024

/** Random calls to one log of which a model knows what must come of them. They overlap as their world lets them. */
export class LogDriver {
  readonly model: ModelLog
  /** Whether the log said that it takes no more. */
  offline = false
  readonly #random: SeededRandom
  readonly #port: DriverPort
  readonly #producers: ProducerDriver | undefined
  readonly #deletes: boolean

  constructor({ model, random, port, producers = false, deletes = false }: DriverOptions) {
    this.model = model
    this.#random = random
    this.#port = port
    this.#deletes = deletes
    const failed = (error: unknown, what: string): void => {
      this.#failed(error, what)
    }
    this.#producers = producers ? new ProducerDriver({ model, random, port, failed }) : undefined
  }

  /** One random call. */
  step(): void {
    const kind = this.#random.int(100)
    if (kind < 50) this.append()
    else if (kind < 78) this.#sendOn()
    else if (kind < 90) this.read()
    else if (kind < 94) this.lookUp()
    else if (kind < 96) this.flush()
    else if (this.#deletes) this.deleteSome()
    else this.read()
  }

  #sendOn(): void {
    if (this.#producers === undefined) this.append()
    else this.#producers.step()
  }

  append(then?: (acknowledged: boolean) => void): void {
    const [random, model, port] = [this.#random, this.model, this.#port]
    const timestamp = port.now()
    const several = Array.from({ length: random.chance(15) ? 3 : 1 }, () => 1 + random.int(4))
    const wide = random.chance(5) ? 2000 : random.int(120)
    const room = this.#log().config?.segmentBytes ?? Infinity
    const fits = several.every(count => several.length * (100 + count * (wide + 50)) <= room)
    const counts = fits ? several : several.slice(0, 1)
    const padding = fits ? wide : wide % 20
    const batches = counts.map((count, index) =>
      stampedBatch({ uid: model.uid, seq: model.sent + index, count }, { timestamp, padding }),
    )
    const range = model.send(
      counts.map((count, index) => ({ count, bytes: batches[index]?.length ?? 0 })),
      { timestamp },
    )
    const acks = random.pick([-1, -1, -1, 1, 0] as const)
    this.#send(Buffer.concat(batches), { acks, range }, then)
  }

  #send(
    bytes: Buffer,
    { acks, range }: { acks: 0 | 1 | -1; range: SentRange },
    then?: (acknowledged: boolean) => void,
  ): void {
    const [model, port] = [this.model, this.#port]
    port.track(port.log(model).append(bytes, { acks }), outcome => {
      if (outcome.kind === 'done') {
        if (acks === 0) return
        port.acknowledged?.()
        model.acknowledged(range, outcome.value)
      } else if (model.phase === 'live') {
        this.#failed(outcome.error, `An append to ${model.name}`)
        model.refused(range)
      }
      then?.(outcome.kind === 'done')
    })
  }

  read(): void {
    const [random, model] = [this.#random, this.model]
    const log = this.#log()
    const committed = log.lastStableOffset !== undefined && random.chance(40)
    const visible = committed ? (log.lastStableOffset ?? 0) : log.highWatermark
    const span = visible - log.logStartOffset + 1
    if (span < 1) return
    // Often at the end, where what is visible too early would be seen.
    const offset = visible - random.int(random.chance(50) ? Math.min(span, 4) : span)
    const maxBytes = random.pick([1, 500, 5000])
    const reading = log.read({ offset, maxBytes, ...(committed ? { isolation: 'read_committed' } : {}) })
    this.#port.track(reading, outcome => {
      if (outcome.kind === 'failed') {
        this.#failedAt(offset, outcome.error, `${model.name} cannot be read at ${offset}`)
        return
      }
      const { bytes, abortedTransactions = [], lastStableOffset = Infinity } = outcome.value
      const found = stampsIn(bytes)
      const [first] = found
      if (offset < visible && model.phase === 'live') {
        require(first !== undefined && first.offset <= offset && (found.at(-1)?.offset ?? -1) >= offset, () =>
          `${model.name}: a read at ${offset} gave offsets ${first?.offset} to ${found.at(-1)?.offset}`)
      }
      if (committed) model.sawCommitted(found, { aborted: abortedTransactions, limit: lastStableOffset })
      else model.saw(found)
    })
  }

  lookUp(): void {
    const [model, random] = [this.model, this.#random]
    if (model.sent === 0) return
    const log = this.#log()
    const end = log.highWatermark
    const { timestamp } = model.batch(random.int(model.sent))
    this.#port.track(log.offsetForTimestamp(timestamp), outcome => {
      if (model.phase !== 'live' || this.offline) return
      if (outcome.kind === 'failed') this.#failed(outcome.error, `${model.name} cannot look up ${timestamp}`)
      // What went meanwhile may be answered or not.
      else model.checkTimestamp(timestamp, outcome.value?.offset, { start: this.#log().logStartOffset, end })
    })
  }

  flush(): void {
    const { model } = this
    const { killSafe } = model.state
    this.#port.track(this.#log().flush(), outcome => {
      if (outcome.kind === 'done') model.flushed(killSafe)
      else if (model.phase === 'live') this.#failed(outcome.error, `A flush of ${model.name}`)
    })
  }

  /** Deletes records, or lets the log apply its retention. */
  deleteSome(): void {
    const [model, random, log] = [this.model, this.#random, this.#log()]
    const ended = (outcome: Outcome<unknown>): void => {
      if (outcome.kind === 'failed' && model.phase === 'live')
        this.#failed(outcome.error, `A deletion in ${model.name}`)
      else if (model.phase === 'live') this.#log()
    }
    if (random.chance(60) && log.applyRetention !== undefined) {
      this.#port.track(log.applyRetention(), ended)
    } else if (log.deleteRecords !== undefined) {
      const before = log.logStartOffset + random.int(log.highWatermark - log.logStartOffset + 1)
      model.deleting(before)
      this.#port.track(log.deleteRecords(before), outcome => {
        ended(outcome)
        if (outcome.kind === 'done' && model.phase === 'live')
          require(this.#log().logStartOffset >= before, () =>
            `${model.name}: records below ${before} were deleted, but it starts at ${this.#log().logStartOffset}`)
      })
    }
  }

  /** All that the log shows. */
  async readAll(): Promise<Found[]> {
    const log = this.#port.log(this.model)
    const found: Found[] = []
    for (let offset = log.logStartOffset; offset < log.highWatermark;) {
      const { bytes } = await log.read({ offset, maxBytes: READ_BYTES })
      offset = this.#take(bytes, offset, found)
    }
    return found
  }

  /** All that the log shows to readers of committed records. */
  async readCommitted(): Promise<Found[]> {
    const log = this.#port.log(this.model)
    const committed: Found[] = []
    for (let offset = log.logStartOffset; offset < (log.lastStableOffset ?? 0);) {
      const { bytes, abortedTransactions = [] } = await log.read({
        offset,
        maxBytes: READ_BYTES,
        isolation: 'read_committed',
      })
      const found: Found[] = []
      offset = this.#take(bytes, offset, found)
      committed.push(...committedOnly(found, abortedTransactions).visible)
    }
    return committed
  }

  /** Adds what was wanted from `offset` on, and answers where to go on. */
  #take(bytes: Buffer, offset: number, found: Found[]): number {
    const stamps = stampsIn(bytes)
    const last = stamps.at(-1)
    if (last === undefined || last.offset < offset)
      throw new PropertyFailure(`${this.model.name}: a read at ${offset} gave nothing`)
    for (const record of stamps) if (record.offset >= offset) found.push(record)
    return last.offset + 1
  }

  /** The log, which begins where it may. */
  #log(): LogUnderTest {
    const log = this.#port.log(this.model)
    this.model.startsAt(log.logStartOffset, this.#port.now())
    return log
  }

  /** What was deleted while a call was under way cannot be read any more. */
  #failedAt(offset: number, error: unknown, what: string): void {
    if (this.model.phase !== 'live') return
    const gone = isVarveError(error, 'OFFSET_OUT_OF_RANGE') && offset < this.#log().logStartOffset
    if (!gone) this.#failed(error, what)
  }

  #failed(error: unknown, what: string): void {
    this.#port.excuse(error, what)
    if (!isVarveError(error, 'KAFKA_STORAGE_ERROR')) return
    this.offline = true
    this.model.syncFailed()
  }
}
