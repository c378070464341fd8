import t from 'tap'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NodeFs } from '@varve/platform'
import { writeMetadataRecord } from '@varve/protocol'
import { batchOf, fixture } from '@varve/testkit'
import { ClusterImage } from '../src/metadata/cluster-image.ts'
import { newestCheckpoint } from '../src/metadata/metadata-checkpoint.ts'
import { MetadataReplay } from '../src/metadata/metadata-replay.ts'

const ID = 'KcEh0CeWT6appgxEAW289A'
const topic = writeMetadataRecord('TopicRecord', 0, { name: 't', topicId: ID })
const partition = (leaderEpoch: number): Buffer =>
  writeMetadataRecord('PartitionRecord', 2, {
    partitionId: 0,
    topicId: ID,
    replicas: [1],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderEpoch,
    partitionEpoch: 0,
    directories: [ID],
  })
const config = (name: string, value: string | null): Buffer =>
  writeMetadataRecord('ConfigRecord', 0, { resourceType: 2, resourceName: 't', name, value })

function replay(...records: Buffer[]): MetadataReplay {
  const replay = new MetadataReplay(new ClusterImage())
  replay.batches(batchOf(records.map(value => ({ value }))))
  return replay
}

t.test('a change without a leader keeps the epoch, one that names a leader raises it', async t => {
  const change = (fields: { isr?: number[]; leader?: number }): Buffer =>
    writeMetadataRecord('PartitionChangeRecord', 2, { partitionId: 0, topicId: ID, ...fields })
  const state = (...records: Buffer[]) =>
    replay(topic, partition(4), ...records)
      .image.topic('t')
      ?.partitions.get(0)
  t.match(state(change({ isr: [] })), { leader: 1, leaderEpoch: 4, partitionEpoch: 1, isr: [] })
  t.match(state(change({ leader: -1, isr: [] })), { leader: -1, leaderEpoch: 5, directories: [ID] })
  t.match(state(change({ leader: -1 }), change({ leader: 1, isr: [1] })), {
    leader: 1,
    leaderEpoch: 6,
    partitionEpoch: 2,
  })
})

t.test('settings come, change and go, and go with their topic', async t => {
  const records = [topic, config('a', '1'), config('b', '2'), config('a', '3'), config('b', null)]
  t.same([...replay(...records).image.configOf('t')], [['a', '3']])
  const { image } = replay(...records, writeMetadataRecord('RemoveTopicRecord', 0, { topicId: ID }))
  t.equal(image.topic('t'), undefined)
  t.same([...image.configOf('t')], [])
  t.ok(image.removedTopics.has(ID))
})

t.test('records of a transaction count at its end, or not at all', async t => {
  const begin = writeMetadataRecord('BeginTransactionRecord', 0, { name: 'x' })
  const end = writeMetadataRecord('EndTransactionRecord', 0, {})
  const abort = writeMetadataRecord('AbortTransactionRecord', 0, {})
  t.ok(replay(begin, topic, end).image.topic('t'))
  t.equal(replay(begin, topic, abort).image.topic('t'), undefined)
  const open = replay(begin, topic)
  t.equal(open.image.topic('t'), undefined)
  t.ok(open.inTransaction)
  open.batches(batchOf([{ value: end }]))
  t.ok(open.image.topic('t'), 'also over several batches')
})

t.test('what is not known is counted, and control batches are passed over', async t => {
  const unknown = Buffer.from([1, 99, 0, 1, 2, 3])
  t.equal(replay(unknown, topic).image.unknownRecords, 1)
  const control = new MetadataReplay(new ClusterImage())
  t.equal(control.batches(batchOf([{ key: Buffer.alloc(4), value: Buffer.alloc(4) }], { control: true })), 1)
})

t.test('records below the offset that is asked for are passed over', async t => {
  const after = new MetadataReplay(new ClusterImage())
  const bytes = batchOf([{ value: topic }, { value: partition(0) }, { value: config('a', '1') }])
  t.equal(after.batches(bytes, 2), 3)
  t.equal(after.image.topic('t'), undefined)
  t.same([...after.image.configOf('t')], [['a', '1']])
})

t.test('the newest checkpoint that is whole is taken', async t => {
  const folder = t.testdir()
  cpSync(join(fixture('snapshot'), '__cluster_metadata-0'), folder, { recursive: true })
  const vfs = new NodeFs()
  const newest = await newestCheckpoint(vfs, folder)
  t.match(newest, { endOffset: 265, epoch: 1 })
  // One that a crash cut: its footer is missing.
  writeFileSync(
    join(folder, '00000000000000000270-0000000001.checkpoint'),
    newest?.bytes.subarray(0, -70) ?? '',
  )
  writeFileSync(join(folder, '00000000000000000271-0000000001.checkpoint'), '')
  writeFileSync(join(folder, '00000000000000000272-0000000001.checkpoint.part'), newest?.bytes ?? '')
  t.match(await newestCheckpoint(vfs, folder), { endOffset: 265 })
  t.equal(await newestCheckpoint(vfs, t.testdir()), undefined)
})
