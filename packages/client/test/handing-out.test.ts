import { realClock, SeededRandom } from '@varve/platform'
import t from 'tap'
import { BrokerClient, type ConsumerBatch } from '../src/index.ts'
import { collect, MemoryBroker, settle, setUp } from './support/memory-broker.ts'

const options = { topics: ['orders'], group: 'g', value: 'string' } as const
const committed = (broker: MemoryBroker, partition = 0): number | undefined =>
  broker.coordinator.committed({ group: 'g', topic: 'orders', partition })?.offset

async function produce(client: BrokerClient, counts: readonly number[]): Promise<void> {
  const producer = client.producer({ value: 'string' })
  for (const [partition, count] of counts.entries())
    for (let n = 0; n < count; n++) await producer.send('orders', { value: `${partition}-${n}`, partition })
}

t.test('a batch that is committed late commits itself, and not what came after it', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  await produce(client, [3])
  const consumer = client.consumer({ ...options, autoCommit: false, fetchBytesMax: 1 })
  const batches: ConsumerBatch<Buffer, string>[] = []
  for await (const batch of consumer.batches()) {
    batches.push(batch)
    if (batches.length < 2) continue
    await batches[0]?.commit()
    t.equal(committed(broker), 1)
    break
  }
  await t.rejects(async () => batches[1]?.commit(), { code: 'CLOSED' }, 'nothing is committed silently')
  await t.rejects(consumer.commit(), { code: 'CLOSED' })
  t.equal(committed(broker), 1)
  await client.close()
})

t.test('a commit that nobody waits for does not take what is handed out after it', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  await produce(client, [3])
  const loop = client.consumer({ ...options, autoCommit: false })
  const records = loop[Symbol.asyncIterator]()
  await records.next()
  const commits = [loop.commit(), loop.commit()]
  await records.next()
  await records.next()
  await Promise.all(commits)
  t.equal(committed(broker), 1)
  await client.close()
})

t.test('with untilEnd a member that is done stays for those whose member leaves', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders', 2)
  await produce(client, [10, 10])
  const [first, second] = [client.consumer({ ...options, untilEnd: true }), client.consumer(options)]
  const slow = second[Symbol.asyncIterator]()
  const waiting = slow.next() // has both partitions, and then shares them
  await settle(20)
  const seen = collect(first)
  const state = { over: false }
  void seen.then(() => (state.over = true))
  await waiting
  await clock.advanceAsync(600)
  const next = slow.next()
  for (let n = 0; n < 20; n++) await clock.advanceAsync(500)
  await next
  t.same([first.assignment.length, second.assignment.length], [1, 1])
  t.notOk(state.over, 'the other one has not come to its end')
  await second.close()
  for (let n = 0; n < 20 && !state.over; n++) await clock.advanceAsync(500)
  t.ok(state.over)
  const read = await seen
  for (const partition of [0, 1]) {
    t.equal(committed(broker, partition), 10)
    const last = read.filter(one => one.partition === partition).at(-1)
    t.equal(last?.offset, 9, 'what the other one left was read')
  }
  await client.close()
})

t.test('two members with untilEnd both end', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders', 4)
  await produce(client, [5, 5, 5, 0])
  const runs = Promise.all([1, 2].map(() => collect(client.consumer({ ...options, untilEnd: true }))))
  const state = { over: false }
  void runs.then(() => (state.over = true))
  for (let n = 0; n < 40 && !state.over; n++) await clock.advanceAsync(500)
  t.ok(state.over)
  t.equal(new Set((await runs).flat().map(one => one.value)).size, 15)
  await client.close()
})

t.test('the event loop turns while all is in memory', async t => {
  const random = new SeededRandom(1)
  const broker = new MemoryBroker({ clock: realClock, seed: 1 })
  const client = new BrokerClient({ broker, clock: realClock, random })
  broker.create('orders')
  const producer = client.producer({ value: 'string' })
  const loops = {
    send: async (): Promise<unknown> => producer.send('orders', { value: 'x'.repeat(100) }),
    read: async (): Promise<unknown> => collect(client.read('orders')),
    replay: async (): Promise<unknown> => collect(client.replay('orders')),
    consumer: async (): Promise<unknown> => collect(client.consumer({ topics: ['orders'], untilEnd: true })),
  }
  for (const [name, once] of Object.entries(loops)) {
    let turned = false
    setImmediate(() => (turned = true))
    for (let n = 0; n < 5000 && !(turned as boolean); n++) await once()
    t.ok(turned, name)
  }
  await client.close()
})
