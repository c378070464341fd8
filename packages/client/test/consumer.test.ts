import { isVarveError, VarveError } from '@varve/platform'
import type { FakeClock } from '@varve/testkit'
import t from 'tap'
import type { BrokerClient, ConsumerRecord } from '../src/index.ts'
import { collect, settle, setUp } from './support/memory-broker.ts'

async function produce(client: BrokerClient, topic: string, counts: readonly number[]): Promise<void> {
  const producer = client.producer({ value: 'string' })
  for (const [partition, count] of counts.entries()) {
    await producer.sendBatch(
      topic,
      Array.from({ length: count }, (_, n) => ({ value: `${partition}-${n}`, partition })),
    )
  }
  await producer.close()
}

/** Lets a promise settle while time passes. */
async function while_<T>(clock: FakeClock, work: Promise<T>, ms = 60_000): Promise<T> {
  const state = { over: false }
  const end = (): void => void (state.over = true)
  work.then(end, end)
  for (let passed = 0; !state.over && passed < ms; passed += 100) await clock.advanceAsync(100)
  return work
}

const values = (records: readonly ConsumerRecord<unknown, unknown>[]): unknown[] =>
  records.map(one => one.value)

t.test('without a group it reads every partition from the start, and ends at the end it saw', async t => {
  const { broker, client } = setUp()
  broker.create('orders', 3)
  await produce(client, 'orders', [5, 0, 7])
  const records = await collect(client.consumer({ topics: ['orders'], value: 'string', untilEnd: true }))
  t.equal(records.length, 12)
  t.same(
    values(records.filter(one => one.partition === 2)),
    [0, 1, 2, 3, 4, 5, 6].map(n => `2-${n}`),
  )
  t.match(records[0], { topic: 'orders', offset: 0, timestampType: 'CreateTime', key: null, headers: [] })
  const last = await collect(
    client.consumer({ topics: ['orders'], value: 'string', untilEnd: true, from: { kind: 'end', minus: 1 } }),
  )
  t.same(values(last).sort(), ['0-4', '2-6'])
  await client.close()
})

t.test('a group goes on where it has stopped: committed is what the loop body has ended with', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  await produce(client, 'orders', [10])
  const seen: unknown[] = []
  for await (const record of client.consumer({ topics: ['orders'], group: 'g', value: 'string' })) {
    seen.push(record.value)
    if (seen.length === 4) break
  }
  t.equal(
    broker.coordinator.committed({ group: 'g', topic: 'orders', partition: 0 })?.offset,
    3,
    'the fourth was left',
  )
  const rest = client.consumer({ topics: ['orders'], group: 'g', value: 'string', untilEnd: true })
  t.same(values(await collect(rest)), ['0-3', '0-4', '0-5', '0-6', '0-7', '0-8', '0-9'])
  t.equal(broker.coordinator.committed({ group: 'g', topic: 'orders', partition: 0 })?.offset, 10)
  t.same(broker.coordinator.describe('g')?.members, [], 'everyone has left')
  await client.close()
})

t.test('commit in the body covers the running record, and lag is right after it', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  await produce(client, 'orders', [3])
  const consumer = client.consumer({ topics: ['orders'], group: 'g', value: 'string', autoCommit: false })
  for await (const record of consumer) {
    if (record.offset < 2) continue
    await consumer.commit()
    t.same(await consumer.lag(), [
      { topic: 'orders', partition: 0, position: 3, committed: 3, highWatermark: 3, lag: 0 },
    ])
    break
  }
  t.equal(broker.coordinator.committed({ group: 'g', topic: 'orders', partition: 0 })?.offset, 3)
  const alone = client.consumer({ topics: ['orders'] })
  await t.rejects(alone.commit(), { code: 'INVALID_ARGUMENT', context: { field: 'consumer.group' } })
  await client.close()
})

t.test('without autoCommit nothing is committed', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  await produce(client, 'orders', [3])
  const options = { topics: ['orders'], group: 'g', autoCommit: false, untilEnd: true } as const
  t.equal((await collect(client.consumer(options))).length, 3)
  t.equal(broker.coordinator.committed({ group: 'g', topic: 'orders', partition: 0 }), undefined)
  t.equal((await collect(client.consumer(options))).length, 3)
  await client.close()
})

t.test('what was handled is committed on time although the handler is slow', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders')
  await produce(client, 'orders', [5])
  const consumer = client.consumer({ topics: ['orders'], group: 'g', commitIntervalMs: 1000 })
  const loop = consumer[Symbol.asyncIterator]()
  await loop.next()
  await loop.next()
  await clock.advanceAsync(1100)
  t.equal(broker.coordinator.committed({ group: 'g', topic: 'orders', partition: 0 })?.offset, 1)
  t.equal(broker.coordinator.describe('g')?.state, 'Stable', 'heartbeats go on beside the handler')
  await consumer.close()
  t.same(await loop.next(), { value: undefined, done: true })
  await client.close()
})

t.test('batches come by partition, and their commit covers them', async t => {
  const { broker, client } = setUp()
  broker.create('orders', 2)
  await produce(client, 'orders', [4, 4])
  const consumer = client.consumer({
    topics: ['orders'],
    group: 'g',
    value: 'string',
    autoCommit: false,
    untilEnd: true,
  })
  const seen: unknown[] = []
  for await (const batch of consumer.batches()) {
    t.equal(batch.highWatermark, 4)
    seen.push([batch.partition, values(batch.records)])
    await batch.commit()
    t.equal(
      broker.coordinator.committed({ group: 'g', topic: 'orders', partition: batch.partition })?.offset,
      4,
    )
  }
  t.same(seen, [
    [0, ['0-0', '0-1', '0-2', '0-3']],
    [1, ['1-0', '1-1', '1-2', '1-3']],
  ])
  await client.close()
})

t.test('a second member takes its share, and its own go on with the first when it leaves', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders', 4)
  const counts = new Map<string, number>()
  const run = async (consumer: AsyncIterable<ConsumerRecord<unknown, unknown>>): Promise<void> => {
    for await (const { value } of consumer) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  }
  const first = client.consumer({ topics: ['orders'], group: 'g', value: 'string' })
  const firstRun = run(first)
  await produce(client, 'orders', [10, 10, 10, 10])
  await settle(20)
  t.equal(first.assignment.length, 4)
  const second = client.consumer({ topics: ['orders'], group: 'g', value: 'string' })
  const secondRun = run(second)
  await clock.advanceAsync(600)
  await settle(20)
  t.same([first.assignment.length, second.assignment.length], [2, 2])
  await produce(client, 'orders', [20, 20, 20, 20])
  await settle(20)
  await second.close()
  await secondRun
  await clock.advanceAsync(600)
  await settle(20)
  t.equal(first.assignment.length, 4)
  await produce(client, 'orders', [25, 25, 25, 25])
  await settle(20)
  t.equal(counts.size, 100)
  t.same(
    [...counts.entries()].filter(([key]) => key.endsWith('-3')).map(([, count]) => count),
    [3, 3, 3, 3],
    'each once: three rounds have the same names',
  )
  await client.close()
  await firstRun
})

t.test('a rebalance waits for the running loop body, so that its record is not read twice', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders', 2)
  await produce(client, 'orders', [5, 5])
  const first = client.consumer({ topics: ['orders'], group: 'g', value: 'string' })
  const loop = first[Symbol.asyncIterator]()
  const seen = [(await loop.next()).value?.value as unknown]
  const second = client.consumer({ topics: ['orders'], group: 'g', value: 'string' })
  const others: unknown[] = []
  const secondRun = (async () => {
    for await (const { value } of second) others.push(value)
  })()
  await clock.advanceAsync(5000)
  t.same(others, [], 'the second member waits')
  const going = (async () => {
    for (;;) {
      const { value, done } = await loop.next()
      if (done === true) return
      seen.push(value.value)
    }
  })()
  await clock.advanceAsync(1000)
  await settle(20)
  t.same([...seen, ...others].sort(), ['0-0', '0-1', '0-2', '0-3', '0-4', '1-0', '1-1', '1-2', '1-3', '1-4'])
  await client.close()
  await Promise.all([going, secondRun])
})

t.test('a member that the group has given up on commits nothing more', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders', 1)
  await produce(client, 'orders', [6])
  const first = client.consumer({ topics: ['orders'], group: 'g', value: 'string', rebalanceTimeoutMs: 2000 })
  const loop = first[Symbol.asyncIterator]()
  await loop.next()
  await loop.next()
  const second = client.consumer({
    topics: ['orders'],
    group: 'g',
    value: 'string',
    rebalanceTimeoutMs: 2000,
    untilEnd: true,
  })
  const taken = collect(second)
  await clock.advanceAsync(3000)
  t.same(
    values(await while_(clock, taken)),
    ['0-0', '0-1', '0-2', '0-3', '0-4', '0-5'],
    'nothing was committed yet',
  )
  await t.rejects(first.commit(), { code: /UNKNOWN_MEMBER_ID|ILLEGAL_GENERATION/ })
  t.equal(broker.coordinator.committed({ group: 'g', topic: 'orders', partition: 0 })?.offset, 6)
  const next = loop.next()
  await clock.advanceAsync(2000)
  await produce(client, 'orders', [1])
  await settle(20)
  t.equal((await next).value?.offset, 6, 'it joins again and goes on behind the other')
  await client.close()
})

t.test('an error ends the loop, commits what was handled, and leaves the group', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  const producer = client.producer()
  await producer.sendBatch('orders', [{ value: '1' }, { value: '2' }, { value: '{' }, { value: '4' }])
  const seen: unknown[] = []
  const loop = async (): Promise<void> => {
    for await (const { value } of client.consumer({ topics: ['orders'], group: 'g', value: 'json' }))
      seen.push(value)
  }
  await t.rejects(loop(), {
    code: 'INVALID_RECORD',
    message: /value of a record at offset 2 of partition 0 of topic 'orders'/,
    context: { topic: 'orders', partition: 0, offset: 2 },
  })
  t.same(seen, [1, 2])
  t.equal(broker.coordinator.committed({ group: 'g', topic: 'orders', partition: 0 })?.offset, 2)
  t.same(broker.coordinator.describe('g')?.members, [])
  const body = async (): Promise<void> => {
    for await (const _ of client.consumer({ topics: ['orders'], group: 'h' })) throw new Error('mine')
  }
  await t.rejects(body(), { message: 'mine' })
  t.equal(broker.coordinator.committed({ group: 'h', topic: 'orders', partition: 0 }), undefined)
  await client.close()
})

t.test('an unknown topic is an error, and no topic at all is one at once', async t => {
  const { client } = setUp()
  t.throws(() => client.consumer({ topics: [] }), {
    code: 'INVALID_ARGUMENT',
    context: { field: 'consumer.topics' },
  })
  // @ts-expect-error topics is a list
  t.throws(() => client.consumer({ topics: 'orders' }), { code: 'INVALID_ARGUMENT' })
  t.throws(() => client.consumer({ topics: ['a'], from: 'yesterday' }), { code: 'INVALID_ARGUMENT' })
  t.throws(() => client.consumer({ topics: ['a'], group: '' }), { code: 'INVALID_ARGUMENT' })
  const consumer = client.consumer({ topics: ['nowhere'], group: 'g' })
  await t.rejects(collect(consumer), { code: 'UNKNOWN_TOPIC_OR_PARTITION', context: { topic: 'nowhere' } })
  t.throws(() => consumer[Symbol.asyncIterator](), { code: 'CLOSED' })
  await client.close()
  t.throws(() => client.consumer({ topics: ['a'] }), { code: 'CLOSED' })
})

t.test('an offset that is gone is told, unless from says where to go on', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  const producer = client.producer({ value: 'string' })
  for (let n = 0; n < 6; n++) await producer.send('orders', { value: `${n}` })
  for await (const record of client.consumer({ topics: ['orders'], group: 'g' }))
    if (record.offset === 1) break
  broker.deleteBelow('orders', 0, 4)
  const options = { topics: ['orders'], group: 'g', value: 'string', untilEnd: true } as const
  await t.rejects(collect(client.consumer(options)), {
    code: 'OFFSET_OUT_OF_RANGE',
    context: { topic: 'orders', partition: 0, offset: 1, min: 4, max: 6 },
  })
  t.same(values(await collect(client.consumer({ ...options, from: 'start' }))), ['4', '5'])
  await client.close()
})

t.test('a commit for a topic that was deleted meanwhile is refused', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  await produce(client, 'orders', [3])
  const consumer = client.consumer({ topics: ['orders'], group: 'g', autoCommit: false })
  const loop = consumer[Symbol.asyncIterator]()
  await loop.next()
  broker.create('orders')
  await t.rejects(consumer.commit(), { code: 'UNKNOWN_TOPIC_ID' })
  await consumer.close()
  await client.close()
})

t.test('closing ends a loop that waits, and nothing stays behind', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders', 2)
  for (const group of [undefined, 'g']) {
    const consumer = client.consumer({ topics: ['orders'], ...(group === undefined ? {} : { group }) })
    const ended = collect(consumer)
    await settle(20)
    t.ok(broker.waiting > 0, 'a fetch waits')
    await consumer.close()
    t.same(await ended, [])
    await settle()
    t.equal(broker.waiting, 0)
  }
  const early = client.consumer({ topics: ['orders'], group: 'g' })
  const ended = collect(early)
  await early.close()
  t.same(await ended, [], 'closed while it joined')
  const never = client.consumer({ topics: ['orders'], group: 'g' })
  await never.close()
  await never.close()
  await client.close()
  await settle(20)
  t.equal(clock.timers, 0)
})

t.test('aborting the signal ends the loop with ABORTED, and the group is left', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  await produce(client, 'orders', [2])
  const abort = new AbortController()
  const consumer = client.consumer({ topics: ['orders'], group: 'g', signal: abort.signal })
  const ended = collect(consumer)
  await settle(20)
  abort.abort(new Error('enough'))
  await t.rejects(ended, { code: 'ABORTED', cause: { message: 'enough' } })
  t.equal(broker.coordinator.committed({ group: 'g', topic: 'orders', partition: 0 })?.offset, 2)
  t.same(broker.coordinator.describe('g')?.members, [])
  await client.close()
})

t.test('a slow partition holds up no other, and no more is fetched ahead than allowed', async t => {
  const { broker, client } = setUp()
  broker.create('orders', 2)
  const producer = client.producer({ value: 'string' })
  for (let n = 0; n < 40; n++) await producer.send('orders', { value: 'x'.repeat(1000), partition: n % 2 })
  const consumer = client.consumer({ topics: ['orders'], fetchBytesMax: 2500, untilEnd: true })
  let partitions = ''
  let most = 0
  const fetch = broker.fetch.bind(broker)
  let fetched = 0
  let handed = 0
  broker.fetch = async request => {
    const results = await fetch(request)
    for (const { batches } of results) fetched += batches.length
    most = Math.max(most, fetched - handed)
    return results
  }
  for await (const record of consumer) {
    partitions += String(record.partition)
    handed += 1000
    await settle(1)
  }
  t.equal(partitions.length, 40)
  t.match(partitions, /^(00?11?)+0*1*$/, 'in turns')
  t.ok(most <= 16 * 2500, `at most ${most} bytes ahead`)
  t.ok(most <= 4 * 2500 + 4000, `two chunks a partition: ${most}`)
  await client.close()
})

t.test('what is retriable is fetched again, anything else ends the loop after what was fetched', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders')
  await produce(client, 'orders', [3])
  const fetch = broker.fetch.bind(broker)
  let failures = 2
  broker.fetch = async request => {
    if (failures-- > 0) throw new VarveError('NETWORK_EXCEPTION', 'Gone for a moment.', { retriable: true })
    return fetch(request)
  }
  t.equal((await while_(clock, collect(client.consumer({ topics: ['orders'], untilEnd: true })))).length, 3)
  broker.fetch = async request =>
    (await fetch(request)).map(one => ({
      ...one,
      error: new VarveError('KAFKA_STORAGE_ERROR', 'The disk is gone.'),
    }))
  const seen: unknown[] = []
  const loop = async (): Promise<void> => {
    for await (const record of client.consumer({ topics: ['orders'] })) seen.push(record)
  }
  await t.rejects(loop(), { code: 'KAFKA_STORAGE_ERROR' })
  t.equal(seen.length, 3)
  await client.close()
})

t.test('a commit that fails for good ends the loop; one that may succeed later does not', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders')
  await produce(client, 'orders', [4])
  let error: VarveError | undefined = new VarveError('COORDINATOR_LOAD_IN_PROGRESS', 'Later.', {
    retriable: true,
  })
  broker.onCommit = () => {
    if (error !== undefined) throw error
  }
  const consumer = client.consumer({ topics: ['orders'], group: 'g', commitIntervalMs: 1000 })
  const loop = consumer[Symbol.asyncIterator]()
  await loop.next()
  await loop.next()
  await clock.advanceAsync(1100)
  await loop.next()
  error = new VarveError('KAFKA_STORAGE_ERROR', 'The disk is gone.')
  await clock.advanceAsync(1100)
  await t.rejects(loop.next(), { code: 'KAFKA_STORAGE_ERROR' })
  error = undefined
  await client.close().catch((failure: unknown) => t.ok(isVarveError(failure)))
})

t.test('two loops over one consumer are refused', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  const consumer = client.consumer({ topics: ['orders'] })
  const loop = consumer.batches()
  t.throws(() => consumer[Symbol.asyncIterator](), { code: 'INVALID_ARGUMENT' })
  await loop[Symbol.asyncIterator]().return?.()
  await client.close()
})
