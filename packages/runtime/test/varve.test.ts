import { expectedRecords, fixture } from '@varve/testkit'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t, { type Test } from 'tap'
import { isVarveError, json, Varve, type ConsumerRecord, type VarveClient } from '../src/index.ts'

interface Order {
  id: number
}

async function collect<T>(records: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const record of records) all.push(record)
  return all
}

const ids = (records: readonly ConsumerRecord<unknown, Order>[]): number[] =>
  records.map(one => one.value?.id ?? -1)

/** The same on disk and in memory. */
function everywhere(name: string, run: (t: Test, path: string) => Promise<void>): void {
  t.test(`${name}, on disk`, async t => run(t, t.testdir()))
  t.test(`${name}, in memory`, async t => run(t, ':memory:'))
}

everywhere('what is produced is consumed, read and replayed', async (t, path) => {
  await using varve = await Varve.open(path)
  const { admin } = varve
  const made = await admin.createTopic('orders', { partitions: 3, config: { 'retention.ms': '7d' } })
  t.match(made, { topic: 'orders', partitions: 3, created: true })
  const producer = varve.producer({ key: 'string', value: json<Order>() })
  const first = await producer.send('orders', {
    key: 'o-1',
    value: { id: 0 },
    timestamp: 1e12 - 1,
    headers: { trace: 'abc' },
  })
  t.match(first, { topic: 'orders', offset: 0 })
  const many = Array.from({ length: 999 }, (_, n) => ({
    key: `o-${n + 1}`,
    value: { id: n + 1 },
    timestamp: 1e12 + n,
  }))
  const appended = await producer.sendBatch('orders', many)
  t.equal(appended.length, 999)

  const options = {
    topics: ['orders'],
    group: 'billing',
    key: 'string',
    value: json<Order>(),
    untilEnd: true,
  } as const
  const consumed = await collect(varve.consumer(options))
  t.same(
    ids(consumed).sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, n) => n),
  )
  t.same(consumed.find(one => one.value?.id === 0)?.headers, [['trace', Buffer.from('abc')]])
  t.same(await collect(varve.consumer(options)), [], 'all of it is committed')
  const group = await admin.describeGroup('billing')
  t.equal(group.state, 'Empty')
  t.equal(
    group.offsets.reduce((sum, one) => sum + one.offset, 0),
    1000,
  )
  t.ok(group.offsets.every(one => one.lag === 0))

  const replayed = await collect(
    varve.replay('orders', { from: new Date(1e12), to: new Date(1e12 + 500), value: json<Order>() }),
  )
  t.same(
    ids(replayed),
    Array.from({ length: 500 }, (_, n) => n + 1),
    'merged by time',
  )
  t.equal((await collect(varve.read('orders', { from: '-1' }))).length, 3)
  const described = await admin.describeTopic('orders')
  t.equal(
    described.partitions.reduce((sum, one) => sum + one.highWatermark, 0),
    1000,
  )
  t.match(
    described.config.find(one => one.name === 'retention.ms'),
    { value: '604800000', source: 'topic' },
  )
  t.same(
    (await admin.listTopics()).map(one => one.topic),
    ['orders'],
  )
})

everywhere('every codec and a stream', async (t, path) => {
  await using varve = await Varve.open(path)
  await varve.admin.createTopic('lines', { partitions: 2 })
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const producer = varve.producer({ value: 'string', compression })
    const lines = Array.from({ length: 300 }, (_, n) => ({
      value: `${compression} line ${n} ${'~'.repeat(40)}`,
    }))
    await pipeline(Readable.from(lines), producer.writable('lines'))
    await producer.close()
  }
  const counts = new Map<string, number>()
  for await (const { value } of varve.read('lines', { value: 'string' })) {
    const codec = value?.split(' ')[0] ?? ''
    counts.set(codec, (counts.get(codec) ?? 0) + 1)
  }
  t.same([...counts.values()], [300, 300, 300, 300, 300])
})

everywhere('a tail sees what is appended, and a closed client ends it', async (t, path) => {
  const varve = await Varve.open(path)
  await varve.admin.createTopic('orders')
  const producer = varve.producer({ value: 'string' })
  await producer.send('orders', { value: 'a' })
  const seen: string[] = []
  const tail = (async () => {
    for await (const { value } of varve.consumer({ topics: ['orders'], value: 'string' })) {
      seen.push(value ?? '')
      if (seen.length < 3) await producer.send('orders', { value: `after ${value ?? ''}` })
    }
  })()
  while (seen.length < 3) await new Promise(resolve => setImmediate(resolve))
  t.same(seen, ['a', 'after a', 'after after a'])
  await varve.close()
  await tail
  await t.rejects(producer.send('orders', { value: 'x' }), { code: 'CLOSED' })
  t.throws(() => varve.producer(), { code: 'CLOSED' })
  t.equal(varve.close(), varve.close())
})

everywhere('one member takes over from what the other has committed', async (t, path) => {
  await using varve = await Varve.open(path)
  await varve.admin.createTopic('flights', { partitions: 6 })
  const producer = varve.producer({ key: 'string', value: json<Order>() })
  await producer.sendBatch(
    'flights',
    Array.from({ length: 3000 }, (_, id) => ({ key: `k${id % 100}`, value: { id } })),
  )
  const handled = new Array<number>(3000).fill(0)
  const options = {
    topics: ['flights'],
    group: 'delays',
    value: json<Order>(),
    fetchBytesMax: 2000,
    heartbeatIntervalMs: 20,
    untilEnd: true,
  } as const
  const run = async (most: number): Promise<number> => {
    const consumer = varve.consumer(options)
    let count = 0
    for await (const { value } of consumer) {
      const id = value?.id ?? 0
      handled[id] = (handled[id] ?? 0) + 1
      if (++count % 50 === 0) await new Promise(resolve => setTimeout(resolve, 5)) // lets the other one in
      if (count < most) continue
      await consumer.commit()
      break
    }
    return count
  }
  const counts = await Promise.all([run(700), run(Infinity)])
  t.equal(counts[0], 700)
  t.same(
    handled.filter(count => count !== 1),
    [],
    'each record once',
  )
})

t.test('everything is there again after a restart', async t => {
  const path = t.testdir()
  const open = (): Promise<VarveClient> => Varve.open(path)
  const consumer = (varve: VarveClient) =>
    varve.consumer({ topics: ['orders'], group: 'g', value: json<Order>(), untilEnd: true })
  const seen: number[] = []
  for (let round = 0; round < 3; round++) {
    const varve = await open()
    await varve.admin.createTopic('orders', { partitions: 2, ifNotExists: true })
    const producer = varve.producer({ value: json<Order>() })
    const records = Array.from({ length: 100 }, (_, n) => ({
      value: { id: round * 100 + n },
      partition: n % 2,
    }))
    // Not awaited: closing flushes what was sent.
    const sent = producer.sendBatch('orders', records)
    if (round === 1) for await (const record of consumer(varve)) seen.push(record.value?.id ?? -1)
    await varve.close()
    await sent
  }
  const varve = await open()
  for await (const record of consumer(varve)) seen.push(record.value?.id ?? -1)
  t.same(
    seen.sort((a, b) => a - b),
    Array.from({ length: 300 }, (_, n) => n),
  )
  const topicId = (await varve.admin.describeTopic('orders')).topicId
  await varve.admin.deleteTopic('orders')
  t.match(await varve.admin.createTopic('orders'), { created: true })
  t.not((await varve.admin.describeTopic('orders')).topicId, topicId)
  await varve.close()
})

t.test('one process owns a directory, others read it', async t => {
  const path = t.testdir()
  const owner = await Varve.open(path)
  await owner.admin.createTopic('orders')
  const producer = owner.producer({ value: 'string' })
  await producer.send('orders', { value: 'a' })
  await t.rejects(Varve.open(path), { code: 'DIRECTORY_LOCKED' })
  const reader = await Varve.open(path, { readOnly: true })
  t.same(
    (await collect(reader.read('orders', { value: 'string' }))).map(one => one.value),
    ['a'],
  )
  await t.rejects(reader.admin.createTopic('more'), { code: 'NOT_PERMITTED' })
  await t.rejects(reader.producer().send('orders', { value: 'x' }), { code: 'NOT_PERMITTED' })
  await reader.close()
  await owner.close()
  const next = await Varve.open(path)
  await next.close()
})

t.test('a directory that Kafka closed is read as it is, and owned from then on', async t => {
  const path = `${t.testdir()}/kafka`
  cpSync(fixture('clean'), path, { recursive: true })
  for (const readOnly of [true, false]) {
    await using varve = await Varve.open(path, { readOnly })
    for (const topic of ['codec-gzip', 'codec-snappy', 'codec-lz4', 'codec-zstd']) {
      const read = await collect(varve.read(topic, { key: 'string', value: 'string' }))
      const expected = expectedRecords(`${topic}-0`)
      t.same(
        read.map(({ offset, timestamp }) => ({ offset, timestamp })),
        expected.map(({ offset, timestamp }) => ({ offset, timestamp })),
        topic,
      )
    }
    for (const { group } of await varve.admin.listGroups())
      t.ok((await varve.admin.describeGroup(group)).state)
    if (readOnly) continue
    const producer = varve.producer({ value: 'string' })
    const before = (await varve.admin.offsets('codec-lz4', 'end'))[0]?.offset
    t.equal((await producer.send('codec-lz4', { value: 'ours' })).offset, before)
  }
})

t.test('damage on the disk is told where it is, and only there', async t => {
  const path = t.testdir()
  const write = await Varve.open(path)
  await write.admin.createTopic('orders', { partitions: 2 })
  const producer = write.producer({ value: 'string' })
  for (let n = 0; n < 20; n++)
    await producer.send('orders', { value: `record ${n} ${'~'.repeat(50)}`, partition: n % 2 })
  await write.close()
  const file = `${path}/orders-1/00000000000000000000.log`
  const bytes = readFileSync(file)
  const at = bytes.indexOf('record 9 ')
  bytes[at + 20] = 0
  writeFileSync(file, bytes)
  await using varve = await Varve.open(path)
  const read = async (options: object): Promise<number> =>
    (await collect(varve.read('orders', options))).length
  t.equal(await read({ partitions: [0] }), 10)
  t.equal(await read({ partitions: [1], to: 4 }), 4)
  t.equal(await read({ partitions: [1], from: 5 }), 5)
  for (const records of [
    varve.read('orders', { partitions: [1] }),
    varve.replay('orders', { partitions: [1] }),
    varve.consumer({ topics: ['orders'] }),
  ]) {
    let sound = 0
    const loop = async (): Promise<void> => {
      for await (const record of records) if (record.partition === 1) sound++
    }
    await t.rejects(loop(), { code: 'CORRUPT_MESSAGE', context: { topic: 'orders', partition: 1 } })
    t.equal(sound, 4)
  }
})

t.test('what cannot be opened is said in one sentence', async t => {
  const path = t.testdir({ other: { 'data.txt': 'not ours' }, empty: {} })
  await t.rejects(Varve.open(`${path}/nowhere`, { create: false }), {
    code: 'NOT_FOUND',
    context: { path: /nowhere/ },
  })
  await t.rejects(Varve.open(`${path}/empty`, { create: false }), { code: 'NOT_FOUND' })
  await t.rejects(Varve.open(`${path}/nowhere`, { readOnly: true }), { code: 'NOT_FOUND' })
  await t.rejects(Varve.open(`${path}/other`), { code: 'DIRECTORY_NOT_VARVE' })
  writeFileSync(`${path}/file`, 'x')
  await t.rejects(Varve.open(`${path}/file`), { name: 'VarveError' })
  await t.rejects(Varve.open(''), { code: 'INVALID_ARGUMENT', context: { field: 'path' } })
  // @ts-expect-error there is no such option
  await t.rejects(Varve.open(path, { readonly: true }), { code: 'INVALID_ARGUMENT', message: /readOnly/ })
  await t.rejects(Varve.open(path, { signal: AbortSignal.abort() }), { code: 'ABORTED' })
  await t.rejects(Varve.connect('kafka://localhost:9092'), { code: 'UNSUPPORTED' })
})

t.test('memory that is full says so, and what was acknowledged stays readable', async t => {
  const varve = await Varve.open(':memory:', { memoryBytesMax: 4 * 2 ** 20 })
  await varve.admin.createTopic('orders')
  const producer = varve.producer()
  const value = Buffer.alloc(100_000, 1)
  let acknowledged = 0
  const fill = async (): Promise<void> => {
    for (let n = 0; n < 100; n++) {
      await producer.send('orders', { value })
      acknowledged++
    }
  }
  await t.rejects(fill(), { code: 'DISK_FULL', context: { topic: 'orders', partition: 0 } })
  t.ok(acknowledged > 10, `${acknowledged} fitted`)
  t.equal((await collect(varve.read('orders'))).length, acknowledged)
  // What a clean end has to write no longer fits either.
  await varve.close().catch((error: unknown) => t.ok(isVarveError(error)))
})

t.test('topics come by themselves when that is wanted', async t => {
  await using varve = await Varve.open(':memory:', { autoCreateTopics: true, numPartitions: 2 })
  const producer = varve.producer({ value: 'string' })
  await producer.send('fresh', { value: 'a' })
  t.equal((await varve.admin.describeTopic('fresh')).partitions.length, 2)
})

t.test('what a reader does to its records is no damage to a log in memory', async t => {
  const varve = await Varve.open(':memory:')
  await varve.admin.createTopic('orders')
  await varve.producer({ value: 'string' }).send('orders', { value: 'kept' })
  for await (const { value } of varve.read('orders')) value?.fill(0)
  for await (const { value } of varve.read('orders', { value: 'string' })) t.equal(value, 'kept')
  await varve.close()
})
