import { BatchWriter } from '@varve/records'
import t from 'tap'
import type { BrokerClient, ConsumerRecord } from '../src/index.ts'
import { collect, settle, setUp } from './support/memory-broker.ts'

/** Three partitions whose times interleave: record n of partition p happened at 1,000,000 + 30n + 10p ms. */
async function history(client: BrokerClient, perPartition: number): Promise<void> {
  const producer = client.producer({ value: 'string' })
  for (let partition = 0; partition < 3; partition++) {
    for (let n = 0; n < perPartition; n++) {
      const timestamp = 1_000_000 + 30 * n + 10 * partition
      await producer.send('h', { value: `${partition}-${n}`, partition, timestamp })
    }
  }
}

const values = (records: readonly ConsumerRecord<unknown, unknown>[]): string =>
  records.map(one => one.value).join(' ')

t.test('read hands out ranges, partition by partition', async t => {
  const { broker, client } = setUp()
  broker.create('h', 3)
  await history(client, 4)
  const read = async (options: Parameters<BrokerClient['read']>[1]): Promise<string> =>
    values(await collect(client.read('h', { ...options, value: 'string' })))
  t.equal(await read({}), '0-0 0-1 0-2 0-3 1-0 1-1 1-2 1-3 2-0 2-1 2-2 2-3')
  t.equal(await read({ from: 1, to: 3 }), '0-1 0-2 1-1 1-2 2-1 2-2')
  t.equal(await read({ from: '-1' }), '0-3 1-3 2-3')
  t.equal(await read({ from: '+3', partitions: [2, 2] }), '2-3')
  t.equal(await read({ from: new Date(1_000_030), to: new Date(1_000_061) }), '0-1 0-2 1-1 2-1')
  t.equal(await read({ from: 'end' }), '')
  t.equal(await read({ from: 99 }), '', 'beyond the end there is nothing')
  t.equal(await read({ from: 3, to: 1 }), '')
  t.equal(await read({ to: 'now', partitions: [0] }), '0-0 0-1 0-2 0-3')
  await t.rejects(read({ partitions: [7] }), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  await t.rejects(collect(client.read('nowhere')), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  broker.deleteBelow('h', 1, 2)
  t.equal(await read({ from: 'start', partitions: [1] }), '1-2 1-3')
  await t.rejects(read({ from: 0 }), {
    code: 'OFFSET_OUT_OF_RANGE',
    context: { topic: 'h', partition: 1, offset: 0, min: 2 },
  })
  await client.close()
})

t.test('wrong ranges are named at once', async t => {
  const { client } = setUp()
  for (const from of ['@2030', 'soon', -1, 1.5, new Date(Number.NaN), {}]) {
    // @ts-expect-error an empty object is no position
    t.throws(() => client.read('h', { from }), { code: 'INVALID_ARGUMENT' }, JSON.stringify(from))
  }
  t.throws(() => client.replay('h', { speed: 0 }), {
    code: 'INVALID_ARGUMENT',
    context: { field: 'replay.speed' },
  })
  // @ts-expect-error only replay has a speed
  t.throws(() => client.read('h', { speed: 1 }), { code: 'INVALID_ARGUMENT' })
  await client.close()
})

t.test('read goes on with what is appended when it follows, and stops when its loop is left', async t => {
  const { broker, client } = setUp()
  broker.create('h', 3)
  await history(client, 1)
  const producer = client.producer({ value: 'string' })
  const seen: string[] = []
  for await (const record of client.read('h', { follow: true, value: 'string' })) {
    seen.push(record.value ?? '')
    if (seen.length === 3) void producer.send('h', { value: 'later', partition: 1 })
    if (seen.length === 4) void producer.send('h', { value: 'latest', partition: 0 })
    if (seen.length === 5) break
  }
  t.equal(seen.join(' '), '0-0 1-0 2-0 later latest')
  await settle()
  t.equal(broker.waiting, 0)
  const abort = new AbortController()
  const following = collect(client.replay('h', { follow: true, signal: abort.signal }))
  await settle(20)
  abort.abort()
  await t.rejects(following, { code: 'ABORTED' })
  const limited = client.read('h', { follow: true, to: 2, partitions: [0, 1] })
  t.equal((await collect(limited)).length, 4, 'ends by itself when the range has ended')
  await client.close()
})

t.test('replay merges partitions by time', async t => {
  const { broker, client } = setUp()
  broker.create('h', 3)
  await history(client, 100)
  const records = await collect(client.replay('h', { value: 'string' }))
  t.equal(records.length, 300)
  t.equal(values(records.slice(0, 7)), '0-0 1-0 2-0 0-1 1-1 2-1 0-2')
  const times = records.map(one => one.timestamp)
  t.same(
    times,
    [...times].sort((a, b) => a - b),
  )
  const day = await collect(
    client.replay('h', { value: 'string', from: new Date(1_000_060), to: new Date(1_000_090) }),
  )
  t.equal(values(day), '0-2 1-2 2-2')
  await client.close()
})

t.test('records of the same time come by partition, and a partition keeps its order', async t => {
  const { broker, client } = setUp()
  broker.create('h', 2)
  const producer = client.producer({ value: 'string' })
  for (const [value, partition, timestamp] of [
    ['b0', 1, 5],
    ['a0', 0, 5],
    ['a1', 0, 5],
    ['a2', 0, 1],
    ['b1', 1, 6],
  ] as const) {
    await producer.send('h', { value, partition, timestamp })
  }
  t.equal(values(await collect(client.replay('h', { value: 'string' }))), 'a0 a1 a2 b0 b1')
  await client.close()
})

t.test('replay keeps the pace of the history, n times as fast', async t => {
  const { broker, clock, client } = setUp()
  broker.create('h', 1)
  const producer = client.producer({ value: 'string' })
  for (const timestamp of [1000, 1100, 1050, 3100])
    await producer.send('h', { value: `${timestamp}`, timestamp })
  const seen: [string, number][] = []
  const began = clock.monotonic()
  const replayed = (async () => {
    for await (const { value } of client.replay('h', { value: 'string', speed: 10 })) {
      seen.push([value ?? '', clock.monotonic() - began])
    }
  })()
  await clock.advanceAsync(9)
  t.equal(seen.length, 1)
  await clock.advanceAsync(300)
  await replayed
  t.same(seen, [
    ['1000', 0],
    ['1100', 10],
    ['1050', 10],
    ['3100', 210],
  ])
  const abort = new AbortController()
  const slow = collect(client.replay('h', { speed: 0.001, signal: abort.signal }))
  await settle(20)
  abort.abort()
  await t.rejects(slow, { code: 'ABORTED' })
  await client.close()
  t.equal(clock.timers, 0)
})

t.test('sound records come before the damage, and ranges beside it are read', async t => {
  const { broker, client } = setUp()
  broker.create('h')
  const producer = client.producer({ value: 'string' })
  for (let n = 0; n < 9; n++) await producer.send('h', { value: `${n}` })
  const damaged = broker.partition('h').batches[4] as Buffer
  damaged[damaged.length - 2] = (damaged[damaged.length - 2] ?? 0) ^ 1
  for (const read of [
    () => client.read('h', { value: 'string' }),
    () => client.replay('h', { value: 'string' }),
    () => client.consumer({ topics: ['h'], value: 'string' }),
  ]) {
    const seen: (string | null)[] = []
    const loop = async (): Promise<void> => {
      for await (const { value } of read()) seen.push(value)
    }
    await t.rejects(loop(), { code: 'CORRUPT_MESSAGE', context: { topic: 'h', partition: 0, offset: 4 } })
    t.equal(seen.join(''), '0123')
  }
  t.equal(values(await collect(client.read('h', { value: 'string', from: 5 }))), '5 6 7 8')
  t.equal(values(await collect(client.read('h', { value: 'string', to: 4 }))), '0 1 2 3')
  await client.close()
})

t.test('control records are passed over unless they are asked for', async t => {
  const { broker, client } = setUp()
  broker.create('h')
  const producer = client.producer({ value: 'string' })
  await producer.send('h', { value: 'a' })
  const marker = new BatchWriter()
  marker.control = true
  marker.transactional = true
  marker.producerId = 1
  marker.producerEpoch = 0
  marker.add(Buffer.from([0, 0, 0, 1]), Buffer.from([0, 0, 0, 0, 0, 0]), 1)
  broker.append('h', 0, marker.finish())
  await producer.send('h', { value: 'b' })
  broker.append('h', 0, marker.finish())
  t.equal(values(await collect(client.read('h', { value: 'string' }))), 'a b')
  t.equal((await collect(client.read('h', { control: true }))).length, 4)
  const consumer = client.consumer({ topics: ['h'], group: 'g', untilEnd: true })
  t.equal((await collect(consumer)).length, 2)
  t.equal(
    broker.coordinator.committed({ group: 'g', topic: 'h', partition: 0 })?.offset,
    4,
    'behind the last marker',
  )
  await client.close()
})

t.test('every codec is read back, and headers keep order, repetition and null', async t => {
  const { broker, client } = setUp()
  broker.create('h')
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const producer = client.producer({ key: 'string', value: 'json', compression })
    const records = Array.from({ length: 50 }, (_, n) => ({
      key: `k${n}`,
      value: { n, text: 'x'.repeat(50) },
    }))
    await producer.sendBatch('h', records)
    await producer.send('h', {
      value: null,
      headers: [
        ['a', '1'],
        ['a', null],
        ['b', Buffer.from([255])],
      ],
    })
    const read = await collect(client.read('h', { from: '-51', key: 'string', value: 'json' }))
    t.same(
      read.slice(0, 50).map(({ key, value }) => ({ key, value })),
      records,
      compression,
    )
    t.match(read[50], { key: null, value: null })
    t.same(read[50]?.headers, [
      ['a', Buffer.from('1')],
      ['a', null],
      ['b', Buffer.from([255])],
    ])
  }
  await client.close()
})

t.test('admin creates, lists, describes and deletes topics', async t => {
  const { broker, client } = setUp()
  const { admin } = client
  const made = await admin.createTopic('orders', {
    partitions: 3,
    config: { 'retention.ms': '7d', 'segment.bytes': '16MiB', 'cleanup.policy': 'compact' },
  })
  t.match(made, { topic: 'orders', partitions: 3, created: true, topicId: /./ })
  t.same(broker.configs.get('orders'), {
    'retention.ms': '604800000',
    'segment.bytes': '16777216',
    'cleanup.policy': 'compact',
  })
  await t.rejects(admin.createTopic('orders'), { code: 'TOPIC_ALREADY_EXISTS' })
  t.match(await admin.createTopic('orders', { ifNotExists: true, partitions: 9 }), {
    partitions: 3,
    created: false,
  })
  await admin.createTopic('audit')
  t.same(
    (await admin.listTopics()).map(({ topic, partitions }) => [topic, partitions]),
    [
      ['audit', 1],
      ['orders', 3],
    ],
  )
  const producer = client.producer({ value: 'string' })
  for (let n = 0; n < 4; n++) await producer.send('orders', { value: 'x', partition: 1, timestamp: 1000 + n })
  const described = await admin.describeTopic('orders')
  t.same(described.partitions[1], {
    partition: 1,
    leader: 1,
    leaderEpoch: 0,
    logStartOffset: 0,
    highWatermark: 4,
  })
  t.same(described.config[0], { name: 'retention.ms', value: '604800000', source: 'topic' })
  t.same(await admin.offsets('orders', new Date(1002)), [
    { partition: 0, offset: 0 },
    { partition: 1, offset: 2 },
    { partition: 2, offset: 0 },
  ])
  await t.rejects(admin.describeTopic('nowhere'), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  await t.rejects(admin.createTopic('x', { partitions: 0 }), { code: 'INVALID_ARGUMENT' })
  await admin.deleteTopic('audit')
  await t.rejects(admin.deleteTopic('audit'), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  await client.close()
})

t.test('admin describes groups with members, offsets and lag', async t => {
  const { broker, client } = setUp()
  broker.create('h', 2)
  await history(client, 0)
  const producer = client.producer({ value: 'string' })
  for (let n = 0; n < 5; n++) await producer.send('h', { value: 'x', partition: 1 })
  const consumer = client.consumer({ topics: ['h'], group: 'g', clientId: 'me' })
  const loop = consumer[Symbol.asyncIterator]()
  await loop.next()
  await loop.next()
  await consumer.commit()
  const group = await client.admin.describeGroup('g')
  t.match(group, {
    group: 'g',
    state: 'Stable',
    members: [
      {
        clientId: 'me',
        assignment: [
          { topic: 'h', partition: 0 },
          { topic: 'h', partition: 1 },
        ],
      },
    ],
    offsets: [{ topic: 'h', partition: 1, offset: 2, highWatermark: 5, lag: 3 }],
  })
  t.same(await client.admin.listGroups(), [{ group: 'g', state: 'Stable' }])
  await t.rejects(client.admin.describeGroup('nobody'), { code: 'GROUP_ID_NOT_FOUND' })
  await client.close()
})
