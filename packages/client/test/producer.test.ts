import { VarveError } from '@varve/platform'
import { SeededRandom } from '@varve/testkit'
import { readRecordsCount, recordsOf } from '@varve/records'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import type { RecordMetadata } from '../src/index.ts'
import { collect, settle, setUp } from './support/memory-broker.ts'

const retriable = (): VarveError => new VarveError('NOT_ENOUGH_REPLICAS', 'Try later.', { retriable: true })

t.test('records of one turn go in one batch, all partitions in one request', async t => {
  const { broker, client } = setUp()
  broker.create('orders', 3)
  const producer = client.producer({ key: 'string', value: 'string' })
  await producer.send('orders', { value: 'first', partition: 0 })
  const sent = [0, 1, 2, 0, 1, 2].map((partition, n) =>
    producer.send('orders', { value: `v${n}`, partition }),
  )
  const results = await Promise.all(sent)
  t.same(
    results.map(({ partition, offset }) => [partition, offset]),
    [
      [0, 1],
      [1, 0],
      [2, 0],
      [0, 2],
      [1, 1],
      [2, 1],
    ],
  )
  t.equal(broker.produced.length, 2)
  t.same(
    broker.produced[1]?.partitions.map(one => readRecordsCount(one.batches, 0)),
    [2, 2, 2],
  )
  await client.close()
})

t.test('programs that await each send share a batch', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  const producer = client.producer({ value: 'string' })
  await producer.send('orders', { value: 'first' })
  const program = async (): Promise<void> => {
    for (let n = 0; n < 3; n++) await producer.send('orders', { value: 'x' })
  }
  await Promise.all([program(), program(), program(), program()])
  t.equal(broker.produced.length, 4)
  await client.close()
})

t.test('key and value are copied before send returns, also while the topic is being looked up', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  const producer = client.producer()
  const bytes = Buffer.from('good')
  const header = Buffer.from('good')
  const first = producer.send('orders', { key: bytes, value: bytes, headers: { h: header } })
  bytes.write('EVIL')
  header.write('EVIL')
  await first
  bytes.write('good')
  const second = producer.send('orders', { key: bytes, value: bytes })
  bytes.write('EVIL')
  await second
  const records = await collect(client.read('orders', { key: 'string', value: 'string' }))
  t.same(
    records.map(({ key, value }) => [key, value]),
    [
      ['good', 'good'],
      ['good', 'good'],
    ],
  )
  t.equal(records[0]?.headers[0]?.[1]?.toString(), 'good')
  await client.close()
})

t.test('order holds per partition whatever is retried', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders')
  let failures = 3
  broker.onProduce = async () => (failures-- > 0 ? retriable() : undefined)
  const producer = client.producer({ value: 'string', batchBytesMax: 120 })
  const sent = Array.from({ length: 20 }, (_, n) => producer.send('orders', { value: `value-${n}` }))
  await clock.advanceAsync(5000)
  await Promise.all(sent)
  const records = await collect(client.read('orders', { value: 'string' }))
  t.same(
    records.map(one => one.value),
    Array.from({ length: 20 }, (_, n) => `value-${n}`),
  )
  t.ok(broker.produced.length > 4)
  await client.close()
})

t.test('what is not acknowledged in time is rejected with the last error', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders')
  broker.onProduce = async () => retriable()
  const producer = client.producer({ value: 'string', deliveryTimeoutMs: 3000 })
  const sent = producer.send('orders', { value: 'x' })
  const refused = t.rejects(sent, {
    code: /REQUEST_TIMED_OUT|NOT_ENOUGH_REPLICAS/,
    retriable: true,
    context: { topic: 'orders' },
  })
  await clock.advanceAsync(4000)
  await refused
  await client.close()
})

t.test('a broker that never answers cannot hold close for ever', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders')
  broker.onProduce = () => new Promise(() => undefined)
  const producer = client.producer({ value: 'string', deliveryTimeoutMs: 3000 })
  const refused = t.rejects(producer.send('orders', { value: 'x' }), {
    code: 'REQUEST_TIMED_OUT',
    message: /not known/,
  })
  const behind = settle().then(() =>
    t.rejects(producer.send('orders', { value: 'y' }), { code: 'REQUEST_TIMED_OUT' }),
  )
  await settle()
  const closed = settle(10).then(() => producer.close())
  await settle(20)
  t.equal(producer.close(), producer.close(), 'the same promise each time')
  await clock.advanceAsync(3001)
  await refused
  await clock.advanceAsync(3001)
  await behind
  await closed
  await t.rejects(producer.send('orders', { value: 'z' }), { code: 'CLOSED' })
})

t.test('a batch that is too large is split, and a record that is too large fails alone', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  broker.messageBytesMax = 400
  for (const compression of ['none', 'gzip'] as const) {
    const producer = client.producer({ value: 'string', compression })
    const noise = (n: number): string => new SeededRandom(n).bytes(n).toString('base64').slice(0, n)
    const values = Array.from({ length: 30 }, (_, n) => noise(40 + n))
    const sent = values.map((value, n) =>
      producer.send('orders', { value, timestamp: 1000 + n, headers: { n: `${n}` } }),
    )
    const huge = t.rejects(producer.send('orders', { value: noise(9000) }), {
      code: 'MESSAGE_TOO_LARGE',
      context: { topic: 'orders', partition: 0 },
    })
    const results = await Promise.all(sent)
    await huge
    const from = results[0]?.offset ?? 0
    const records = await collect(client.read('orders', { value: 'string', from }))
    t.same(
      records.map(one => one.value),
      values,
      `${compression}: in order, once`,
    )
    t.same(
      records.map(one => one.timestamp),
      values.map((_, n) => 1000 + n),
    )
    t.equal(records[7]?.headers[0]?.[1]?.toString(), '7')
  }
  await client.close()
})

t.test('a refused batch fails its own records, with topic and partition', async t => {
  const { broker, client } = setUp()
  broker.create('orders', 2)
  const producer = client.producer({ value: 'string' })
  await producer.send('orders', { value: 'first', partition: 1 })
  let refuse = true
  broker.onProduce = async () => {
    if (!refuse) return undefined
    refuse = false
    return new VarveError('INVALID_RECORD', 'A compacted topic needs keys.')
  }
  await t.rejects(producer.send('orders', { value: 'x', partition: 1 }), {
    code: 'INVALID_RECORD',
    message: /partition 1 of topic 'orders'/i,
    context: { topic: 'orders', partition: 1 },
  })
  t.equal((await producer.send('orders', { value: 'y', partition: 1 })).offset, 1)
  await client.close()
})

t.test('an unknown topic is told at once, and forgotten topics are looked up again', async t => {
  const { broker, client } = setUp()
  const producer = client.producer({ value: 'string' })
  await t.rejects(producer.send('nowhere', { value: 'x' }), {
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
    context: { topic: 'nowhere' },
  })
  broker.create('nowhere')
  t.equal((await producer.send('nowhere', { value: 'x' })).offset, 0)
  broker.create('nowhere')
  await t.rejects(
    producer.send('nowhere', { value: 'x' }),
    { code: 'UNKNOWN_TOPIC_ID' },
    'made anew meanwhile',
  )
  t.equal((await producer.send('nowhere', { value: 'x' })).offset, 0)
  await t.rejects(producer.send('nowhere', { value: 'x', partition: 9 }), {
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
    context: { found: 9 },
  })
  await client.close()
})

t.test('a full buffer makes send wait, in order, and frees itself', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  let release = (): void => undefined
  broker.onProduce = () =>
    new Promise(resolve => {
      release = () => resolve(undefined)
    })
  const producer = client.producer({ value: 'string', bufferBytesMax: 1000 })
  const value = (n: number): string => `${n}`.padStart(100, '.')
  const sent: Promise<RecordMetadata>[] = []
  for (let n = 0; n < 40; n++) sent.push(producer.send('orders', { value: value(n) }))
  await settle()
  t.equal(broker.produced.length, 1)
  t.ok((broker.produced[0]?.partitions[0]?.batches.length ?? 0) < 1200, 'no more than the buffer holds')
  for (let turn = 0; turn < 40; turn++) {
    release()
    await settle()
  }
  const offsets = (await Promise.all(sent)).map(one => one.offset)
  t.same(
    offsets,
    offsets.map((_, n) => n),
  )
  await t.rejects(producer.send('orders', { value: 'x'.repeat(2000) }), { code: 'MESSAGE_TOO_LARGE' })
  broker.onProduce = async () => undefined
  await client.close()
})

t.test('sendBatch has one promise, with what each record became', async t => {
  const { broker, client } = setUp()
  broker.create('orders', 3)
  const producer = client.producer({ key: 'string', value: 'json' })
  const records = Array.from({ length: 100 }, (_, n) => ({ key: `k${n % 7}`, value: { n } }))
  const results = await producer.sendBatch('orders', records)
  t.equal(results.length, 100)
  for (const [n, { partition }] of results.entries()) t.equal(partition, results[n % 7]?.partition, 'by key')
  t.same(await producer.sendBatch('orders', []), [])
  function* broken(): Generator<{ value: unknown }> {
    yield { value: 1 }
    yield { value: undefined }
  }
  await t.rejects(producer.sendBatch('orders', broken()), {
    code: 'INVALID_ARGUMENT',
    message: /1 of 2 records/,
    context: { found: [{ topic: 'orders' }, undefined] },
  })
  // @ts-expect-error a record is no list
  await t.rejects(producer.sendBatch('orders', { value: 1 }), { code: 'INVALID_ARGUMENT' })
  await client.close()
})

t.test('linger waits for more, and flush does not wait', async t => {
  const { broker, clock, client } = setUp()
  broker.create('orders')
  const producer = client.producer({ value: 'string', lingerMs: 50 })
  const first = producer.send('orders', { value: 'a' })
  await settle()
  clock.advance(30)
  const second = producer.send('orders', { value: 'b' })
  await settle()
  t.equal(broker.produced.length, 0)
  await clock.advanceAsync(25)
  await Promise.all([first, second])
  t.equal(broker.produced.length, 1)
  const third = producer.send('orders', { value: 'c' })
  await producer.flush()
  t.equal((await third).offset, 2)
  await client.close()
})

t.test('records without a key stay on one partition for a batch, then move', async t => {
  const { broker, client } = setUp()
  broker.create('orders', 4)
  const producer = client.producer({ value: 'string' })
  const few = await producer.sendBatch(
    'orders',
    Array.from({ length: 50 }, () => ({ value: 'x' })),
  )
  t.equal(new Set(few.map(one => one.partition)).size, 1)
  const many = await producer.sendBatch(
    'orders',
    Array.from({ length: 3000 }, () => ({ value: 'x'.repeat(100) })),
  )
  t.equal(new Set(many.map(one => one.partition)).size, 4)
  await client.close()
})

t.test('partitioners of the user are asked, and checked', async t => {
  const { broker, client } = setUp()
  broker.create('orders', 4)
  const producer = client.producer({
    partitioner: ({ key, partitions }) => (key === null ? 99 : partitions - 1),
  })
  t.equal((await producer.send('orders', { key: 'k', value: 'v' })).partition, 3)
  await t.rejects(producer.send('orders', { value: 'v' }), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  await client.close()
})

t.test(
  'a stream ends when its last record is acknowledged, and fails with the first refused one',
  async t => {
    const { broker, client } = setUp()
    broker.create('orders', 2)
    const producer = client.producer({ value: 'json' })
    const source = Readable.from(Array.from({ length: 5000 }, (_, n) => ({ value: n })))
    await pipeline(source, producer.writable('orders'))
    t.equal(broker.partition('orders', 0).highWatermark + broker.partition('orders', 1).highWatermark, 5000)
    broker.onProduce = async () => new VarveError('KAFKA_STORAGE_ERROR', 'The disk is gone.')
    await t.rejects(pipeline(Readable.from([{ value: 1 }]), producer.writable('orders')), {
      code: 'KAFKA_STORAGE_ERROR',
    })
    const lines = client.producer()
    broker.onProduce = async () => undefined
    await pipeline(Readable.from(['a', Buffer.from('b')]), lines.writable('orders'))
    await client.close()
  },
)

t.test('wrong options and records are named', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  const refused: [object, string][] = [
    [{ acks: 2 }, 'producer.acks'],
    [{ compression: 'rar' }, 'producer.compression'],
    [{ lingerMs: -1 }, 'producer.lingerMs'],
    [{ bufferBytesMax: 0 }, 'producer.bufferBytesMax'],
    [{ value: 'jsn' }, 'producer.value'],
    [{ partitioner: 1 }, 'producer.partitioner'],
    [{ linger: 1 }, 'producer.linger'],
  ]
  for (const [options, field] of refused) {
    t.throws(() => client.producer(options), { code: 'INVALID_ARGUMENT', context: { field } }, field)
  }
  const producer = client.producer({ value: 'string' })
  // @ts-expect-error a number is no text
  await t.rejects(producer.send('orders', { value: 7 }), {
    code: 'INVALID_RECORD',
    context: { topic: 'orders', field: 'value' },
  })
  await t.rejects(producer.send('orders', { value: 'x', timestamp: new Date(Number.NaN) }), {
    code: 'INVALID_TIMESTAMP',
  })
  await t.rejects(producer.send('', { value: 'x' }), { code: 'INVALID_ARGUMENT' })
  await t.rejects(producer.send('orders', {} as { value: string }), { code: 'INVALID_ARGUMENT' })
  // @ts-expect-error a header is no number
  await t.rejects(producer.send('orders', { value: 'x', headers: { h: 1 } }), { code: 'INVALID_ARGUMENT' })
  await client.close()
})

t.test('acks 0 resolves without an offset', async t => {
  const { broker, client } = setUp()
  broker.create('orders')
  const produce = broker.produce.bind(broker)
  broker.produce = async request => (await produce(request)).map(one => ({ ...one, baseOffset: -1 }))
  const producer = client.producer({ acks: 0 })
  t.equal((await producer.send('orders', { value: 'x' })).offset, -1)
  t.equal(broker.produced[0]?.acks, 0)
  t.equal([...recordsOf(broker.partition('orders').batches[0] as Buffer)].length, 1)
  await client.close()
})
