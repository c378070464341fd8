import t from 'tap'
import { readFileSync } from 'node:fs'
import { fixture } from '@varve/testkit'
import {
  writeGroupRecord,
  writeSubscription,
  readSubscription,
  writeAssignment,
  readAssignment,
} from '@varve/protocol'
import {
  isControl,
  isTransactional,
  readAttributes,
  readBatchSize,
  readControlRecord,
  readProducerId,
  recordsOf,
} from '@varve/records'
import type { GroupCoordinator } from '../src/index.ts'
import { codeOf, Harness } from './harness.ts'

t.test('committed offsets survive a restart with metadata, epoch and topic id', async t => {
  const h = new Harness()
  const topicId = 'iQqXB1zZQVqtvg_xjzmIAQ'
  const one = { topic: 't', partition: 3, offset: 42, leaderEpoch: 7, metadata: 'note', topicId }
  await h.coordinator.commit({ group: 'g', memberId: '', generation: -1, offsets: [one] })
  h.restart()
  t.match(h.coordinator.committed({ group: 'g', topic: 't', partition: 3 }), {
    offset: 42,
    leaderEpoch: 7,
    metadata: 'note',
    topicId,
    commitTimestamp: h.clock.now(),
  })
  t.same(h.coordinator.list(), [{ group: 'g', state: 'Empty', protocolType: '' }])
})

t.test('nothing is stored before it is written', async t => {
  const h = new Harness()
  h.failure = new Error('disk')
  const offsets = [{ topic: 't', partition: 0, offset: 1 }]
  await t.rejects(h.coordinator.commit({ group: 'g', memberId: '', generation: -1, offsets }), {
    message: 'disk',
  })
  t.equal(h.coordinator.committed({ group: 'g', topic: 't', partition: 0 }), undefined)
})

t.test('offsets of deleted topics go, with tombstones', async t => {
  const h = new Harness()
  const offsets = ['kept', 'gone'].map(topic => ({ topic, partition: 0, offset: 1 }))
  await h.coordinator.commit({ group: 'g', memberId: '', generation: -1, offsets })
  await h.coordinator.dropTopics(topic => topic === 'gone')
  h.restart()
  t.equal(h.coordinator.committed({ group: 'g', topic: 'gone', partition: 0 }), undefined)
  t.equal(h.coordinator.committed({ group: 'g', topic: 'kept', partition: 0 })?.offset, 1)
})

t.test('a commit on its way to a new topic of a deleted name is not taken away', async t => {
  const h = new Harness()
  const commit = (topicId: string, offset: number): Promise<void> => {
    const offsets = [{ topic: 't', partition: 0, offset, topicId }]
    return h.coordinator.commit({ group: 'g', memberId: '', generation: -1, offsets })
  }
  const [old, made] = ['iQqXB1zZQVqtvg_xjzmIAQ', 'jQqXB1zZQVqtvg_xjzmIAQ']
  await commit(old, 5)
  let open = (): void => undefined
  h.gate = new Promise(resolve => (open = resolve))
  const committing = commit(made, 7)
  const dropping = h.coordinator.dropTopics((_, topicId) => topicId === old)
  open()
  await Promise.all([committing, dropping])
  h.restart()
  t.equal(h.coordinator.committed({ group: 'g', topic: 't', partition: 0 })?.offset, 7)
})

t.test(
  'members that lived on without the broker come up with their sessions, embedded ones do not',
  async t => {
    const h = new Harness()
    const joined = await h.alone()
    const embedded = new AbortController()
    h.restart()
    t.equal(h.state, 'Stable')
    t.equal(h.coordinator.describe('g')?.members[0]?.assignment.toString(), `for ${joined.memberId}`)
    h.coordinator.heartbeat({ group: 'g', memberId: joined.memberId, generation: 1 })
    h.clock.advance(10_000)
    t.equal(h.state, 'Empty')
    const again = await h.join({ signal: embedded.signal })
    t.equal(again.generation, 3, 'generations go on')
    await h.syncAll([again])
    h.restart()
    t.equal(h.state, 'Empty')
  },
)

t.test('a reader of the log puts nobody out', async t => {
  const h = new Harness()
  await h.alone()
  h.restart({ readOnly: true })
  h.clock.advance(1_000_000)
  t.equal(h.state, 'Stable')
  t.equal(h.clock.timers, 0)
})

t.test('records of unknown kinds and broken-off versions are passed over', async t => {
  const h = new Harness()
  h.coordinator.replay(null, null)
  h.coordinator.replay(Buffer.from([0, 99, 1, 2, 3]), Buffer.from([0, 0]))
  h.coordinator.replay(Buffer.alloc(1), null)
  const { key } = writeGroupRecord({ name: 'GroupMetadata', key: { group: 'g' }, value: null })
  h.coordinator.replay(key, Buffer.from([0x7f, 0xff, 1]))
  t.same(h.coordinator.list(), [])
})

t.test('the groups that Kafka wrote come up', async t => {
  const h = new Harness()
  for (const partition of [0, 1, 2, 3]) loadFixture(h.coordinator, `clean/__consumer_offsets-${partition}`)
  h.coordinator.start()
  t.same(
    h.coordinator.list().map(({ group, state }) => `${group} ${state}`),
    ['classic-group Empty', 'kip848-group Empty', 'tx-group Empty'],
  )
  const committed = (group: string, topic: string, partition: number) =>
    h.coordinator.committed({ group, topic, partition })
  t.match(committed('classic-group', 'edge', 0), { offset: 7, metadata: 'golden', leaderEpoch: 0 })
  t.match(committed('classic-group', 'rolled', 1), { offset: 0, metadata: 'golden' })
  t.match(committed('kip848-group', 'idem', 0), { offset: 60, topicId: 'oT50SZ5JQ7--pJN_WAKLTQ' })
  t.match(committed('tx-group', 'idem', 0), { offset: 33, metadata: 'by txn' }, 'its transaction committed')
  t.equal(h.coordinator.describe('classic-group')?.members.length, 0)

  const joined = await h.join({ group: 'classic-group' })
  t.equal(joined.generation, 3)
  t.equal(await codeOf(() => h.join({ group: 'kip848-group' })), 'none', 'a group without members makes room')
})

t.test('offsets of a transaction count only after its commit', async t => {
  const h = new Harness()
  const { key, value } = writeGroupRecord({
    name: 'OffsetCommit',
    key: { group: 'g', topic: 't', partition: 0 },
    version: 4,
    value: { offset: 5, metadata: '', commitTimestamp: 0 },
  })
  h.coordinator.replayTransactional(9, key, value)
  h.coordinator.replayMarker(9, false)
  t.equal(h.coordinator.committed({ group: 'g', topic: 't', partition: 0 }), undefined)
  h.coordinator.replayTransactional(9, key, value)
  h.coordinator.replayMarker(9, true)
  t.equal(h.coordinator.committed({ group: 'g', topic: 't', partition: 0 })?.offset, 5)
})

t.test('a classic join ends an empty group of the newer protocol with tombstones', async t => {
  const h = new Harness()
  loadFixture(h.coordinator, 'clean/__consumer_offsets-0')
  const joined = await h.join({ group: 'kip848-group' })
  await h.coordinator.sync({ group: 'kip848-group', ...joined, assignments: [] })
  const types = h.log.map(({ key, value }) => `${key.readInt16BE(0)}${value === null ? ' gone' : ''}`)
  t.same(
    types,
    ['3 gone', '6 gone', '2'].sort((a, b) => types.indexOf(a) - types.indexOf(b)),
  )
})

t.test('subscriptions and assignments go both ways in all versions', async t => {
  for (const version of [0, 1, 2, 3]) {
    const bytes = writeSubscription(version, { topics: ['a', 'b'], userData: Buffer.from('u') })
    t.match(readSubscription(bytes), { topics: ['a', 'b'], userData: Buffer.from('u') })
    const assignment = { assignedPartitions: [{ topic: 'a', partitions: [0, 2] }] }
    t.match(readAssignment(writeAssignment(version, assignment)), assignment)
  }
})

function loadFixture(coordinator: GroupCoordinator, folder: string): void {
  const bytes = readFileSync(fixture(`${folder}/00000000000000000000.log`))
  for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
    const attributes = readAttributes(bytes, at)
    const producerId = readProducerId(bytes, at)
    for (const { key, value } of recordsOf(bytes, at)) {
      if (isControl(attributes)) {
        const { type } = readControlRecord(key, value)
        if (type === 'commit' || type === 'abort') coordinator.replayMarker(producerId, type === 'commit')
      } else if (isTransactional(attributes)) coordinator.replayTransactional(producerId, key, value)
      else coordinator.replay(key, value)
    }
  }
}
