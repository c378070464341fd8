import t from 'tap'
import { assignRange, groupPartition, javaHash, type SubscribedMember } from '../src/index.ts'
import { SeededRandom } from '@varve/platform'

const flat = (member: readonly { topic: string; partitions: readonly number[] }[] | undefined): string[] =>
  (member ?? []).flatMap(({ topic, partitions }) => partitions.map(one => `${topic}-${one}`))

t.test('ranges come out as in Kafka: the first members take what is left over', async t => {
  const members = ['c', 'a', 'b'].map(memberId => ({ memberId, topics: ['t1', 't2'] }))
  const assigned = assignRange(
    members,
    new Map([
      ['t1', 7],
      ['t2', 2],
    ]),
  )
  t.same(flat(assigned.get('a')), ['t1-0', 't1-1', 't1-2', 't2-0'])
  t.same(flat(assigned.get('b')), ['t1-3', 't1-4', 't2-1'])
  t.same(flat(assigned.get('c')), ['t1-5', 't1-6'])
})

t.test('static members come first, in the order of their names', async t => {
  const members = [
    { memberId: 'a', topics: ['t'] },
    { memberId: 'z', topics: ['t'], instanceId: 'i2' },
    { memberId: 'y', topics: ['t'], instanceId: 'i1' },
  ]
  const assigned = assignRange(members, new Map([['t', 3]]))
  t.same(
    [flat(assigned.get('y')), flat(assigned.get('z')), flat(assigned.get('a'))],
    [['t-0'], ['t-1'], ['t-2']],
  )
})

t.test('topics without partitions and members without topics get nothing', async t => {
  const assigned = assignRange(
    [
      { memberId: 'a', topics: ['gone'] },
      { memberId: 'b', topics: [] },
    ],
    new Map(),
  )
  t.same([assigned.get('a'), assigned.get('b')], [[], []])
})

t.test(
  'on generated groups every partition has one owner, in one range, and shares differ by one at most',
  async t => {
    const seed = 20_261_121
    const random = new SeededRandom(seed)
    for (let round = 0; round < 2000; round++) {
      const partitions = new Map(
        Array.from({ length: 1 + random.int(4) }, (_, at) => [`t${at}`, random.int(12)]),
      )
      const members: SubscribedMember[] = Array.from({ length: 1 + random.int(6) }, (_, at) => ({
        memberId: `m${(at * 7) % 11}-${at}`,
        topics: [...partitions.keys(), 'unknown'].filter(() => random.chance(70)),
      }))
      const assigned = assignRange(random.shuffle(members), partitions)
      for (const [topic, count] of partitions) {
        // Kafka's rule, written the other way round: who owns partition p?
        const subscribed = members.filter(({ topics }) => topics.includes(topic)).map(one => one.memberId)
        subscribed.sort((a, b) => (a < b ? -1 : 1))
        if (subscribed.length === 0) continue
        const size = Math.floor(count / subscribed.length)
        const extra = count % subscribed.length
        subscribed.forEach((memberId, index) => {
          const start = size * index + Math.min(index, extra)
          const wanted = Array.from(
            { length: size + (index < extra ? 1 : 0) },
            (_, at) => `${topic}-${start + at}`,
          )
          const found = flat(assigned.get(memberId)).filter(one => one.startsWith(`${topic}-`))
          if (found.join() !== wanted.join())
            t.same(found, wanted, `seed ${seed}, round ${round}, ${memberId}`)
        })
      }
    }
  },
)

t.test("a group lies in the partition that Kafka's hash says", async t => {
  t.equal(javaHash('classic-group'), hashByHand('classic-group'))
  t.equal(javaHash('polygenelubricants'), -(2 ** 31), 'the string whose hash is the smallest int')
  t.equal(groupPartition('polygenelubricants', 50), 0)
  t.equal(groupPartition('classic-group', 4), 0)
  t.equal(groupPartition('kip848-group', 4), 0)
  t.equal(groupPartition('tx-group', 4), 2)
})

function hashByHand(text: string): number {
  let hash = 0n
  for (const unit of text) hash = BigInt.asIntN(32, hash * 31n + BigInt(unit.charCodeAt(0)))
  return Number(hash)
}
