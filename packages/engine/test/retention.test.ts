import { cpSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cryptoRandom, FakeClock, MemFs, NodeFs } from '@varve/platform'
import { batchOf, fixture } from '@varve/testkit'
import { EmbeddedBroker } from '../src/index.ts'
import { brokerWith, DAY, openBroker, produce, turn, values } from './harness.ts'

const WEEK = 7 * 24 * 3600 * 1000

/** The check of retention that is due next, and what it sets off. */
async function nextCheck(clock: FakeClock): Promise<void> {
  await clock.advanceAsync(5 * 60 * 1000)
  for (let turns = 0; turns < 100; turns++) await turn()
}

t.test('a topic keeps its records for seven days, unless it says otherwise', async t => {
  const clock = new FakeClock(DAY)
  const vfs = new MemFs({ clock })
  let broker = await brokerWith({}, { clock, vfs })
  await broker.createTopics({ topics: [{ topic: 'kept', config: { 'retention.ms': '-1' } }] })
  await broker.createTopics({ topics: [{ topic: 'compacted', config: { 'cleanup.policy': 'compact' } }] })
  await produce(broker, ['a'])
  await produce(broker, ['b'], { topic: 'kept' })
  await produce(broker, [{ key: 'k', value: 'c' }], { topic: 'compacted' })
  const commit = { group: 'g', memberId: '', generation: -1 }
  await broker.commitOffsets({ ...commit, offsets: [{ topic: 't', partition: 0, offset: 1 }] })
  clock.setNow(DAY + WEEK - 10 * 60 * 1000)
  await nextCheck(clock)
  t.same(await values(broker), ['a'])
  clock.setNow(DAY + WEEK + 1)
  await nextCheck(clock)
  t.same(await values(broker), [])
  clock.setNow(DAY + 100 * WEEK)
  await nextCheck(clock)
  t.same(await values(broker, { topic: 'kept' }), ['b'])
  t.same(await values(broker, { topic: 'compacted' }), ['c'])
  await broker.close()
  broker = await openBroker({ clock, vfs })
  t.same(broker.findings, [])
  await nextCheck(clock)
  t.same(await values(broker, { topic: 'kept' }), ['b'], 'the metadata says so still')
  t.equal((await broker.fetchOffsets({ group: 'g' }))[0]?.offset, 1)
  t.equal(await produce(broker, ['d']), 1)
  await broker.close()
})

t.test('nothing of a directory that was taken over goes by a default', async t => {
  const path = join(t.testdir(), 'kafka')
  cpSync(fixture('clean'), path, { recursive: true })
  const clock = new FakeClock(DAY)
  const broker = await EmbeddedBroker.open({ path, vfs: new NodeFs(), clock, random: cryptoRandom })
  const query = async (topic: string) =>
    (await broker.listOffsets({ partitions: [{ topic, partition: 0, query: 'earliest' }] }))[0]?.offset
  const topics = (await broker.metadata()).topics.map(({ topic }) => topic)
  const before = await Promise.all(topics.map(query))
  clock.setNow(DAY + 100 * WEEK)
  await nextCheck(clock)
  t.same(await Promise.all(topics.map(query)), before)
  t.ok(topics.length > 5)
  await broker.close()
})

t.test('records are deleted before an offset', async t => {
  const broker = await brokerWith({ partitions: 2 })
  await broker.createTopics({ topics: [{ topic: 'compacted', config: { 'cleanup.policy': 'compact' } }] })
  await produce(broker, ['a', 'b', 'c'])
  t.match(
    await broker.deleteRecords({
      partitions: [
        { topic: 't', partition: 0, offset: 2 },
        { topic: 't', partition: 1, offset: 1 },
        { topic: 'compacted', partition: 0, offset: 0 },
        { topic: '__consumer_offsets', partition: 0, offset: 0 },
        { topic: 'nobody', partition: 0, offset: 0 },
        { topic: 't', partition: 0, topicId: 'A'.repeat(22), offset: -1 },
      ],
    }),
    [
      { topic: 't', partition: 0, lowWatermark: 2, error: undefined },
      { lowWatermark: -1, error: { code: 'OFFSET_OUT_OF_RANGE' } },
      { error: { code: 'POLICY_VIOLATION' } },
      { error: { code: 'INVALID_TOPIC_EXCEPTION' } },
      { error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
      { error: { code: 'UNKNOWN_TOPIC_ID' } },
    ],
  )
  t.same(await values(broker), ['c'])
  const [below] = await broker.fetch({ partitions: [{ topic: 't', partition: 0, offset: 1 }], maxBytes: 100 })
  t.equal(below?.error?.code, 'OFFSET_OUT_OF_RANGE')
  await broker.close()
})

t.test('what makes room again goes on when the disk is nearly full', async t => {
  const vfs = new MemFs({ bytesMax: 512 * 1024 })
  const broker = await brokerWith({ config: { 'file.delete.delay.ms': '0' } }, { vfs })
  const batches = batchOf([{ value: 'x'.repeat(4000) }], { timestamp: DAY })
  const partitions = [{ topic: 't', partition: 0, batches }]
  let code: string | undefined
  for (let count = 0; code === undefined && count < 1000; count++) {
    code = (await broker.produce({ acks: 1, partitions }))[0]?.error?.code
    await turn()
  }
  t.equal(code, 'DISK_FULL')
  const commit = { group: 'g', memberId: '', generation: -1 }
  t.match(await broker.commitOffsets({ ...commit, offsets: [{ topic: 't', partition: 0, offset: 1 }] }), [
    { error: undefined },
  ])
  t.ok((await values(broker)).length > 10, 'reading goes on')
  t.match(await broker.deleteTopics({ topics: ['t'] }), [{ error: undefined }])
  await broker.createTopics({ topics: [{ topic: 't' }] })
  await broker.produce({ acks: 1, partitions })
  await turn()
  t.match(await broker.produce({ acks: 1, partitions }), [{ error: undefined }], 'it heals by itself')
  await broker.close()
})
