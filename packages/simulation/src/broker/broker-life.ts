import type { EmbeddedBroker } from '@varve/engine'
import type { FakeClock, SeededRandom } from '@varve/platform'
import { type Found, type Loss, PropertyFailure, require, stampedBatch, stampsIn } from '@varve/testkit'
import { turn, type SimDisk } from '../disk/sim-disk.ts'
import type { HistoryCounts } from '../history/counts.ts'
import { settled, type Settled } from '../history/settled.ts'
import type { BrokerModel, ModelTopic } from './broker-model.ts'

const OUTSTANDING_MAX = 24

export interface BrokerLifeOptions {
  readonly disk: SimDisk
  readonly random: SeededRandom
  readonly clock: FakeClock
  readonly broker: EmbeddedBroker
  readonly model: BrokerModel
  readonly counts: HistoryCounts
}

/** What the clients of one broker do, from its opening to its end. */
export class BrokerLife {
  readonly #disk: SimDisk
  readonly #random: SeededRandom
  readonly #clock: FakeClock
  readonly #broker: EmbeddedBroker
  readonly #model: BrokerModel
  readonly #counts: HistoryCounts
  #outstanding = 0
  #failure: Error | undefined

  constructor(options: BrokerLifeOptions) {
    this.#disk = options.disk
    this.#random = options.random
    this.#clock = options.clock
    this.#broker = options.broker
    this.#model = options.model
    this.#counts = options.counts
  }

  /** Compares topics, records and commits with the model. Answers false when the process died meanwhile. */
  async verify(loss: Loss): Promise<boolean> {
    for (const { kind, message } of this.#broker.findings) {
      require(kind !== 'corruption' && kind !== 'missing-data', () =>
        `After the loss of ${loss} it found: ${message}`)
    }
    const verified = await this.#wait(this.#verify(loss), 'The comparison')
    if (verified.kind === 'failed') throw verified.error
    return verified.kind === 'done'
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
    return !this.#disk.dead
  }

  async close(): Promise<boolean> {
    this.#counts.operations++
    const closed = await this.#wait(this.#broker.close(), 'The closing of the broker')
    if (closed.kind === 'failed')
      throw new PropertyFailure(`The broker cannot be closed: ${String(closed.error)}`)
    if (closed.kind === 'dead') return false
    this.#counts.closes++
    for (const { partitions } of this.#model.live) for (const partition of partitions) partition.flushed()
    return true
  }

  async #verify(loss: Loss): Promise<void> {
    const { topics } = await this.#broker.metadata({})
    for (const { topic, internal } of topics) {
      const known = internal || this.#model.topics.some(one => one.topic === topic)
      require(known, () => `The topic ${topic} is there and should not be`)
    }
    for (const topic of this.#model.topics) {
      const found = topics.find(one => one.topic === topic.topic)
      if (found === undefined) {
        require(topic.state !== 'live', () => `The topic ${topic.topic} is gone after the loss of ${loss}`)
        this.#model.gone(topic)
        continue
      }
      const { topicId } = found
      require((topic.topicId ?? topicId) === topicId, () =>
        `The topic ${topic.topic} has the id ${topicId} now`)
      require(found.partitions.length === topic.partitions.length, () =>
        `The topic ${topic.topic} has ${found.partitions.length} partitions, not ${topic.partitions.length}`)
      for (const partition of topic.partitions) {
        const records = await this.#readAll(topic.topic, partition.partition)
        partition.reopened(records, { loss, start: 0, now: this.#clock.now() })
        this.#counts.records += records.length
      }
      topic.topicId = topicId
      topic.state = 'live'
    }
    await this.#verifyCommits()
  }

  async #verifyCommits(): Promise<void> {
    for (const commit of this.#model.commits) {
      const { group, partition } = commit
      const { topic } = commit.topic
      const [found] = await this.#broker.fetchOffsets({ group, partitions: [{ topic, partition }] })
      this.#model.checkCommit(commit, found?.offset ?? -1)
    }
  }

  #operation(): void {
    const kind = this.#random.int(100)
    const { live } = this.#model
    if (live.length === 0 || kind < 4) this.#create()
    else if (kind < 70) this.#produce(this.#random.pick(live))
    else if (kind < 95) this.#commit()
    else if (kind < 97) this.#delete(this.#random.pick(live))
    else this.#clock.advance(this.#random.pick([1, 100, 1000]))
  }

  #create(): void {
    const topic = this.#model.create()
    if (topic === undefined) return
    const { config } = topic
    const creating = this.#broker.createTopics({
      topics: [{ topic: topic.topic, partitions: topic.partitions.length, config }],
    })
    this.#track(creating, ([result]) => {
      if (result?.error !== undefined) throw result.error
      topic.topicId = result?.topicId
      topic.state = 'live'
    })
  }

  #delete(topic: ModelTopic): void {
    topic.state = 'deleting'
    this.#track(this.#broker.deleteTopics({ topics: [topic.topic] }), ([result]) => {
      if (result?.error !== undefined) throw result.error
      this.#model.gone(topic)
    })
  }

  #produce(topic: ModelTopic): void {
    const random = this.#random
    const partition = random.pick(topic.partitions)
    const timestamp = this.#clock.now()
    const count = 1 + random.int(4)
    const batches = stampedBatch(
      { uid: partition.uid, seq: partition.sent, count },
      { timestamp, padding: random.int(200) },
    )
    const range = partition.send([{ count, bytes: batches.length }], { timestamp })
    const producing = this.#broker.produce({
      acks: -1,
      partitions: [{ topic: topic.topic, partition: partition.partition, batches }],
    })
    this.#track(producing, ([result]) => {
      if (topic.state !== 'live') return
      if (result?.error !== undefined) throw result.error
      this.#counts.acknowledged++
      const baseOffset = result?.baseOffset ?? -1
      partition.acknowledged(range, { baseOffset, lastOffset: baseOffset + count - 1 })
    })
  }

  #commit(): void {
    const commit = this.#model.commit()
    if (commit === undefined) return
    const { group, partition, underWay } = commit
    const committing = this.#broker.commitOffsets({
      group,
      memberId: '',
      generation: -1,
      offsets: [{ topic: commit.topic.topic, partition, offset: underWay }],
    })
    this.#track(committing, ([result]) => {
      if (commit.topic.state !== 'live') return
      if (result?.error !== undefined) throw result.error
      commit.acknowledged = underWay
      commit.underWay = -1
    })
  }

  async #readAll(topic: string, partition: number): Promise<Found[]> {
    const found: Found[] = []
    for (;;) {
      const partitions = [{ topic, partition, offset: found.length }]
      const [result] = await this.#broker.fetch({ partitions, maxBytes: 64 * 1024, minBytes: 0 })
      if (result?.error !== undefined)
        throw new PropertyFailure(`${topic}-${partition}: ${result.error.message}`)
      if (result === undefined || found.length >= result.highWatermark) return found
      const stamps = stampsIn(result.batches)
      require(stamps.length > 0, () => `${topic}-${partition}: nothing at ${found.length} below its end`)
      found.push(...stamps)
    }
  }

  #track<T>(call: Promise<T>, then: (value: T) => void): void {
    this.#outstanding++
    const settle = (done: () => void): void => {
      this.#outstanding--
      if (this.#disk.dead) return
      try {
        done()
      } catch (error) {
        this.#failure ??=
          error instanceof PropertyFailure ? error : new PropertyFailure(`A call failed: ${String(error)}`)
      }
    }
    call.then(
      value => {
        settle(() => {
          then(value)
        })
      },
      (error: unknown) => {
        settle(() => {
          throw error
        })
      },
    )
  }

  async #pause(): Promise<void> {
    if (this.#random.chance(30)) await turn()
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

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #wait<T>(call: Promise<T>, what: string): Promise<Settled<T>> {
    return settled(call, { disk: this.#disk, clock: this.#clock, what })
  }
}
