import type { FakeClock } from '@varve/testkit'
import fc from 'fast-check'
import t from 'tap'
import type { BrokerClient, Consumer, ConsumerRecord } from '../src/index.ts'
import { collect, settle, setUp, type MemoryBroker } from './support/memory-broker.ts'

const PARTITIONS = 3
const SEED = Number(process.env['VARVE_SEED'] ?? 20261121)

/** One consumer of the group with the loop body that is running, if any. */
class Member {
  readonly consumer: Consumer<Buffer, string>
  readonly #loop: AsyncIterator<ConsumerRecord<Buffer, string>>
  readonly #seen: (value: string) => void
  #asking = false

  constructor(client: BrokerClient, seen: (value: string) => void) {
    this.#seen = seen
    this.consumer = client.consumer({
      topics: ['t'],
      group: 'g',
      value: 'string',
      commitIntervalMs: 700,
      rebalanceTimeoutMs: 5000,
      fetchBytesMax: 300,
    })
    this.#loop = this.consumer[Symbol.asyncIterator]()
  }

  /** Ends the loop body and asks for the next record, which may take its time. */
  ask(): void {
    if (this.#asking) return
    this.#asking = true
    void this.#loop.next().then(({ done, value }) => {
      if (done === true) return
      this.#asking = false
      this.#seen(value.value ?? '')
    })
  }
}

type Step =
  | { readonly kind: 'produce'; readonly partition: number; readonly count: number }
  | { readonly kind: 'ask'; readonly member: number; readonly times: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'commit' | 'close'; readonly member: number }
  | { readonly kind: 'join' }

const member = fc.nat(3)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('produce' as const),
    partition: fc.nat(PARTITIONS - 1),
    count: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant('ask' as const), member, times: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(100, 600, 900, 6000) }),
  fc.record({ kind: fc.constantFrom('commit' as const, 'close' as const), member }),
  fc.record({ kind: fc.constant('join' as const) }),
)

class World {
  readonly broker: MemoryBroker
  readonly clock: FakeClock
  readonly client: BrokerClient
  readonly produced: string[] = []
  readonly seen = new Map<string, number>()
  readonly committed = new Map<number, number>()
  readonly complaints: string[] = []
  readonly #members: Member[] = []
  readonly #counts = new Array<number>(PARTITIONS).fill(0)

  constructor() {
    const { broker, clock, client } = setUp()
    this.broker = broker
    this.clock = clock
    this.client = client
    broker.create('t', PARTITIONS)
    const commit = broker.coordinator.commit.bind(broker.coordinator)
    broker.coordinator.commit = async request => {
      await commit(request)
      for (const { partition, offset } of request.offsets) {
        const before = this.committed.get(partition) ?? 0
        if (offset < before)
          this.complaints.push(`partition ${partition} was committed at ${offset} after ${before}`)
        this.committed.set(partition, offset)
      }
    }
  }

  async run(one: Step): Promise<void> {
    switch (one.kind) {
      case 'produce':
        await this.#produce(one.partition, one.count)
        break
      case 'ask':
        for (let n = 0; n < one.times; n++) {
          this.#members[one.member]?.ask()
          await settle(3)
        }
        break
      case 'pass':
        await this.clock.advanceAsync(one.ms)
        break
      case 'commit':
        await this.#members[one.member]?.consumer.commit().catch(() => undefined)
        break
      case 'close':
        await this.#close(this.#members.splice(one.member, 1)[0])
        break
      case 'join':
        if (this.#members.length < 4) this.#members.push(new Member(this.client, value => this.#see(value)))
        break
    }
    await settle(3)
    this.#checkOwners()
  }

  /** Everyone leaves, one comes and reads what is left. */
  async end(): Promise<void> {
    for (const one of this.#members.splice(0)) await this.#close(one)
    const last = this.client.consumer({ topics: ['t'], group: 'g', value: 'string', untilEnd: true })
    for (const { value } of await collect(last)) this.#see(value ?? '')
    await this.client.close()
    for (const value of this.produced)
      if (!this.seen.has(value)) this.complaints.push(`${value} was never read`)
    for (const [partition, count] of this.#counts.entries()) {
      const committed = this.committed.get(partition) ?? 0
      if (committed !== count)
        this.complaints.push(`partition ${partition} ends at ${count}, committed is ${committed}`)
    }
    await settle(10)
    if (this.clock.timers > 0) this.complaints.push(`${this.clock.timers} timers are left`)
    if (this.broker.waiting > 0) this.complaints.push(`${this.broker.waiting} fetches are left`)
  }

  async #produce(partition: number, count: number): Promise<void> {
    const producer = this.client.producer({ value: 'string' })
    const first = this.#counts[partition] ?? 0
    const values = Array.from({ length: count }, (_, n) => `${partition}-${first + n}`)
    await producer.sendBatch(
      't',
      values.map(value => ({ value, partition })),
    )
    await producer.close()
    this.#counts[partition] = first + count
    this.produced.push(...values)
  }

  async #close(one: Member | undefined): Promise<void> {
    await one?.consumer.close()
  }

  #see(value: string): void {
    this.seen.set(value, (this.seen.get(value) ?? 0) + 1)
  }

  /** While a group is stable, no partition is two members'. */
  #checkOwners(): void {
    const members = this.broker.coordinator.describe('g')
    if (members?.state !== 'Stable') return
    const owned = this.#members.flatMap(one => one.consumer.assignment.map(({ partition }) => partition))
    const live = members.members.length === this.#members.length
    if (live && new Set(owned).size !== owned.length) this.complaints.push(`two owners: ${owned.join(' ')}`)
  }
}

t.test('whatever members do, each record is read and no commit goes back', async t => {
  t.comment(`VARVE_SEED=${SEED}`)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async steps => {
      const world = new World()
      for (const one of steps) await world.run(one)
      await world.end()
      if (world.complaints.length > 0) throw new Error(world.complaints.join('\n'))
    }),
    { seed: SEED, numRuns: 150, endOnFailure: true },
  )
  t.pass('150 interleavings')
})
