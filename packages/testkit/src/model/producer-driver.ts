import { isVarveError, type SeededRandom } from '@varve/platform'
import type { DriverPort } from './log-driver.ts'
import type { ModelLog } from './model-log.ts'
import { freshEpoch, type ModelProducer } from './model-state.ts'
import { require } from './property.ts'
import { markerBatch, stampedBatch } from './stamp.ts'

const PRODUCERS_MAX = 3
const TRANSACTIONAL_MAX = 2
/** One transaction in so many batches of its producer ends. */
const BATCHES_PER_TRANSACTION = 3

/**
 * Idempotent and transactional producers of one log, and the coordinator that ends their transactions. Each sends one
 * batch at a time, and the same one again until it knows that it is in the log.
 */
export class ProducerDriver {
  readonly #model: ModelLog
  readonly #random: SeededRandom
  readonly #port: DriverPort
  readonly #failed: (error: unknown, what: string) => void
  /** Producers with a call under way. */
  readonly #busy = new Set<number>()

  constructor(of: {
    readonly model: ModelLog
    readonly random: SeededRandom
    readonly port: DriverPort
    readonly failed: (error: unknown, what: string) => void
  }) {
    this.#model = of.model
    this.#random = of.random
    this.#port = of.port
    this.#failed = of.failed
  }

  step(): void {
    const index = this.#pick()
    if (index === undefined) return
    const random = this.#random
    const producer = this.#model.producer(index)
    const { decision } = this.#model.state.transactions[producer.transaction] ?? {}
    if (decision === 'commit' || decision === 'abort') this.#mark(index, decision)
    else if (producer.pending >= 0) this.#send(index, producer.pending)
    else if (producer.last >= 0 && random.chance(10)) this.#repeat(index)
    else if (producer.last >= 0 && random.chance(5)) this.#misbehave(index)
    else if (decision === 'open' && random.int(BATCHES_PER_TRANSACTION) === 0) this.#decide(producer)
    else this.#sendNew(index)
  }

  /** A producer that waits for nothing, perhaps a new one. */
  #pick(): number | undefined {
    const { state, durable } = this.#model
    const { producers } = state
    const max = PRODUCERS_MAX + (durable ? TRANSACTIONAL_MAX : 0)
    const index = this.#random.int(max)
    if (index < producers.length) return this.#busy.has(index) ? undefined : index
    const epoch = this.#random.int(3)
    producers.push({
      id: 1000 * state.rules.uid + producers.length,
      transactional: durable && producers.length % 2 === 1,
      epoch,
      sequence: 0,
      pending: -1,
      last: -1,
      transaction: -1,
    })
    return producers.length - 1
  }

  #decide(producer: ModelProducer): void {
    const transaction = this.#model.state.transactions[producer.transaction]
    if (transaction !== undefined) transaction.decision = this.#random.pick(['commit', 'abort'])
  }

  #sendNew(index: number): void {
    const [model, random] = [this.#model, this.#random]
    const producer = model.producer(index)
    const { transactions } = model.state
    if (producer.transactional && producer.transaction < 0)
      producer.transaction = transactions.push({ producer: index, decision: 'open' }) - 1
    const count = 1 + random.int(4)
    const timestamp = this.#port.now()
    producer.pending = model.sent
    const bytes = this.#bytes(index, { seq: model.sent, count, timestamp })
    model.send([{ count, bytes: bytes.length }], {
      timestamp,
      producer: index,
      transaction: producer.transaction,
    })
    this.#send(index, producer.pending)
  }

  #bytes(index: number, of: { seq: number; count: number; timestamp: number }): Buffer {
    const { id, epoch, sequence, transactional } = this.#model.producer(index)
    const { seq, count, timestamp } = of
    const sent = this.#model.state.batches[seq]
    const sender = { id, transactional, epoch: sent?.epoch ?? epoch, sequence: sent?.sequence ?? sequence }
    return stampedBatch({ uid: this.#model.uid, seq, count }, { timestamp, padding: seq % 100, sender })
  }

  /** Sends a batch of which it is not known whether it is in the log. */
  #send(index: number, seq: number): void {
    const model = this.#model
    const batch = model.batch(seq)
    model.resent(seq)
    this.#call(index, this.#bytes(index, { ...batch, seq }), outcome => {
      const producer = model.producer(index)
      if (producer.pending !== seq) return
      if (outcome.kind === 'done') {
        model.acknowledged({ first: seq, last: seq }, outcome.value)
        producer.pending = -1
        producer.last = seq
        producer.sequence = batch.sequence + batch.count
      } else if (producer.last < 0 && isVarveError(outcome.error, 'OUT_OF_ORDER_SEQUENCE_NUMBER')) {
        // Its records went below the log's start, and what is left of it says another sequence.
        require(model.state.start > 0 && batch.sequence > 0, () =>
          `${model.name}: sequence ${batch.sequence} of a log that begins at ${model.state.start} is refused`)
        freshEpoch(producer)
        model.refused({ first: seq, last: seq })
      } else {
        this.#failed(outcome.error, `An append of producer ${producer.id} to ${model.name}`)
        model.refused({ first: seq, last: seq })
      }
    })
  }

  /** The last batch once more, although it was acknowledged: it gets its own offsets again. */
  #repeat(index: number): void {
    const model = this.#model
    const seq = model.producer(index).last
    const batch = model.batch(seq)
    const { offset } = batch
    this.#call(index, this.#bytes(index, { ...batch, seq }), outcome => {
      if (outcome.kind === 'failed') {
        this.#failed(outcome.error, `A duplicate in ${model.name}`)
        return
      }
      const { baseOffset } = outcome.value
      require(offset < 0 || baseOffset === offset, () =>
        `${model.name}: a duplicate of the batch at offset ${offset} got offset ${baseOffset}`)
    })
  }

  /** A sequence too far ahead, or an epoch that is over: both are refused. */
  #misbehave(index: number): void {
    const model = this.#model
    const producer = model.producer(index)
    const old = producer.epoch > 0 && this.#random.chance(50)
    const sender = {
      ...producer,
      epoch: producer.epoch - (old ? 1 : 0),
      sequence: producer.sequence + (old ? 0 : 7),
    }
    const stamp = { uid: model.uid, seq: 0xffff_ffff, count: 1 }
    const bytes = stampedBatch(stamp, { timestamp: this.#port.now(), padding: 0, sender })
    this.#call(index, bytes, outcome => {
      const code = old ? 'INVALID_PRODUCER_EPOCH' : 'OUT_OF_ORDER_SEQUENCE_NUMBER'
      require(outcome.kind === 'failed', () =>
        `${model.name}: a batch that deserves ${code} is at offset ${outcome.kind === 'done' && outcome.value.baseOffset}`)
      if (!isVarveError(outcome.error, code)) this.#failed(outcome.error, `A batch that deserves ${code}`)
    })
  }

  /** The coordinator ends a transaction, and says so again until it is in the log. */
  #mark(index: number, marker: 'commit' | 'abort'): void {
    const model = this.#model
    const producer = model.producer(index)
    const { transaction } = producer
    const bytes = markerBatch(marker, {
      timestamp: this.#port.now(),
      producerId: producer.id,
      producerEpoch: producer.epoch,
    })
    this.#call(
      index,
      bytes,
      outcome => {
        if (outcome.kind === 'failed') {
          this.#failed(outcome.error, `A marker in ${model.name}`)
          return
        }
        model.marked(index, marker, outcome.value)
        if (producer.transaction !== transaction) return
        producer.transaction = -1
        if (this.#random.chance(30)) freshEpoch(producer)
      },
      'coordinator',
    )
  }

  #call(
    index: number,
    bytes: Buffer,
    then: (
      outcome:
        | { kind: 'done'; value: { baseOffset: number; lastOffset: number } }
        | { kind: 'failed'; error: unknown },
    ) => void,
    origin?: 'coordinator',
  ): void {
    const [model, port] = [this.#model, this.#port]
    this.#busy.add(index)
    const appended = port.log(model).append(bytes, { acks: -1, ...(origin === undefined ? {} : { origin }) })
    port.track(appended, outcome => {
      this.#busy.delete(index)
      if (outcome.kind === 'done') port.acknowledged?.()
      if (outcome.kind === 'done' || model.phase === 'live') then(outcome)
    })
  }
}
