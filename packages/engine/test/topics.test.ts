import t from 'tap'
import { MemFs, SeededRandom } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { topicConfigDefaults, type CreateTopicResult } from '../src/index.ts'
import { brokerWith, codeOf, openBroker, produce, topicNames, values } from './harness.ts'

const codes = (results: readonly CreateTopicResult[]): string[] =>
  results.map(({ error }) => error?.code ?? 'none')

t.test('a topic has the partitions and settings it was given, also after a reopening', async t => {
  const vfs = new MemFs()
  let broker = await openBroker({ vfs, numPartitions: 2 })
  const config = { 'retention.ms': '-1', 'cleanup.policy': 'compact,delete' }
  const results = await broker.createTopics({
    topics: [{ topic: 'a', partitions: 3, config }, { topic: 'b' }],
  })
  t.match(results, [
    { topic: 'a', partitions: 3 },
    { topic: 'b', partitions: 2 },
  ])
  const before = await broker.metadata()
  await broker.close()
  broker = await openBroker({ vfs })
  t.same(await broker.metadata(), before)
  t.equal(before.topics[0]?.topicId, results[0]?.topicId)
  t.match(
    before.topics[0]?.partitions,
    [0, 1, 2].map(partition => ({ partition, leader: broker.nodeId, leaderEpoch: 0 })),
  )
  const [described] = await broker.describeConfigs({ topics: ['a'] })
  const own = described?.entries.filter(({ source }) => source === 'topic') ?? []
  t.same(Object.fromEntries(own.map(({ name, value }) => [name, value])), config)
  t.equal(described?.entries.length, topicConfigDefaults().size)
  t.equal(described?.entries.find(({ name }) => name === 'flush.messages')?.value, '1')
  await broker.close()
})

t.test('names that are none, collide or are internal are refused', async t => {
  const broker = await openBroker()
  const create = async (topic: string) => codes(await broker.createTopics({ topics: [{ topic }] }))[0]
  for (const name of [
    '',
    '.',
    '..',
    'a/b',
    'a b',
    'ä',
    '../up',
    'x'.repeat(250),
    '__consumer_offsets',
    '__cluster_metadata',
  ])
    t.equal(await create(name), 'INVALID_TOPIC_EXCEPTION', name)
  t.equal(await create('a.b'), 'none')
  t.equal(await create('a_b'), 'INVALID_TOPIC_EXCEPTION', 'collides')
  t.equal(await create('a.b'), 'TOPIC_ALREADY_EXISTS')
  t.equal(await create('A.B'), 'none', 'case is told apart here')
  t.equal(await create('x'.repeat(249)), 'none')
  const twice = await broker.createTopics({ topics: [{ topic: 'd' }, { topic: 'd' }] })
  t.same(codes(twice), ['INVALID_REQUEST', 'INVALID_REQUEST'])
  await broker.close()
})

t.test('where the file system ignores case, names that differ only in case are refused', async t => {
  const broker = await brokerWith({}, { vfs: new MemFs({ caseInsensitive: true }) })
  const results = await broker.createTopics({ topics: [{ topic: 'T' }] })
  t.same(codes(results), ['INVALID_TOPIC_EXCEPTION'])
  await broker.close()
})

t.test('settings are checked: the name with a suggestion, the type, the range', async t => {
  const broker = await openBroker()
  const create = async (config: Record<string, string>) => {
    const [result] = await broker.createTopics({ topics: [{ topic: 'x', config }], validateOnly: true })
    return result?.error === undefined ? 'none' : `${result.error.code} ${result.error.message}`
  }
  t.match(await create({ 'retention.m': '1' }), /^INVALID_CONFIG .*did you mean retention\.ms\?$/)
  for (const bad of [
    { 'retention.ms': '7d' },
    { 'retention.ms': '-2' },
    { 'segment.bytes': '13' },
    { 'cleanup.policy': 'shred' },
    { preallocate: 'yes' },
    { 'min.cleanable.dirty.ratio': '1.5' },
    { 'min.compaction.lag.ms': '5', 'max.compaction.lag.ms': '4' },
    { 'remote.storage.enable': 'true' },
  ])
    t.match(await create(bad), /^INVALID_CONFIG /)
  t.equal(await create({ 'retention.ms': '604800000', 'cleanup.policy': 'compact' }), 'none')
  t.same(await topicNames(broker), [], 'nothing was made by checking')
  for (const partitions of [0, -1, 1.5, 10_001])
    t.same(codes(await broker.createTopics({ topics: [{ topic: 'x', partitions }] })), ['INVALID_PARTITIONS'])
  await broker.close()
})

t.test('a deleted topic is gone with its commits, and one of its name is another topic', async t => {
  const vfs = new MemFs()
  let broker = await brokerWith({ partitions: 2 }, { vfs })
  const before = await broker.metadata({ topics: ['t'] })
  await produce(broker, ['old'])
  const commit = { group: 'g', memberId: '', generation: -1 }
  await broker.commitOffsets({ ...commit, offsets: [{ topic: 't', partition: 0, offset: 1 }] })
  t.same(await broker.deleteTopics({ topics: ['t'] }), [{ topic: 't' }])
  const [gone] = await broker.deleteTopics({ topics: ['t'] })
  t.equal(gone?.error?.code, 'UNKNOWN_TOPIC_OR_PARTITION')
  t.same(await broker.fetchOffsets({ group: 'g' }), [])
  t.same(
    (await vfs.list('/data')).map(({ name }) => name).filter(name => /^t-\d+$/.test(name)),
    [],
  )
  await broker.createTopics({ topics: [{ topic: 't' }] })
  t.same(await values(broker), [])
  const topicId = before.topics[0]?.topicId ?? ''
  const [late] = await broker.commitOffsets({
    ...commit,
    offsets: [{ topic: 't', partition: 0, topicId, offset: 1 }],
  })
  t.equal(late?.error?.code, 'UNKNOWN_TOPIC_ID')
  await broker.close()
  broker = await openBroker({ vfs })
  t.same(await broker.fetchOffsets({ group: 'g' }), [])
  t.same(await broker.fetchOffsets({ group: 'g', partitions: [{ topic: 't', partition: 0 }] }), [
    { topic: 't', partition: 0, offset: -1, leaderEpoch: -1, metadata: '' },
  ])
  await broker.close()
})

t.test('internal topics cannot be deleted', async t => {
  const broker = await brokerWith()
  const offsets = [{ topic: 't', partition: 0, offset: 0 }]
  await broker.commitOffsets({ group: 'g', memberId: '', generation: -1, offsets })
  const [result] = await broker.deleteTopics({ topics: ['__consumer_offsets'] })
  t.equal(result?.error?.code, 'INVALID_TOPIC_EXCEPTION')
  await broker.close()
})

t.test('unknown topics are made on demand only where that is asked for', async t => {
  const strict = await openBroker()
  t.match((await strict.metadata({ topics: ['x'] })).topics, [
    { error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
  ])
  await strict.close()
  const broker = await openBroker({ autoCreateTopics: true, numPartitions: 3 })
  const { topics } = await broker.metadata({ topics: ['x', 'bad name', '__consumer_offsets'] })
  t.equal(topics[0]?.partitions.length, 3)
  t.same(
    topics.map(({ error }) => error?.code),
    [undefined, 'INVALID_TOPIC_EXCEPTION', 'UNKNOWN_TOPIC_OR_PARTITION'],
  )
  await broker.close()
})

t.test('changes at the same time do not disturb each other', async t => {
  const broker = await openBroker()
  const names = Array.from({ length: 8 }, (_, index) => `t${index % 4}`)
  const results = (
    await Promise.all(names.map(topic => broker.createTopics({ topics: [{ topic, partitions: 3 }] })))
  ).flat()
  t.equal(results.filter(({ error }) => error === undefined).length, 4)
  t.equal(results.filter(({ error }) => error?.code === 'TOPIC_ALREADY_EXISTS').length, 4)
  await Promise.all([0, 1, 2, 3].map(index => broker.deleteTopics({ topics: [`t${index}`] })))
  t.same(await topicNames(broker), [])
  await broker.close()
})

t.test('a creation that fails anywhere leaves nothing, and works when it is tried again', async t => {
  let failures = 0
  for (let nth = 1; nth < 200; nth++) {
    const vfs = new FaultFs(new MemFs())
    const broker = await openBroker({ vfs })
    const fault = vfs.fail({
      operation: ['mkdir', 'open', 'write', 'datasync', 'rename', 'syncDir'],
      nth,
      errno: 'ENOSPC',
    })
    const [result] = await broker.createTopics({ topics: [{ topic: 't', partitions: 2 }] })
    if (fault.fired === 0) break
    failures++
    if (result?.error === undefined) {
      t.same(await values(broker), [], `the failure ${nth} did not matter`)
    } else {
      t.same(await topicNames(broker), [], `failure ${nth}`)
    }
    await broker.close().catch(() => undefined)
    const again = await openBroker({ vfs })
    if ((await topicNames(again)).length === 0) {
      const [second] = await again.createTopics({ topics: [{ topic: 't', partitions: 2 }] })
      t.equal(second?.error, undefined, `again after failure ${nth}`)
    }
    await produce(again, ['x'], { partition: 1 })
    t.same(await values(again, { partition: 1 }), ['x'])
    await again.close()
  }
  t.ok(failures > 8, `${failures} operations failed in turn`)
})

t.test(
  'power cuts while topics are made and deleted leave whole topics or none, and never old records',
  async t => {
    let cuts = 0
    for (const seed of [1, 2, 3]) {
      const rng = new SeededRandom(seed)
      const inner = new MemFs({ crashable: true })
      const clones: MemFs[] = []
      let armed = false
      const vfs = new FaultFs(inner, {
        onOperation: () => {
          if (armed && rng.chance(20))
            clones.push(inner.crashClone({ rng, unsyncedPercent: rng.pick([0, 50, 100]) }))
        },
      })
      const broker = await openBroker({ vfs })
      armed = true
      await broker.createTopics({ topics: [{ topic: 't', partitions: 2 }] })
      await produce(broker, ['first'])
      await broker.deleteTopics({ topics: ['t'] })
      await broker.createTopics({ topics: [{ topic: 't', partitions: 2 }] })
      armed = false
      await broker.close()
      for (const clone of clones) {
        cuts++
        const after = await openBroker({ vfs: clone })
        const { topics } = await after.metadata({ topics: ['t'] })
        if (topics[0]?.error === undefined) t.equal(topics[0]?.partitions.length, 2)
        else t.same(codes(await after.createTopics({ topics: [{ topic: 't', partitions: 2 }] })), ['none'])
        const found = await values(after)
        t.ok(
          found.length === 0 || (found.length === 1 && found[0] === 'first'),
          `seed ${seed}: ${found.join()}`,
        )
        await produce(after, ['next'])
        t.equal((await values(after)).at(-1), 'next')
        await after.close()
      }
    }
    t.ok(cuts > 20, `${cuts} power cuts`)
  },
)

t.test('a folder with records that no topic claims is left alone, and its name is refused', async t => {
  const vfs = new MemFs()
  let broker = await brokerWith({}, { vfs })
  await produce(broker, ['mine'])
  await broker.close()
  await vfs.rename('/data/t-0', '/data/stray-0')
  broker = await openBroker({ vfs })
  const [result] = await broker.createTopics({ topics: [{ topic: 'stray' }] })
  t.equal(result?.error?.code, 'KAFKA_STORAGE_ERROR')
  t.ok(await vfs.stat('/data/stray-0'))
  t.equal(
    await codeOf(() => values(broker)),
    'CORRUPT_MESSAGE',
    'what the partition without a folder held is missed',
  )
  t.equal(await produce(broker, ['next']), 1)
  t.equal(await codeOf(() => values(broker, { topic: 'stray' })), 'UNKNOWN_TOPIC_OR_PARTITION')
  await broker.close()
})
