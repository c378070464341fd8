import t from 'tap'
import { cpSync } from 'node:fs'
import { cryptoRandom, FakeClock, NodeFs } from '@varve/platform'
import { expectedLines, expectedRecords, fixture } from '@varve/testkit'
import { EmbeddedBroker } from '../src/index.ts'
import { codeOf, DAY, produce, records, values } from './harness.ts'

function open(path: string, readOnly = false): Promise<EmbeddedBroker> {
  return EmbeddedBroker.open({
    path,
    vfs: new NodeFs(),
    clock: new FakeClock(DAY),
    random: cryptoRandom,
    readOnly,
  })
}

interface ExpectedMetadata {
  record: { type: string; data: { name?: string; topicId?: string } }
}

/** The topics that Kafka's own dump of a metadata log leaves. */
function expectedTopics(name: string): Map<string, string> {
  const topics = new Map<string, string>()
  for (const { record } of expectedLines<ExpectedMetadata>(name)) {
    const { type, data } = record
    if (type === 'TOPIC_RECORD') topics.set(data.name ?? '', data.topicId ?? '')
    if (type !== 'REMOVE_TOPIC_RECORD') continue
    for (const [topic, id] of topics) if (id === data.topicId) topics.delete(topic)
  }
  return topics
}

for (const [directory, metadata] of [
  ['clean', 'cluster-metadata'],
  ['unclean', 'cluster-metadata.unclean'],
  ['dynamic', 'cluster-metadata.dynamic'],
  ['snapshot', 'cluster-metadata.snapshot'],
] as const) {
  t.test(`${directory}/ lists Kafka's topics, read in place`, async t => {
    const broker = await open(fixture(directory), true)
    const { topics } = await broker.metadata()
    const found = new Map(topics.map(({ topic, topicId }) => [topic, topicId]))
    if (directory === 'snapshot') {
      // The dump holds every snapshot one after the other: only what the newest one and the log have is left.
      t.same([...found.keys()], ['after-the-snapshot', 'snap-2', 'snap-3', 'snap-4', 'snap-5', 'snap-6'])
      const expected = expectedTopics(metadata)
      for (const [topic, id] of found) t.equal(expected.get(topic), id, topic)
    } else {
      t.same([...found].sort(), [...expectedTopics(metadata)].sort())
    }
    for (const { topic, partitions } of topics)
      for (const { partition, leader } of partitions) t.equal(leader, broker.nodeId, `${topic}-${partition}`)
    await broker.close()
  })
}

const PARTITIONS = [
  ...[
    'codec-none',
    'codec-gzip',
    'codec-snappy',
    'codec-lz4',
    'codec-zstd',
    'edge',
    'compacted',
    'logappend',
  ].map(name => `${name}-0`),
  ...['idem-0', 'trimmed-0', 'rolled-0', 'rolled-1', 'txn-0', 'txn-1', 'grown-0', 'grown-2'],
]

for (const directory of ['clean', 'unclean']) {
  t.test(`${directory}/ reads every record that Kafka's consumer saw`, async t => {
    const broker = await open(fixture(directory), true)
    for (const name of PARTITIONS) {
      const dash = name.lastIndexOf('-')
      const [topic, partition] = [name.slice(0, dash), Number(name.slice(dash + 1))]
      const expected = expectedRecords(name)
      const found = await records(broker, { topic, partition })
      const visible = found.filter(
        ({ offset }) => expected.some(one => one.offset === offset) || !topic.startsWith('txn'),
      )
      const offsets = (all: readonly { offset: number }[]): string => all.map(({ offset }) => offset).join()
      t.ok(offsets(visible) === offsets(expected), name)
      const differing = expected.findIndex(({ key }, index) => {
        const own = visible[index]?.key ?? null
        return typeof key === 'string' && own?.toString('base64') !== key
      })
      t.equal(differing, -1, `${name}: keys`)
    }
    await broker.close()
  })
}

t.test('configs, groups and offsets of Kafka come up', async t => {
  const broker = await open(fixture('clean'), true)
  const [described] = await broker.describeConfigs({ topics: ['rolled'] })
  const own = described?.entries.filter(({ source }) => source === 'topic') ?? []
  t.same(Object.fromEntries(own.map(({ name, value }) => [name, value])), {
    'index.interval.bytes': '512',
    'segment.bytes': '1048576',
    'segment.index.bytes': '4096',
  })
  t.equal(
    described?.entries.find(({ name }) => name === 'retention.ms')?.value,
    '-1',
    'nothing goes by a default',
  )
  t.same(
    (await broker.listGroups()).map(({ group }) => group),
    ['classic-group', 'kip848-group', 'tx-group'],
  )
  t.match(await broker.fetchOffsets({ group: 'classic-group' }), [
    { topic: 'edge', partition: 0, offset: 7, metadata: 'golden' },
    { topic: 'rolled', partition: 0, offset: 7 },
    { topic: 'rolled', partition: 1, offset: 0 },
  ])
  await broker.close()
})

t.test('a copy of clean/ is owned: produced to, committed to, closed and opened again', async t => {
  const path = t.testdir()
  cpSync(fixture('clean'), path, { recursive: true })
  let broker = await open(path)
  t.ok(broker.wasClean)
  t.equal(await produce(broker, ['new'], { topic: 'codec-gzip' }), 340)
  t.equal(await produce(broker, [{ key: 'k', value: 'new' }], { topic: 'grown', partition: 2 }), 0)
  await broker.createTopics({ topics: [{ topic: 'ours', partitions: 2 }] })
  await produce(broker, ['first'], { topic: 'ours', partition: 1 })
  const offsets = [{ topic: 'edge', partition: 0, offset: 100 }]
  await broker.commitOffsets({ group: 'classic-group', memberId: '', generation: -1, offsets })
  await broker.close()
  broker = await open(path)
  t.ok(broker.wasClean)
  t.equal((await values(broker, { topic: 'codec-gzip' })).at(-1), 'new')
  t.equal((await values(broker, { topic: 'codec-gzip' })).length, 341)
  t.same(await values(broker, { topic: 'ours', partition: 1 }), ['first'])
  t.match(await broker.fetchOffsets({ group: 'classic-group' }), [
    { offset: 100 },
    { offset: 7 },
    { offset: 0 },
  ])
  t.match(await broker.fetchOffsets({ group: 'tx-group' }), [
    { topic: 'idem', offset: 33, metadata: 'by txn' },
  ])
  const { topics } = await broker.metadata({ topics: ['codec-gzip'] })
  t.equal(topics[0]?.partitions[0]?.leaderEpoch, 3, "the epoch goes on from Kafka's")
  await broker.close()
})

t.test('unclean/ is owned only with the wish to recover it', async t => {
  const path = t.testdir()
  cpSync(fixture('unclean'), path, { recursive: true })
  t.equal(await codeOf(() => open(path)), 'DIRECTORY_NOT_CLEAN')
  const broker = await EmbeddedBroker.open({
    path,
    vfs: new NodeFs(),
    clock: new FakeClock(DAY),
    random: cryptoRandom,
    recover: true,
  })
  t.equal((await values(broker, { topic: 'codec-none' })).length, 340)
  t.equal(await produce(broker, ['new'], { topic: 'codec-none' }), 340)
  await broker.close()
})
