import t from 'tap'
import { codeOf, Harness, turn } from './harness.ts'

t.test('the first member of a group joins at once, leads, and gets its share after the write', async t => {
  const h = new Harness()
  const joined = await h.join({ clientId: 'app' })
  t.match(joined.memberId, /^app-[\w-]{22}$/)
  t.match(joined, { generation: 1, protocol: 'range', leader: joined.memberId })
  t.same(joined.members, [{ memberId: joined.memberId, metadata: Buffer.from('sub') }])
  t.equal(h.state, 'CompletingRebalance')
  t.equal(h.log.length, 0)
  t.same(await h.syncAll([joined]), [`for ${joined.memberId}`])
  t.equal(h.state, 'Stable')
  t.equal(h.log.length, 1)
})

t.test('a second member makes the first one join again, and both get shares of one generation', async t => {
  const h = new Harness()
  const first = await h.alone()
  const waiting = h.join()
  t.equal(h.state, 'PreparingRebalance')
  t.equal(
    await codeOf(() => h.coordinator.heartbeat({ group: 'g', ...pick(first) })),
    'REBALANCE_IN_PROGRESS',
  )
  const again = await h.join({ memberId: first.memberId })
  const second = await waiting
  t.equal(again.generation, 2)
  t.equal(second.generation, 2)
  t.equal(again.leader, first.memberId, 'the leader stays')
  t.same(second.members, [])
  const shares = await h.syncAll([second, again])
  t.same(shares, [`for ${second.memberId}`, `for ${first.memberId}`])
})

t.test('who does not join again within the rebalance time-out is out', async t => {
  const h = new Harness()
  const first = await h.alone({ rebalanceTimeoutMs: 3000 })
  const waiting = h.join({ rebalanceTimeoutMs: 2000 })
  h.clock.advance(2999)
  t.equal(h.state, 'PreparingRebalance')
  h.clock.advance(1)
  const second = await waiting
  t.equal(second.leader, second.memberId)
  t.equal(await codeOf(() => h.coordinator.heartbeat({ group: 'g', ...pick(first) })), 'UNKNOWN_MEMBER_ID')
})

t.test('the first join waits for others when there is an initial delay', async t => {
  const h = new Harness({ initialRebalanceDelayMs: 3000 })
  const both = Promise.all([h.join(), h.join()])
  h.clock.advance(2999)
  t.equal(h.state, 'PreparingRebalance')
  h.clock.advance(1)
  const [one, two] = await both
  t.equal(one.generation, 1)
  t.equal(two.generation, 1)
})

t.test('a silent member expires after its session time-out, one that beats does not', async t => {
  const h = new Harness()
  const joined = await h.alone({ sessionTimeoutMs: 6000 })
  h.clock.advance(5999)
  h.coordinator.heartbeat({ group: 'g', ...pick(joined) })
  h.clock.advance(5999)
  t.equal(h.state, 'Stable')
  h.clock.advance(1)
  t.equal(h.state, 'Empty')
  t.equal(await codeOf(() => h.coordinator.heartbeat({ group: 'g', ...pick(joined) })), 'UNKNOWN_MEMBER_ID')
})

t.test('an embedded member lives with its signal, however long it is silent', async t => {
  const h = new Harness()
  const end = new AbortController()
  await h.alone({ signal: end.signal, sessionTimeoutMs: 1 })
  h.clock.advance(86_400_000)
  t.equal(h.state, 'Stable')
  end.abort()
  t.equal(h.state, 'Empty')
})

t.test('aborting the signal of one that waits for the others rejects its join', async t => {
  const h = new Harness()
  const first = await h.alone()
  const end = new AbortController()
  const waiting = h.join({ signal: end.signal })
  end.abort()
  t.equal(await codeOf(() => waiting), 'ABORTED')
  const again = await h.join({ memberId: first.memberId })
  t.same(
    again.members.map(one => one.memberId),
    [first.memberId],
  )
  t.equal(await codeOf(() => h.join({ signal: end.signal })), 'ABORTED', 'an aborted signal never joins')
})

t.test('leaving hands the group to those who stay, and an empty group is written', async t => {
  const h = new Harness()
  const first = await h.alone()
  const waiting = h.join()
  const again = await h.join({ memberId: first.memberId })
  const second = await waiting
  await h.syncAll([again, second])
  h.coordinator.leave({ group: 'g', memberId: first.memberId })
  t.equal(
    await codeOf(() => h.coordinator.heartbeat({ group: 'g', ...pick(second) })),
    'REBALANCE_IN_PROGRESS',
  )
  const last = await h.join({ memberId: second.memberId })
  t.match(last, { generation: 3, leader: second.memberId })
  await h.syncAll([last])
  h.coordinator.leave({ group: 'g', memberId: second.memberId })
  await turn()
  t.equal(h.state, 'Empty')
  t.equal(h.log.length, 4, 'three assignments and the empty group')
  t.equal(await codeOf(() => h.coordinator.leave({ group: 'g', memberId: 'x' })), 'UNKNOWN_MEMBER_ID')
})

t.test(
  'a follower that joins again with the same subscription changes nothing, the leader rebalances',
  async t => {
    const h = new Harness()
    const first = await h.alone()
    const waiting = h.join()
    const again = await h.join({ memberId: first.memberId })
    const second = await waiting
    await h.syncAll([again, second])
    t.equal((await h.join({ memberId: second.memberId })).generation, 2)
    t.equal(h.state, 'Stable')
    const byLeader = h.join({ memberId: first.memberId })
    t.equal(h.state, 'PreparingRebalance')
    await h.join({ memberId: second.memberId })
    t.equal((await byLeader).generation, 3)
  },
)

t.test('the protocol that most members prefer among the common ones wins', async t => {
  const h = new Harness()
  const offer = (...names: string[]) => names.map(name => ({ name, metadata: Buffer.from(name) }))
  const first = await h.alone({ protocols: offer('a', 'b') })
  const two = h.join({ protocols: offer('c', 'b') })
  t.equal(await codeOf(() => h.join({ protocols: offer('z') })), 'INCONSISTENT_GROUP_PROTOCOL')
  t.equal(await codeOf(() => h.join({ protocolType: 'connect' })), 'INCONSISTENT_GROUP_PROTOCOL')
  const again = await h.join({ memberId: first.memberId, protocols: offer('a', 'b') })
  t.equal(again.protocol, 'b')
  t.equal(again.members[0]?.metadata.toString(), 'b')
  t.equal((await two).protocol, 'b')
})

t.test('a group that nobody was let into is not listed', async t => {
  const h = new Harness()
  t.equal(await codeOf(() => h.join({ protocols: [] })), 'INCONSISTENT_GROUP_PROTOCOL')
  t.equal(await codeOf(() => h.join({ memberId: 'nobody' })), 'UNKNOWN_MEMBER_ID')
  t.same(h.coordinator.list(), [])
})

t.test('calls of another generation, of strangers and of bad groups say what is wrong', async t => {
  const h = new Harness()
  const joined = await h.alone()
  const { memberId } = joined
  const beat = (generation: number, member = memberId, group = 'g') =>
    codeOf(() => h.coordinator.heartbeat({ group, memberId: member, generation }))
  t.equal(await beat(0), 'ILLEGAL_GENERATION')
  t.equal(await beat(1, 'stranger'), 'UNKNOWN_MEMBER_ID')
  t.equal(await beat(1, memberId, 'nobody'), 'UNKNOWN_MEMBER_ID')
  t.equal(await beat(1, memberId, ''), 'INVALID_GROUP_ID')
  t.equal(await codeOf(() => h.join({ memberId: 'stranger' })), 'UNKNOWN_MEMBER_ID')
  t.equal(await codeOf(() => h.join({ sessionTimeoutMs: 10 })), 'INVALID_SESSION_TIMEOUT')
  t.equal(await codeOf(() => h.join({ group: 'x'.repeat(250) })), 'INVALID_GROUP_ID')
})

t.test('commits are taken when Kafka takes them', async t => {
  const h = new Harness()
  const commit = (memberId: string, generation: number) =>
    codeOf(() =>
      h.coordinator.commit({
        group: 'g',
        memberId,
        generation,
        offsets: [{ topic: 't', partition: 0, offset: 1 }],
      }),
    )
  t.equal(await commit('', -1), 'none', 'from outside, no group yet')
  t.equal(await commit('', 0), 'ILLEGAL_GENERATION', 'a generation of no group')
  const first = await h.join()
  t.equal(await commit(first.memberId, 1), 'REBALANCE_IN_PROGRESS', 'between join and assignment')
  await h.syncAll([first])
  t.equal(await commit(first.memberId, 1), 'none')
  t.equal(await commit(first.memberId, 0), 'ILLEGAL_GENERATION')
  t.equal(await commit('stranger', 1), 'UNKNOWN_MEMBER_ID')
  t.equal(await commit('', -1), 'UNKNOWN_MEMBER_ID', 'from outside while it has members')
  const second = h.join()
  t.equal(h.state, 'PreparingRebalance')
  t.equal(
    await commit(first.memberId, 1),
    'none',
    'the old generation may finish while a rebalance is prepared',
  )
  await h.join({ memberId: first.memberId })
  t.equal(await commit(first.memberId, 1), 'ILLEGAL_GENERATION')
  await second
})

t.test('a leader whose assignment cannot be written starts the rebalance again', async t => {
  const h = new Harness()
  const joined = await h.join()
  h.failure = new Error('disk')
  t.match(await h.syncAll([joined]).catch((error: unknown) => error), { message: 'disk' })
  t.equal(h.state, 'PreparingRebalance')
  h.failure = undefined
  const again = await h.join({ memberId: joined.memberId })
  t.equal(again.generation, 2)
  await h.syncAll([again])
  t.equal(h.state, 'Stable')
})

t.test("an assignment that was being written when the group moved on is nobody's", async t => {
  const h = new Harness()
  const first = await h.join()
  let open = (): void => undefined
  h.gate = new Promise(resolve => {
    open = resolve
  })
  const sharing = codeOf(() => h.syncAll([first]))
  const second = h.join()
  t.equal(await sharing, 'REBALANCE_IN_PROGRESS')
  open()
  h.gate = undefined
  await turn()
  t.equal(h.state, 'PreparingRebalance')
  const again = await h.join({ memberId: first.memberId })
  t.equal(again.generation, 2)
  const shares = await h.syncAll([again, await second])
  t.equal(shares.length, 2)
  t.equal(h.state, 'Stable')
})

t.test('members that never ask for their share are dropped after the rebalance time-out', async t => {
  const h = new Harness()
  const end = new AbortController()
  await h.join({ signal: end.signal, rebalanceTimeoutMs: 1000 })
  h.clock.advance(1000)
  t.equal(h.state, 'Empty')
})

t.test('a leader that never shares out costs those who asked in time nothing', async t => {
  const h = new Harness()
  const patient = { sessionTimeoutMs: 600_000 }
  const first = await h.join(patient)
  const [second, third] = [h.join(patient), h.join(patient)]
  const leader = await h.join({ ...patient, memberId: first.memberId })
  const others = await Promise.all([second, third])
  const waiting = others.map(one => codeOf(() => h.syncAll([one])))
  await h.clock.advanceAsync(60_000)
  t.same(await Promise.all(waiting), ['REBALANCE_IN_PROGRESS', 'REBALANCE_IN_PROGRESS'])
  t.equal(await codeOf(() => h.join({ ...patient, memberId: leader.memberId })), 'UNKNOWN_MEMBER_ID')
  const again = await Promise.all(others.map(({ memberId }) => h.join({ ...patient, memberId })))
  t.same(
    again.map(({ generation }) => generation),
    [3, 3],
  )
  t.equal((await h.syncAll(again)).length, 2)
})

t.test('closing wakes everyone with CLOSED and writes that the embedded members are gone', async t => {
  const h = new Harness()
  const end = new AbortController()
  await h.alone({ signal: end.signal })
  await h.alone({ group: 'other' }).catch(() => undefined)
  const waiting = codeOf(() => h.join())
  await h.coordinator.close()
  t.equal(await waiting, 'CLOSED')
  t.equal(await codeOf(() => h.join()), 'CLOSED')
  h.restart()
  t.equal(h.state, 'Empty')
  t.equal(h.clock.timers, 0, 'no timer is left behind')
})

function pick({ memberId, generation }: { memberId: string; generation: number }): {
  memberId: string
  generation: number
} {
  return { memberId, generation }
}
