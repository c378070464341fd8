import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { expectedLines, fixture } from '@varve/testkit'
import t, { type Test } from 'tap'
import { main } from '../src/index.ts'
import { run } from './run.ts'

interface ExpectedBatch {
  file: string
  baseOffset: number
  lastOffset: number
  count: number
  baseSequence: number
  lastSequence: number
  producerId: number
  producerEpoch: number
  partitionLeaderEpoch: number
  isTransactional: boolean
  isControl: boolean
  deleteHorizonMs: number | null
  position: number
  CreateTime?: number
  LogAppendTime?: number
  size: number
  compresscodec: string
  crc: number
  isvalid: boolean
}

/** A copy that a test may write to. */
function copied(t: Test, name: string): string {
  const folder = t.testdir()
  cpSync(fixture(name), folder, { recursive: true })
  for (const entry of readdirSync(folder, { recursive: true })) chmodSync(join(folder, String(entry)), 0o700)
  return folder
}

function stateOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(name => String(name))
    .sort()
    .map(name => `${name} ${statSync(join(folder, name)).mtimeMs} ${statSync(join(folder, name)).size}`)
}

const relative = (path: unknown) => String(path).split('/').slice(-2).join('/')

t.test('inspect shows the batches as Kafka’s own tool dumps them', async t => {
  const data = fixture('clean')
  const before = stateOf(data)
  const ran = await run(['inspect', data, '--batches', '-o', 'json'])
  t.equal(ran.code, 0, ran.stderr)
  const found = ran.json().filter(one => one['type'] === 'batch')
  const wanted = expectedLines<ExpectedBatch>('batches')
  const shown = found.map(one => ({
    file: relative(one['path']),
    baseOffset: one['baseOffset'],
    lastOffset: one['lastOffset'],
    count: one['records'],
    baseSequence: one['baseSequence'],
    lastSequence: one['lastSequence'],
    producerId: one['producerId'],
    producerEpoch: one['producerEpoch'],
    partitionLeaderEpoch: one['leaderEpoch'],
    isTransactional: one['transactional'],
    isControl: one['control'],
    deleteHorizonMs: one['deleteHorizon'],
    position: one['position'],
    time: one['maxTimestamp'],
    size: one['size'],
    compresscodec: one['codec'],
    crc: one['crc'],
    isvalid: one['crcOk'],
  }))
  const byPlace = (a: { file: string; position: unknown }, b: { file: string; position: unknown }) =>
    a.file === b.file ? Number(a.position) - Number(b.position) : a.file < b.file ? -1 : 1
  const dumped = wanted
    .filter(one => one.file.endsWith('.log'))
    .map(({ CreateTime, LogAppendTime, ...one }) => ({ ...one, time: CreateTime ?? LogAppendTime }))
  t.equal(shown.length, dumped.length, `${dumped.length} batches`)
  t.match(
    shown.sort(byPlace),
    dumped.sort(byPlace).map(({ magic: _, ...one }: Record<string, unknown>) => one),
  )
  t.same(stateOf(data), before, 'no file was made, changed or touched')
})

t.test('inspect shows producers and aborted transactions as Kafka wrote them', async t => {
  interface Expected extends Record<string, unknown> {
    file: string
    producerId: number
  }
  const files = [...new Set(expectedLines<Expected>('producer-state').map(one => one.file))]
  t.equal(files.length > 5, true)
  for (const file of files) {
    const wanted = expectedLines<Expected>('producer-state').filter(one => one.file === file)
    const ran = await run(['inspect', fixture(`clean/${file}`), '-o', 'json'])
    t.equal(ran.code, 0, ran.stderr)
    const shown = ran.json()
    t.equal(shown.length, wanted.length, file)
    for (const [index, one] of wanted.entries()) {
      const line = shown[index] ?? {}
      if (file.endsWith('.txnindex')) {
        const { producerId, firstOffset, lastOffset, lastStableOffset } = one
        t.match(line, { type: 'aborted-transaction', producerId, firstOffset, lastOffset, lastStableOffset })
      } else {
        const { producerId, producerEpoch, coordinatorEpoch, lastTimestamp } = one
        t.match(line, {
          ...{ type: 'producer', producerId, producerEpoch, coordinatorEpoch, timestamp: lastTimestamp },
          currentTxnFirstOffset: one['currentTxnFirstOffset'] ?? -1,
          lastSequence: one['lastSequence'] ?? -1,
          lastOffset: one['lastOffset'] ?? -1,
        })
      }
    }
  }
})

t.test('inspect draws tables of a directory, a partition and a file', async t => {
  const whole = await run(['inspect', fixture('clean')])
  t.match(whole.stdout, /written by +kafka/)
  t.match(whole.stdout, /closed in good order/)
  t.match(whole.stdout, /^trimmed-0 +40 +100 +100/m)
  t.match(whole.stdout, /^rolled-0@3931 +4500/m)
  const one = await run([
    'inspect',
    fixture('clean'),
    '-p',
    'txn-0',
    '--segment',
    '8',
    '--batches',
    '--index',
  ])
  t.match(one.stdout, /Batches of .*0006\.log/)
  t.match(one.stdout, /control transactional +ok/)
  t.match(one.stdout, /Leader epochs/)
  t.match(one.stdout, /Aborted transactions/)
  t.notMatch(one.stdout, /00000\.log/, 'only the segment that holds offset 8')
  const file = await run(['inspect', fixture('clean/rolled-0/00000000000000003931.index')])
  t.equal(file.stdout.trimEnd().split('\n').length, 2 + 38)
  const unclean = await run(['inspect', fixture('unclean'), '-o', 'json'])
  t.match(unclean.json()[0], { type: 'directory', clean: false, writtenBy: 'kafka' })
  t.equal(
    unclean.json().find(one => one['type'] === 'segment')?.['offsetIndexEntries'],
    3,
    'zeros are no entries',
  )
  for (const name of ['snapshot', 'dynamic', 'clean/meta.properties', 'clean/bootstrap.checkpoint'])
    t.equal((await run(['inspect', fixture(name)])).code, 0, name)
})

t.test('verify ends with 0 on what Kafka wrote, and says what it has looked at', async t => {
  for (const name of ['clean', 'unclean', 'snapshot', 'dynamic']) {
    const before = stateOf(fixture(name))
    const ran = await run(['verify', fixture(name)])
    t.equal(ran.code, 0, ran.stdout)
    t.match(ran.stdout, / is sound/)
    t.equal(ran.stderr, '')
    t.same(stateOf(fixture(name)), before, `${name} is as it was`)
  }
  const lines = (await run(['verify', fixture('clean'), '-o', 'json'])).json()
  t.match(lines, [{ type: 'summary', sound: true, damages: 0, partitions: 26, segments: 32, records: 11575 }])
  t.equal(
    (await run(['verify', '--data', fixture('dynamic')])).code,
    0,
    'the directory may be named by --data',
  )
  const shown = await run(['verify', fixture('clean')], { terminal: true })
  t.equal(shown.code, 0)
})

t.test('verify ends with 6 on damage, with file and position, and tells the rest as well', async t => {
  const data = copied(t, 'clean')
  const path = join(data, 'rolled-1', '00000000000000000000.log')
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(500_000) ^ 1, 500_000)
  writeFileSync(path, bytes)
  writeFileSync(join(data, 'edge-0', '00000000000000000212.snapshot'), 'nothing')
  const ran = await run(['verify', data, '-o', 'json'])
  t.equal(ran.code, 6)
  t.match(ran.json(), [
    { type: 'damage', kind: 'producer-snapshot', topic: 'edge', partition: 0, position: null },
    { type: 'damage', kind: 'batch', topic: 'rolled', partition: 1, position: Number, offset: Number },
    { type: 'summary', sound: false, damages: 2 },
  ])
  const text = await run(['verify', data])
  t.equal(text.code, 6)
  t.match(
    text.stdout,
    /damage {2}The batch at position \d+ of .*rolled-1.* is damaged: .*; the next sound one is at/,
  )
  t.match(text.stdout, /is damaged, in 2 places/)
  t.equal((await run(['verify', join(data, 'edge-0')])).code, 6, 'a partition')
  t.equal((await run(['verify', path])).code, 6, 'a file')
  t.equal((await run(['verify', join(data, 'rolled-0')])).code, 0, 'a sound partition beside it')
  const problems = (await run(['inspect', join(data, 'edge-0'), '-o', 'json'])).json()
  t.match(
    problems.find(one => one['type'] === 'problem'),
    { message: /snapshot is damaged/ },
  )
})

t.test('paths that are no data are one sentence and an exit code', async t => {
  const folder = t.testdir({ empty: {}, notes: { 'notes.txt': 'hello' } })
  for (const command of ['inspect', 'verify']) {
    for (const [path, code] of [
      [join(folder, 'nowhere'), 3],
      [join(folder, 'empty'), 3],
      [join(folder, 'notes'), 1],
      [join(folder, 'notes', 'notes.txt'), 1],
    ] as const) {
      const ran = await run([command, path])
      t.equal(ran.code, code, `${command} ${path}`)
      t.match(ran.stderr, /^varve: [^\n]+\.\n$/)
      t.equal(ran.stdout, '')
    }
    const interrupted = new AbortController()
    interrupted.abort()
    t.equal((await run([command, fixture('clean')], { signal: interrupted.signal })).code, 130, 'Ctrl-C')
    t.match((await run([command, '--help'])).stdout, /Examples:/)
  }
  t.equal((await run(['inspect', fixture('clean'), '-p', 'nothing-0'])).code, 3)
  t.equal((await run(['inspect', fixture('clean'), '--segment', 'x'])).code, 2)
  if (process.getuid?.() !== 0) {
    const closed = join(folder, 'closed')
    mkdirSync(closed, { mode: 0o000 })
    t.equal((await run(['verify', closed])).code, 4, 'no permission')
    chmodSync(closed, 0o700)
  }
})

t.test('both work beside a process that owns the directory', async t => {
  const data = join(t.testdir(), 'data')
  t.equal((await run(['topic', 'create', 'a', '-p', '2', '--data', data])).code, 0)
  const seen: string[] = []
  async function* lines() {
    for (let n = 0; n < 500; n++) yield `line ${n}\n`
    for (const command of ['verify', 'inspect']) {
      const ran = await run([command, data])
      seen.push(`${command} ${ran.code}`)
      if (ran.code !== 0) t.comment(ran.stdout + ran.stderr)
      if (command === 'inspect') t.match(ran.stdout, /in use, or not closed/)
    }
    yield 'the last\n'
  }
  t.equal((await run(['produce', 'a', '--data', data], { stdin: lines() })).code, 0)
  t.same(seen, ['verify 0', 'inspect 0'])
  const closed = await run(['verify', data])
  t.equal(closed.code, 0, closed.stdout)
  t.notMatch(closed.stdout, /note/, 'closed in good order')
  t.match((await run(['inspect', data])).stdout, /written by +varve/)
})

t.test('damage that was found is told by the exit code also where nobody reads to the end', async t => {
  const data = copied(t, 'clean')
  const log = join(data, 'rolled-0', `${'0'.repeat(20)}.log`)
  const bytes = readFileSync(log)
  bytes[bytes.length >>> 1]! ^= 1
  writeFileSync(log, bytes)
  const closed = new Writable({
    write: (_chunk, _encoding, done) => {
      done(Object.assign(new Error('closed'), { code: 'EPIPE' }))
    },
  })
  const code = await main(['verify', data, '-o', 'json'], {
    stdin: Readable.from([]),
    stdout: closed,
    stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
    env: {},
    signal: new AbortController().signal,
  })
  t.equal(code, 6)
})
