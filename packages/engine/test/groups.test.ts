import t from 'tap'
import { FakeClock, MemFs, NodeFs, SeededRandom } from '@varve/platform'
import {
  assignRange,
  readAssignment,
  readSubscription,
  writeAssignment,
  writeSubscription,
} from '@varve/coordinator'
import { FaultFs } from '@varve/testkit'
import type { EmbeddedBroker, JoinGroupResponse } from '../src/index.ts'
import { brokerWith, codeOf, DAY, openBroker, produce, turn } from './harness.ts'

const OUTSIDE = { group: 'g', memberId: '', generation: -1 }

/** What a client does: joins, shares out as the leader, syncs. */
class Member {
  readonly #broker: EmbeddedBroker
  readonly end = new AbortController()
  memberId = ''
  generation = -1
  partitions: string[] = []

  constructor(broker: EmbeddedBroker) {
    this.#broker = broker
  }

  async join(): Promise<void> {
    const joined = await this.#broker.joinGroup({
      group: 'g',
      memberId: this.memberId,
      clientId: 'app',
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: writeSubscription(1, { topics: ['t'] }) }],
      signal: this.end.signal,
    })
    this.memberId = joined.memberId
    this.generation = joined.generation
    const { assignment } = await this.#broker.syncGroup({
      group: 'g',
      ...this.identity,
      assignments: this.#share(joined),
    })
    this.partitions = readAssignment(assignment).assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map(one => `${topic}-${one}`),
    )
  }

  get identity(): { memberId: string; generation: number } {
    return { memberId: this.memberId, generation: this.generation }
  }

  commit(partition: number, offset: number): Promise<string> {
    return codeOf(() =>
      this.#broker.commitOffsets({
        group: 'g',
        ...this.identity,
        offsets: [{ topic: 't', partition, offset }],
      }),
    )
  }

  heartbeat(): Promise<string> {
    return codeOf(() => this.#broker.heartbeat({ group: 'g', ...this.identity }))
  }

  #share({ leader, members }: JoinGroupResponse): { memberId: string; assignment: Buffer }[] {
    if (leader !== this.memberId) return []
    const subscribed = members.map(({ memberId, metadata }) => ({
      memberId,
      topics: readSubscription(metadata).topics,
    }))
    return [...assignRange(subscribed, new Map([['t', 6]]))].map(([memberId, assignedPartitions]) => ({
      memberId,
      assignment: writeAssignment(0, { assignedPartitions }),
    }))
  }
}

t.test('two members share a topic, and one takes over from the committed offsets of the other', async t => {
  const broker = await brokerWith({ partitions: 6 })
  const one = new Member(broker)
  await one.join()
  t.equal(one.partitions.length, 6)
  const two = new Member(broker)
  const joining = two.join()
  await turn()
  t.equal(await one.heartbeat(), 'REBALANCE_IN_PROGRESS')
  t.equal(await one.commit(5, 3), 'none', 'what it did before is committed while the group prepares')
  await Promise.all([one.join(), joining])
  t.same([...one.partitions, ...two.partitions].sort(), ['t-0', 't-1', 't-2', 't-3', 't-4', 't-5'])
  t.equal(one.partitions.length, 3)
  two.end.abort()
  t.equal(await two.heartbeat(), 'UNKNOWN_MEMBER_ID')
  t.equal(await one.heartbeat(), 'REBALANCE_IN_PROGRESS')
  await one.join()
  t.equal(one.partitions.length, 6)
  t.match(await broker.fetchOffsets({ group: 'g', partitions: [{ topic: 't', partition: 5 }] }), [
    { offset: 3 },
  ])
  t.match(await broker.describeGroups({ groups: ['g', 'nobody'] }), [
    { state: 'Stable', protocol: 'range', members: [{ clientId: 'app' }] },
    { state: 'Dead', error: { code: 'GROUP_ID_NOT_FOUND' } },
  ])
  await broker.close()
})

for (const kind of ['memory', 'disk'] as const) {
  t.test(`offsets and generations survive a reopening, members do not (${kind})`, async t => {
    const vfs = kind === 'memory' ? new MemFs() : new NodeFs()
    const path = kind === 'memory' ? '/data' : t.testdir()
    let broker = await brokerWith({ partitions: 2 }, { vfs, path })
    const member = new Member(broker)
    await member.join()
    t.equal(await member.commit(0, 7), 'none')
    await broker.close()
    t.equal(await member.commit(0, 8), 'CLOSED')
    broker = await openBroker({ vfs, path })
    t.match(await broker.fetchOffsets({ group: 'g' }), [{ topic: 't', partition: 0, offset: 7 }])
    t.match(await broker.listGroups(), [{ group: 'g', state: 'Empty', protocolType: 'consumer' }])
    const next = new Member(broker)
    await next.join()
    t.ok(next.generation > member.generation)
    await broker.close()
  })
}

t.test('an acknowledged commit survives a power cut, and none appears that was never made', async t => {
  for (let seed = 1; seed <= 20; seed++) {
    const vfs = new MemFs({ crashable: true })
    const broker = await brokerWith({}, { vfs })
    for (let offset = 1; offset <= 5; offset++)
      await broker.commitOffsets({ ...OUTSIDE, offsets: [{ topic: 't', partition: 0, offset }] })
    const last = broker.commitOffsets({ ...OUTSIDE, offsets: [{ topic: 't', partition: 0, offset: 6 }] })
    const clone = vfs.crashClone({ rng: new SeededRandom(seed), unsyncedPercent: 50 })
    await last
    await broker.close()
    const after = await openBroker({ vfs: clone })
    const [found] = await after.fetchOffsets({ group: 'g' })
    t.ok(found?.offset === 5 || found?.offset === 6, `seed ${seed}: ${found?.offset ?? 'none'}`)
    await after.close()
  }
})

t.test('a commit is answered only after its sync', async t => {
  const vfs = new FaultFs(new MemFs())
  const broker = await brokerWith({}, { vfs })
  await broker.commitOffsets({ ...OUTSIDE, offsets: [{ topic: 't', partition: 0, offset: 1 }] })
  const hold = vfs.hold({ operation: 'datasync', path: '__consumer_offsets' })
  let answered = false
  const committing = broker
    .commitOffsets({ ...OUTSIDE, offsets: [{ topic: 't', partition: 0, offset: 2 }] })
    .finally(() => {
      answered = true
    })
  await hold.reached()
  await turn()
  t.notOk(answered)
  t.match(await broker.fetchOffsets({ group: 'g' }), [{ offset: 1 }], 'and not visible before')
  hold.release()
  await committing
  t.match(await broker.fetchOffsets({ group: 'g' }), [{ offset: 2 }])
  await broker.close()
})

t.test('each partition of a commit is taken or refused by itself', async t => {
  const broker = await brokerWith({ partitions: 1 })
  const offsets = [
    { topic: 't', partition: 0, offset: 1, metadata: 'm', leaderEpoch: 0 },
    { topic: 't', partition: 1, offset: 1 },
    { topic: 'no', partition: 0, offset: 1 },
    { topic: 't', partition: 0, offset: 1, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' },
    { topic: 't', partition: 0, offset: -1 },
    { topic: 't', partition: 0, offset: 1, metadata: 'x'.repeat(5000) },
  ]
  const results = await broker.commitOffsets({ ...OUTSIDE, offsets })
  t.same(
    results.map(({ error }) => error?.code),
    [
      undefined,
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_ID',
      'INVALID_REQUEST',
      'OFFSET_METADATA_TOO_LARGE',
    ],
  )
  t.same(await broker.fetchOffsets({ group: 'g' }), [
    { topic: 't', partition: 0, offset: 1, metadata: 'm', leaderEpoch: 0 },
  ])
  t.equal(
    await codeOf(() => broker.commitOffsets({ ...OUTSIDE, group: '', offsets: [] })),
    'INVALID_GROUP_ID',
  )
  t.equal(
    await codeOf(() => broker.commitOffsets({ ...OUTSIDE, generation: 3, offsets: [] })),
    'ILLEGAL_GENERATION',
  )
  await broker.close()
})

t.test('first commits at the same time make the offsets topic once', async t => {
  const broker = await brokerWith({}, { offsetsTopicPartitions: 3 })
  const groups = Array.from({ length: 20 }, (_, index) => `group-${index}`)
  const offsets = [{ topic: 't', partition: 0, offset: 1 }]
  await Promise.all(groups.map(group => broker.commitOffsets({ ...OUTSIDE, group, offsets })))
  const { topics } = await broker.metadata({ topics: ['__consumer_offsets'] })
  t.equal(topics[0]?.partitions.length, 3)
  t.equal(topics[0]?.internal, true)
  t.equal((await broker.listGroups()).length, 20)
  for (const group of groups) t.match(await broker.fetchOffsets({ group }), offsets)
  await broker.close()
})

t.test('commits of one group that overlap end with the last one', async t => {
  const vfs = new MemFs()
  let broker = await brokerWith({}, { vfs })
  await Promise.all(
    Array.from({ length: 50 }, (_, offset) =>
      broker.commitOffsets({ ...OUTSIDE, offsets: [{ topic: 't', partition: 0, offset }] }),
    ),
  )
  t.match(await broker.fetchOffsets({ group: 'g' }), [{ offset: 49 }])
  await broker.close()
  broker = await openBroker({ vfs })
  t.match(await broker.fetchOffsets({ group: 'g' }), [{ offset: 49 }])
  await broker.close()
})

t.test('closing ends a join that waits for others', async t => {
  const clock = new FakeClock(DAY)
  const broker = await brokerWith({ partitions: 6 }, { clock })
  const one = new Member(broker)
  await one.join()
  const waiting = codeOf(() => new Member(broker).join())
  await turn()
  await broker.close()
  t.equal(await waiting, 'CLOSED')
  t.equal(clock.timers, 0, 'no timer is left')
})

t.test('a damaged partition of the offsets takes only its own groups with it', async t => {
  const vfs = new MemFs()
  let broker = await brokerWith({}, { vfs, offsetsTopicPartitions: 2 })
  const offsets = [{ topic: 't', partition: 0, offset: 1 }]
  // 'a' (97) lies in partition 1 of 2, 'b' (98) in partition 0.
  for (const group of ['a', 'b']) await broker.commitOffsets({ ...OUTSIDE, group, offsets })
  await produce(broker, ['x'])
  await broker.close()
  const file = await vfs.open('/data/__consumer_offsets-1/00000000000000000000.log', 'write')
  await file.write([Buffer.from([0xff])], 70)
  await file.datasync()
  await file.close()
  broker = await openBroker({ vfs })
  t.equal(await codeOf(() => broker.fetchOffsets({ group: 'a' })), 'KAFKA_STORAGE_ERROR')
  t.equal(
    await codeOf(() => broker.commitOffsets({ ...OUTSIDE, group: 'a', offsets })),
    'KAFKA_STORAGE_ERROR',
  )
  t.match(await broker.fetchOffsets({ group: 'b' }), offsets)
  await broker.close()
})

t.test('a damaged partition of the offsets keeps no directory shut after a deletion', async t => {
  const vfs = new MemFs()
  let broker = await brokerWith({}, { vfs, offsetsTopicPartitions: 1 })
  for (const offset of [1, 2])
    await broker.commitOffsets({ ...OUTSIDE, offsets: [{ topic: 't', partition: 0, offset }] })
  await broker.close()
  const path = '/data/__consumer_offsets-0/00000000000000000000.log'
  const file = await vfs.open(path, 'write')
  await file.write([Buffer.from([0xff])], (vfs.sync.stat(path)?.size ?? 0) - 3)
  await file.close()
  broker = await openBroker({ vfs })
  t.match(await broker.deleteTopics({ topics: ['t'] }), [{ topic: 't', error: undefined }])
  await broker.close()
  broker = await openBroker({ vfs })
  t.equal(await codeOf(() => broker.fetchOffsets({ group: 'g' })), 'KAFKA_STORAGE_ERROR')
  await broker.close()
})
