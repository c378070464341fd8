import { SeededRandom } from '@varve/testkit'
import fc from 'fast-check'
import t from 'tap'
import { murmur2, parseDuration, parsePosition, parseRange, parseSize, partitionOfKey } from '../src/index.ts'
import { TopicPartitioner } from '../src/producer/partitioner.ts'
import { Heap } from '../src/reader/heap.ts'
import { configText } from '../src/text/topic-config.ts'

const now = Date.UTC(2026, 10, 1, 12)

t.test('murmur2 gives the hashes of the Java client', async t => {
  const vectors: [string, number][] = [
    ['abc', 479470107],
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ]
  for (const [text, hash] of vectors) t.equal(murmur2(Buffer.from(text)), hash, text)
  t.equal(murmur2(Buffer.from('xxabcyy'), 2, 5), 479470107, 'a range of the bytes')
  t.equal(partitionOfKey(Buffer.from('21'), 7), (-973932308 & 0x7fffffff) % 7, 'without the sign bit')
})

t.test('a key as text goes where its bytes go', async t => {
  const partitioner = new TopicPartitioner({ own: undefined, random: new SeededRandom(1) })
  const info = { topic: 't', topicId: '', partitions: 1000 }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), key => {
      return partitioner.choose(info, key) === partitioner.choose(info, Buffer.from(key))
    }),
  )
  t.pass('all the same')
})

t.test('positions', async t => {
  const position = (text: string): unknown => parsePosition(text, { now })
  t.same(position('start'), { kind: 'start', plus: 0 })
  t.same(position('end'), { kind: 'end', minus: 0 })
  t.same(position('42'), { kind: 'offset', offset: 42 })
  t.same(position('-10'), { kind: 'end', minus: 10 })
  t.same(position('+5'), { kind: 'start', plus: 5 })
  t.same(position('start+5'), { kind: 'start', plus: 5 })
  t.same(position('end-3'), { kind: 'end', minus: 3 })
  t.same(position('now'), { kind: 'time', timestamp: now })
  t.same(position('@-1h'), { kind: 'time', timestamp: now - 3_600_000 })
  t.same(position('@-1h30m'), { kind: 'time', timestamp: now - 5_400_000 })
  t.same(position('@2026-11-01'), { kind: 'time', timestamp: Date.UTC(2026, 10, 1) }, 'a day in UTC')
  t.same(position('@2026-11-01T09:00'), { kind: 'time', timestamp: Date.UTC(2026, 10, 1, 9) })
  t.same(position('@2026-11-01T09:00+02:00'), { kind: 'time', timestamp: Date.UTC(2026, 10, 1, 7) })
  t.same(position('@2026-11-01T09:00:30.250Z'), {
    kind: 'time',
    timestamp: Date.UTC(2026, 10, 1, 9, 0, 30, 250),
  })
  t.same(position('@1767225600000'), { kind: 'time', timestamp: 1767225600000 })
})

t.test('what is no position is refused with its text', async t => {
  const wrong = [
    '',
    'nonsense',
    '@2030',
    '@2026-02-30',
    '@2026-13-01',
    '@2026-11-01T25:00',
    '@12345',
    '1.5',
    '--1',
  ]
  for (const text of [
    ...wrong,
    '@-1',
    '@',
    '99999999999999999999',
    '@-1h nonsense',
    'start-1',
    'end+1',
    '@-100000w',
  ]) {
    t.throws(() => parsePosition(text, { now }), { code: 'INVALID_ARGUMENT', context: { found: text } }, text)
  }
})

t.test('ranges', async t => {
  const range = (text: string): unknown => parseRange(text, { now })
  const start = { kind: 'start', plus: 0 }
  const end = { kind: 'end', minus: 0 }
  t.same(range('start..end'), { from: start, to: end })
  t.same(range('3..9'), { from: { kind: 'offset', offset: 3 }, to: { kind: 'offset', offset: 9 } })
  t.same(range('-5..-1'), { from: { kind: 'end', minus: 5 }, to: { kind: 'end', minus: 1 } })
  t.same(range('@-1h..end'), { from: { kind: 'time', timestamp: now - 3_600_000 }, to: end })
  t.same(range('7'), { from: { kind: 'offset', offset: 7 }, to: end }, 'one position reads to the end')
  t.same(range('..7'), { from: start, to: { kind: 'offset', offset: 7 } })
  t.same(range('7..'), { from: { kind: 'offset', offset: 7 }, to: end })
  t.throws(() => range('1..x'), { code: 'INVALID_ARGUMENT' })
})

t.test('durations, sizes and topic settings', async t => {
  t.equal(parseDuration('7d'), 604_800_000)
  t.equal(parseDuration('1.5h'), 5_400_000)
  t.equal(parseDuration('250ms'), 250)
  for (const text of ['7', '7 d', '-7d', '1M', '1h nonsense', ''])
    t.equal(parseDuration(text), undefined, text)
  t.equal(parseSize('512MB'), 512_000_000)
  t.equal(parseSize('1GiB'), 2 ** 30)
  for (const text of ['512', '1 parsec', 'MB']) t.equal(parseSize(text), undefined, text)
  t.equal(configText('retention.ms', '7d'), '604800000')
  t.equal(configText('retention.ms', -1), '-1')
  t.equal(configText('segment.bytes', '16MiB'), String(2 ** 24))
  t.equal(configText('retention.ms', 'soon'), 'soon', 'left for the broker to refuse')
  t.equal(configText('cleanup.policy', '7d'), '7d', 'a key of no unit stays text')
  t.throws(() => configText('retention.ms', {}), { code: 'INVALID_ARGUMENT' })
})

t.test('a heap hands out its items in order', async t => {
  fc.assert(
    fc.property(fc.array(fc.integer()), numbers => {
      const heap = new Heap<number>((a, b) => a < b)
      for (const number of numbers) heap.push(number)
      const out = numbers.map(() => heap.pop())
      return JSON.stringify(out) === JSON.stringify([...numbers].sort((a, b) => a - b)) && heap.size === 0
    }),
  )
  t.pass('for any numbers')
})
