import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { NodeFs, realClock, type Vfs } from '@varve/platform'
import { writeControlRecord } from '@varve/records'
import { batchOf, FakeClock, fixture, MemFs, SeededRandom } from '@varve/testkit'
import t from 'tap'
import { formatAbortedTxns, type AbortedTxn } from '../src/producer/aborted-txn.ts'
import {
  defaultLogConfig,
  LogDirectory,
  verify,
  type Flaw,
  type LogConfig,
  type PartitionLog,
  type VerifySummary,
} from '../src/index.ts'

const ROOT = '/data'

async function check(vfs: Vfs, path = ROOT): Promise<{ flaws: Flaw[]; summary: VerifySummary }> {
  const flaws: Flaw[] = []
  for await (const one of verify(path, { vfs, clock: realClock })) {
    if (one.type === 'summary') return { flaws, summary: one }
    flaws.push(one)
  }
  throw new Error('no summary')
}

const damages = (flaws: readonly Flaw[]): Flaw[] => flaws.filter(one => one.type === 'damage')

function put(vfs: Vfs, path: string, bytes: Buffer): void {
  const file = vfs.sync.open(path, 'create')
  file.truncate(0)
  file.write([bytes], 0)
  file.close()
}

/** Some partitions of one of Kafka's directories in memory, and all of its files. */
function load(name: string, partitions: readonly string[]): { vfs: MemFs; files: Map<string, Buffer> } {
  const vfs = new MemFs()
  const files = new Map<string, Buffer>()
  vfs.sync.mkdir(ROOT)
  const source = fixture(name)
  for (const entry of readdirSync(source)) {
    const from = join(source, entry)
    if (statSync(from).isFile()) files.set(join(ROOT, entry), only(partitions, readFileSync(from), entry))
    if (!partitions.includes(entry)) continue
    vfs.sync.mkdir(join(ROOT, entry))
    for (const file of readdirSync(from)) files.set(join(ROOT, entry, file), readFileSync(join(from, file)))
  }
  for (const [path, bytes] of files) put(vfs, path, bytes)
  return { vfs, files }
}

/** A checkpoint with the lines of these partitions. */
function only(partitions: readonly string[], bytes: Buffer, name: string): Buffer {
  if (!name.endsWith('-offset-checkpoint') || bytes.length === 0) return bytes
  const lines = bytes.toString().trimEnd().split('\n').slice(2)
  const kept = lines.filter(line => partitions.includes(line.split(' ').slice(0, 2).join('-')))
  return Buffer.from(`0\n${kept.length}\n${kept.map(line => `${line}\n`).join('')}`)
}

t.test('what Kafka wrote is sound, and stays as it is', async t => {
  for (const [name, notes] of [
    ['clean', 0],
    ['unclean', 52],
    ['snapshot', 1],
    ['dynamic', 0],
  ] as const) {
    const { flaws, summary } = await check(new NodeFs(), fixture(name))
    t.same(damages(flaws), [], name)
    t.equal(summary.sound, true)
    t.equal(summary.notes, notes, `${name}: what is preallocated or on its way out is a note`)
  }
  const { summary } = await check(new NodeFs(), fixture('clean'))
  t.match(summary, { partitions: 26, segments: 32 })
  t.same(damages((await check(new NodeFs(), fixture('clean/txn-0'))).flaws), [], 'a partition alone')
  const file = fixture('clean/rolled-0/00000000000000003931.index')
  t.same((await check(new NodeFs(), file)).flaws, [], 'a file alone')
})

t.test('a flipped bit is found in each byte of a log, and in every other file that can notice', async t => {
  const { vfs, files } = load('clean', ['txn-0', 'compacted-0'])
  t.same((await check(vfs)).flaws, [], 'sound before')
  let flips = 0
  for (const [path, bytes] of files) {
    const text = !/\.(log|index|timeindex|txnindex|snapshot|checkpoint)$/.test(path)
    if (text && !/(recovery-point|replication)-offset-checkpoint$/.test(path)) continue
    const missed: number[] = []
    // Where the cleaner has been, offsets skip: a base offset that is a little higher is as good as the right one.
    if (path.endsWith('compacted-0/00000000000000000000.log')) continue
    const step = path.includes('txn-0') || bytes.length < 100 ? 1 : 7
    for (let at = 0; at < bytes.length; at += step) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << ((at + flips) % 8)), at)
      put(vfs, path, flipped)
      // A high watermark below the end is what a Kafka of several replicas may leave: a note.
      if ((await check(vfs, dirname(path))).flaws.length === 0) missed.push(at)
      flips++
    }
    put(vfs, path, bytes)
    t.same(missed, [], `${path}: ${bytes.length} flips`)
  }
  t.comment(`${flips} flips`)
})

t.test(
  'in a directory that was not closed a flip is told as well, as a torn end where it may be one',
  async t => {
    const { vfs, files } = load('unclean', ['txn-0', 'idem-0'])
    const before = (await check(vfs)).summary
    t.equal(before.damages, 0)
    for (const name of ['idem-0/00000000000000000000.log', 'txn-0/00000000000000000006.log']) {
      const path = join(ROOT, name)
      const bytes = files.get(path) ?? Buffer.alloc(0)
      const missed: number[] = []
      for (let at = 0; at < bytes.length; at += 11) {
        const flipped = Buffer.from(bytes)
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at)
        put(vfs, path, flipped)
        const { flaws } = await check(vfs)
        if (!flaws.some(flaw => flaw.path === path)) missed.push(at)
      }
      put(vfs, path, bytes)
      t.same(missed, [], name)
    }
  },
)

t.test('says where the damage is, and goes on behind it', async t => {
  const { vfs, files } = load('clean', ['idem-0'])
  const path = join(ROOT, 'idem-0/00000000000000000000.log')
  const bytes = files.get(path) ?? Buffer.alloc(0)
  const second = bytes.readInt32BE(8) + 12
  const flipped = Buffer.from(bytes)
  flipped.writeUInt8(flipped.readUInt8(second + 70) ^ 4, second + 70)
  put(vfs, path, flipped)
  const { flaws, summary } = await check(vfs)
  t.match(flaws, [{ type: 'damage', kind: 'batch', path, position: second, topic: 'idem', partition: 0 }])
  t.match(flaws[0]?.message, /the next sound one is at position \d+, offset \d+/)
  t.equal(summary.batches > 3, true)
  put(vfs, path, bytes.subarray(0, -1))
  t.match((await check(vfs)).flaws, [{ kind: 'batch' }, { kind: 'missing-data' }])
  put(vfs, path, Buffer.concat([bytes, Buffer.alloc(4096)]))
  t.match((await check(vfs)).flaws, [{ kind: 'zero-tail', position: bytes.length }])
  vfs.sync.unlink(path)
  t.match(damages((await check(vfs)).flaws)[0], { kind: 'missing-data' })
  vfs.sync.removeTree(join(ROOT, 'idem-0'))
  t.match(damages((await check(vfs)).flaws)[0], { kind: 'missing-data' }, 'a folder that is gone')
})

t.test('beside a living owner, and after its crash, what is unfinished is a note', async t => {
  const vfs = new MemFs()
  const directory = await LogDirectory.open(ROOT, {
    vfs,
    clock: new FakeClock(),
    random: new SeededRandom(7),
  })
  const topicId = 'AAAAAAAAAAAAAAAAAAAAAA'
  const log = await directory.createPartition({ topic: 'a', partition: 0, topicId })
  for (let n = 0; n < 50; n++) await log.append(batchOf([`value ${n}`]))
  const living = await check(vfs)
  t.same(damages(living.flaws), [])
  t.equal(living.summary.batches, 50)
  const path = join(ROOT, 'a-0/00000000000000000000.log')
  const bytes = vfs.sync.readFile(path)
  put(vfs, path, Buffer.concat([bytes, bytes.subarray(0, 40)]))
  const torn = await check(vfs)
  t.match(torn.flaws, [{ type: 'note', kind: 'torn-tail', position: bytes.length, offset: 50 }])
  put(vfs, path, bytes)
  await directory.close()
  t.same((await check(vfs)).flaws, [], 'closed')
  const notes = join(ROOT, 'varve.durable-offsets')
  const noted = vfs.sync.readFile(notes)
  for (let at = 0; at < noted.length; at++) {
    const flipped = Buffer.from(noted)
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at)
    put(vfs, notes, flipped)
    if ((await check(vfs)).summary.sound) t.fail(`byte ${at} of the durable offsets`)
  }
  put(vfs, notes, noted)
  put(vfs, path, Buffer.concat([bytes, bytes.subarray(0, 40)]))
  t.match((await check(vfs)).flaws, [{ type: 'damage', kind: 'batch' }])
})

t.test('no power cut, deletion or transaction is taken for damage', async t => {
  for (const seed of [1, 2, 3]) {
    // Of its own: what else draws numbers changes no history.
    const random = new SeededRandom(seed)
    const vfs = new MemFs({ crashable: true })
    const config: LogConfig = {
      ...defaultLogConfig,
      segmentBytes: 4096,
      indexIntervalBytes: 200,
      flushMessages: seed % 2 === 0 ? 1 : Number.MAX_SAFE_INTEGER,
      preallocate: seed === 3,
    }
    const others = new SeededRandom(seed)
    const options = { vfs, clock: new FakeClock(), random: others, configOf: () => config }
    const directory = await LogDirectory.open(ROOT, options)
    const topicId = 'AAAAAAAAAAAAAAAAAAAAAA'
    const log = await directory.createPartition({ topic: 'a', partition: 0, topicId, config })
    const producers = new Map<number, { sequence: number; open: boolean }>()
    for (let n = 0; n < 100; n++) {
      const title = `seed ${seed}, step ${n}`
      await step(log, { random, producers, n })
      if (random.int(20) === 0) t.same(damages((await check(vfs)).flaws), [], `${title}: beside its owner`)
      if (random.int(12) !== 0) continue
      const crashed = vfs.crashClone({ rng: new SeededRandom(n), unsyncedPercent: random.int(101) })
      t.same(damages((await check(crashed)).flaws), [], `${title}: after a power cut`)
      const again = await LogDirectory.open(ROOT, { ...options, vfs: crashed })
      await again.close()
      t.same(damages((await check(crashed)).flaws), [], `${title}: recovered and closed`)
    }
    await directory.close()
    t.same(damages((await check(vfs)).flaws), [], `seed ${seed}: closed`)
  }
})

t.test('what a power cut left in an index of transactions is gone once the log is closed', async t => {
  const marker: AbortedTxn = { producerId: 1, firstOffset: 60, lastOffset: 70, lastStableOffset: 71 }
  for (const [what, left] of [
    ['zeros', Buffer.alloc(34)],
    ['a marker above the end', formatAbortedTxns([marker])],
  ] as const) {
    const vfs = new MemFs({ crashable: true })
    const options = { clock: new FakeClock(), random: new SeededRandom(1) }
    const directory = await LogDirectory.open(ROOT, { vfs, ...options })
    const topicId = 'AAAAAAAAAAAAAAAAAAAAAA'
    const log = await directory.createPartition({ topic: 'a', partition: 0, topicId })
    await log.append(batchOf(['one', 'two']))
    await directory.close()
    await LogDirectory.open(ROOT, { vfs, ...options })
    const crashed = vfs.crashClone({ rng: new SeededRandom(1), unsyncedPercent: 100 })
    // What is noted as settled is not looked into.
    crashed.sync.unlink(join(ROOT, 'varve.durable-offsets'))
    put(crashed, join(ROOT, 'a-0/00000000000000000000.txnindex'), left)
    const again = await LogDirectory.open(ROOT, { vfs: crashed, ...options })
    await again.close()
    t.same((await check(crashed)).flaws, [], what)
  }
})

interface Steps {
  random: SeededRandom
  producers: Map<number, { sequence: number; open: boolean }>
  n: number
}

/** An append to a transaction, its end, a plain append, or records deleted. */
async function step(log: PartitionLog, { random, producers, n }: Steps): Promise<void> {
  const producerId = 1 + random.int(3)
  const producer = producers.get(producerId) ?? { sequence: 0, open: false }
  producers.set(producerId, producer)
  const of = { producerId, producerEpoch: 0, transactional: true }
  const choice = random.int(10)
  if (choice < 6) {
    const values = Array.from({ length: 1 + random.int(4) }, () => `${n} ${'x'.repeat(random.int(60))}`)
    const timestamp = 1_000_000_000_000 + random.int(100_000)
    await log.append(batchOf(values, { ...of, baseSequence: producer.sequence, timestamp }))
    producer.sequence += values.length
    producer.open = true
  } else if (choice < 8 && producer.open) {
    const type = random.int(2) === 0 ? 'abort' : 'commit'
    const marker = writeControlRecord({ type, version: 0, coordinatorEpoch: 0 })
    await log.append(batchOf([marker], { ...of, control: true }), { origin: 'coordinator' })
    producer.open = false
  } else if (n % 30 === 29) {
    await log.deleteRecords(Math.max(log.logStartOffset, log.highWatermark - 20 - random.int(30)))
  } else {
    await log.append(batchOf([`plain ${n}`]))
  }
}

t.test('paths that are no data are refused in a sentence', async t => {
  const vfs = new MemFs()
  vfs.sync.mkdir(ROOT)
  await t.rejects(check(vfs, '/nowhere'), { code: 'NOT_FOUND' })
  await t.rejects(check(vfs), { code: 'NOT_FOUND', message: /is empty/ })
  put(vfs, join(ROOT, 'notes.txt'), Buffer.from('hello'))
  await t.rejects(check(vfs), { code: 'DIRECTORY_NOT_VARVE', message: /notes\.txt/ })
  await t.rejects(check(vfs, join(ROOT, 'notes.txt')), { code: 'DIRECTORY_NOT_VARVE' })
  const abort = new AbortController()
  abort.abort(new Error('enough'))
  const aborted = verify(fixture('clean'), { vfs: new NodeFs(), clock: realClock, signal: abort.signal })
  await t.rejects(aborted.next(), { message: 'enough' })
})
