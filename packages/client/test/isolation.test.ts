import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BatchWriter, writeControlRecord } from '@varve/records'
import { expectedLines, expectedRecords, fixture } from '@varve/testkit'
import t from 'tap'
import type { BrokerClient, ConsumerRecord } from '../src/index.ts'
import { collect, setUp, type MemoryBroker } from './support/memory-broker.ts'

interface AbortedLine {
  file: string
  producerId: number
  firstOffset?: number
}

/** The topic `txn` as Kafka left it, with what Kafka's own index says was aborted. */
function loadTransactions(broker: MemoryBroker): void {
  broker.create('txn', 2)
  for (const partition of [0, 1]) {
    const folder = fixture(`clean/txn-${partition}`)
    for (const name of readdirSync(folder)
      .filter(one => one.endsWith('.log'))
      .sort())
      broker.append('txn', partition, readFileSync(join(folder, name)))
    const log = broker.partition('txn', partition)
    log.lastStableOffset = partition === 0 ? 15 : log.highWatermark
    log.aborted = expectedLines<AbortedLine>('producer-state')
      .filter(one => one.file.startsWith(`txn-${partition}/`) && one.file.endsWith('.txnindex'))
      .map(({ producerId, firstOffset = -1 }) => ({ producerId, firstOffset }))
      .reverse()
  }
}

const seen = (records: readonly ConsumerRecord[], partition: number) =>
  records
    .filter(one => one.partition === partition)
    .map(({ offset, timestamp, key }) => ({ offset, timestamp, key: key?.toString('base64') ?? null }))

const wanted = (name: string) =>
  expectedRecords(name).map(({ offset, timestamp, key }) => ({ offset, timestamp, key }))

t.test(
  'a reader of committed records sees what Kafka shows it, and ends at the last stable offset',
  async t => {
    const { broker, client } = setUp()
    loadTransactions(broker)
    for (const call of ['read', 'replay'] as const) {
      const all = await collect(client[call]('txn'))
      const committed = await collect(client[call]('txn', { isolation: 'read_committed' }))
      for (const partition of [0, 1]) {
        t.same(
          seen(all, partition),
          wanted(`txn-${partition}`),
          `${call}, partition ${partition}: everything`,
        )
        t.same(
          seen(committed, partition),
          wanted(`txn-${partition}.committed`),
          `${call}, ${partition}: committed`,
        )
      }
    }
    const range = { isolation: 'read_committed', from: 4, to: 9, partitions: [0] } as const
    const inside = wanted('txn-0.committed').filter(one => one.offset >= 4 && one.offset < 9)
    t.same(seen(await collect(client.read('txn', range)), 0), inside, 'from within an aborted transaction')
    const markers = await collect(client.read('txn', { control: true, isolation: 'read_committed' }))
    t.equal(
      markers.filter(one => one.key?.length === 4).length > 4,
      true,
      'markers come when they are asked for',
    )
    t.same(await client.admin.offsets('txn', 'end', { isolation: 'read_committed' }), [
      { partition: 0, offset: 15 },
      { partition: 1, offset: broker.partition('txn', 1).highWatermark },
    ])
    await client.close()
  },
)

t.test('a consumer of committed records skips what was aborted, and commits past it', async t => {
  const { broker, client } = setUp()
  loadTransactions(broker)
  const consumer = client.consumer({
    topics: ['txn'],
    group: 'g',
    untilEnd: true,
    isolation: 'read_committed',
  })
  const records = await collect(consumer)
  for (const partition of [0, 1])
    t.same(seen(records, partition), wanted(`txn-${partition}.committed`), `partition ${partition}`)
  await consumer.close()
  const [committed] = await broker.fetchOffsets({ group: 'g', partitions: [{ topic: 'txn', partition: 0 }] })
  t.equal(committed?.offset, 15, 'the last record, a marker, is behind it')
  const again = client.consumer({ topics: ['txn'], group: 'g', untilEnd: true, isolation: 'read_committed' })
  t.same(await collect(again), [])
  await client.close()
})

t.test('a producer that aborts once is heard again, also where one fetch holds both', async t => {
  const { broker, client } = setUp()
  broker.create('x')
  append(broker, { producerId: 7, value: 'taken back' })
  append(broker, { producerId: 8, value: 'kept' })
  append(broker, { producerId: 7, marker: 'abort' })
  append(broker, { producerId: 7, value: 'second try' })
  append(broker, { producerId: 8, marker: 'commit' })
  append(broker, { producerId: 7, marker: 'commit' })
  append(broker, { producerId: -1, value: 'plain' })
  broker.partition('x').aborted = [{ producerId: 7, firstOffset: 0 }]
  const read = async (options: Parameters<BrokerClient['read']>[1]) =>
    (await collect(client.read('x', { ...options, value: 'string' }))).map(one => one.value)
  t.same(await read({ isolation: 'read_committed' }), ['kept', 'second try', 'plain'])
  t.same(await read({}), ['taken back', 'kept', 'second try', 'plain'])
  // @ts-expect-error a word that is none
  t.throws(() => client.read('x', { isolation: 'serializable' }), {
    code: 'INVALID_ARGUMENT',
    context: { field: 'read.isolation' },
  })
  await client.close()
})

interface Sketch {
  producerId: number
  value?: string
  marker?: 'abort' | 'commit'
}

function append(broker: MemoryBroker, { producerId, value = '', marker }: Sketch): void {
  const writer = new BatchWriter()
  writer.producerId = producerId
  writer.producerEpoch = producerId < 0 ? -1 : 0
  writer.transactional = producerId >= 0
  writer.control = marker !== undefined
  const record =
    marker === undefined
      ? { key: null, value: Buffer.from(value) }
      : writeControlRecord({ type: marker, version: 0, coordinatorEpoch: 0 })
  writer.add(record.key, record.value, 1)
  broker.append('x', 0, writer.finish())
}
