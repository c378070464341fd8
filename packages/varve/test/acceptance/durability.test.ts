import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test as Tap } from 'tap'
import { isVarveError, Varve, type VarveClient } from 'varve'
import { records, start, type Running } from './command.ts'

const log = 't-0/00000000000000000000.log'

/** A closed directory whose topic `t` has `batches` of ten records. */
async function closed(
  data: string,
  batches: number,
  config: Record<string, number> = {},
  bytes = 50,
): Promise<void> {
  const made = await Varve.open(data)
  await made.admin.createTopic('t', { config })
  const producer = made.producer()
  for (let batch = 0; batch < batches; batch++)
    await producer.sendBatch(
      't',
      Array.from({ length: 10 }, (_, i) => ({ value: `${batch * 10 + i} `.padEnd(bytes, 'x') })),
    )
  await made.close()
}

interface Seen {
  offsets: number[]
  error?: unknown
}

async function seen(records: AsyncIterable<{ offset: number }>): Promise<Seen> {
  const offsets: number[] = []
  try {
    for await (const { offset } of records) offsets.push(offset)
  } catch (error) {
    return { offsets, error }
  }
  return { offsets }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

/** Where the batches of a segment begin. */
function positions(path: string): number[] {
  const bytes = readFileSync(path)
  const found: number[] = []
  for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8)) found.push(at)
  return found
}

async function opened(data: string, work: (varve: VarveClient) => Promise<void>): Promise<void> {
  const varve = await Varve.open(data)
  try {
    await work(varve)
  } finally {
    await varve.close()
  }
}

/** A command that produces `0`, `1`, …, has acknowledged `count` of them and has 200 more before it. */
async function producing(data: string, count: number): Promise<Running> {
  const child = start(['produce', 't', '-o', 'json', '--data', data], { input: 'open' })
  child.child.stdin.write(lineOf(range(0, count)))
  for (let next = count; next < count + 200; next += 20)
    child.child.stdin.write(lineOf(range(next, next + 20)))
  await child.until(({ stdout }) => stdout.split('\n').length > count)
  return child
}

function lineOf(numbers: number[]): string {
  return numbers.map(number => `${number}\n`).join('')
}

type Stored = [offset: number, value: string | undefined][]

async function stored(data: string, readOnly = true): Promise<Stored> {
  const varve = await Varve.open(data, { readOnly })
  try {
    const found: Stored = []
    for await (const { offset, value } of varve.read('t')) found.push([offset, value?.toString()])
    return found
  } finally {
    await varve.close()
  }
}

/** Every acknowledged record is there, and everything is there once and in the order in which it was sent. */
function compare(t: Tap, { stdout }: { stdout: string }, found: Stored): void {
  const acknowledged = records(stdout.slice(0, stdout.lastIndexOf('\n') + 1))
  t.ok(found.length >= acknowledged.length, `${found.length} stored, ${acknowledged.length} acknowledged`)
  t.same(
    acknowledged.map(({ offset }) => offset).sort((x, y) => x - y),
    range(0, acknowledged.length),
  )
  t.same(
    found,
    range(0, found.length).map(i => [i, String(i)]),
  )
}

t.test('kill -9 of a producing command loses nothing that it acknowledged', async t => {
  for (const count of [1, 100, 500]) {
    const data = join(t.testdir(), 'd')
    await closed(data, 0)
    const killed = await (await producing(data, count)).kill('SIGKILL')
    t.equal(killed.signal, 'SIGKILL')
    compare(t, killed, await stored(data))
    compare(t, killed, await stored(data, false))
  }
})

t.test('Ctrl-C stops a command with 130, and nothing acknowledged is lost', async t => {
  const data = join(t.testdir(), 'd')
  await closed(data, 0)
  const produced = await (await producing(data, 100)).kill('SIGINT')
  t.equal(produced.code, 130)
  t.match(produced.stderr, `Appended ${records(produced.stdout).length} records to t`)
  compare(t, produced, await stored(data))

  const idle = start(['tail', 't', '-f', '-n', '1', '--data', data])
  await idle.until(({ stdout }) => stdout.endsWith('\n'))
  t.match(await idle.kill('SIGINT'), { code: 130, stderr: '' })

  const waiting = start(['produce', 't', '-o', 'json', '--data', data], { input: 'open' })
  waiting.child.stdin.write('last\n')
  await waiting.until(({ stdout }) => stdout.includes('\n'))
  t.match(await waiting.kill('SIGINT'), { code: 130, stderr: /Appended 1 record/ })
  t.equal((await stored(data)).at(-1)?.[1], 'last')

  // Standard output that nobody drains: the command is in the middle of its work.
  await opened(data, async varve => {
    await varve.producer().sendBatch(
      't',
      range(0, 3000).map(() => ({ value: 'y'.repeat(1000) })),
    )
  })
  const reading = start(['read', 't', '--data', data])
  reading.child.stdout.pause()
  await new Promise(resolve => reading.child.stdout.once('readable', resolve))
  reading.child.kill('SIGINT')
  reading.child.stdout.resume()
  const { code, signal, stderr } = await reading.ended
  t.ok(code === 130 || signal === 'SIGINT', `${String(code)} ${String(signal)}`)
  t.equal(stderr, '')
})

t.test('a damaged batch of a closed log fails alone, and names file and position', async t => {
  for (const [at, what] of [
    [100, 'a record'],
    [21, 'the attributes'],
    [3, 'the base offset'],
    [10, 'the length'],
    [16, 'the magic'],
  ] as const) {
    const data = join(t.testdir(), 'd')
    await closed(data, 10)
    const path = join(data, log)
    const position = positions(path)[4] ?? 0
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8(position + at) ^ 0x10, position + at)
    writeFileSync(path, bytes)
    await opened(data, async varve => {
      for (const reader of [
        varve.read('t'),
        varve.replay('t'),
        varve.consumer({ topics: ['t'], untilEnd: true }),
      ]) {
        const { offsets, error } = await seen(reader)
        t.same(offsets, range(0, 40), what)
        t.ok(isVarveError(error, 'CORRUPT_MESSAGE'), what)
        t.match(String(error), new RegExp(`position ${position} of ${path}`))
      }
      t.same(await seen(varve.read('t', { from: 0, to: 40 })), { offsets: range(0, 40) }, what)
      t.same(await seen(varve.read('t', { from: 50 })), { offsets: range(50, 100) }, what)
      t.equal((await varve.producer().send('t', { value: 'more' })).offset, 100)
    })
    t.same(readFileSync(path).subarray(0, bytes.length), bytes, 'no byte is touched')
  }
})

t.test('a torn tail goes beside the segment, and appends go on', async t => {
  for (const tear of ['bytes', 'zeros', 'half a batch'] as const) {
    const data = join(t.testdir(), 'd')
    await closed(data, 1)
    const child = await producing(data, 50)
    await child.kill('SIGKILL')
    const path = join(data, log)
    if (tear === 'half a batch') appendFileSync(path, readFileSync(path).subarray(0, 90))
    else appendFileSync(path, Buffer.alloc(200, tear === 'bytes' ? 9 : 0))
    const { length } = await stored(data)
    t.ok(length >= 10 + 50, tear)
    await opened(data, async varve => {
      t.same(await seen(varve.read('t')), { offsets: range(0, length) }, tear)
      t.equal((await varve.producer().send('t', { value: 'next' })).offset, length, tear)
    })
    const torn = readdirSync(join(data, 't-0')).filter(name => name.endsWith('.torn'))
    t.equal(torn.length, tear === 'zeros' ? torn.length : 1, tear)
  }
})

t.test('a cut below what was closed is damage, not a torn tail', async t => {
  const data = join(t.testdir(), 'd')
  await closed(data, 10)
  truncateSync(join(data, log), statSync(join(data, log)).size - 5)
  await opened(data, async varve => {
    const { offsets, error } = await seen(varve.read('t'))
    t.same(offsets, range(0, 90))
    t.ok(isVarveError(error, 'CORRUPT_MESSAGE'))
    t.equal((await varve.producer().send('t', { value: 'next' })).offset, 100)
    t.same(await seen(varve.read('t', { from: 100 })), { offsets: [100] })
  })
})

t.test('without its first segment the rest is still there', async t => {
  const data = join(t.testdir(), 'd')
  await closed(data, 30, { 'segment.bytes': 1_048_576 }, 5000)
  const segments = readdirSync(join(data, 't-0')).filter(name => name.endsWith('.log'))
  t.ok(segments.length > 1)
  for (const name of readdirSync(join(data, 't-0')))
    if (name.startsWith('00000000000000000000.')) rmSync(join(data, 't-0', name))
  const second = Number((segments.sort()[1] ?? '').slice(0, 20))
  await opened(data, async varve => {
    const { offsets, error } = await seen(varve.read('t'))
    t.same(offsets, [])
    t.ok(isVarveError(error, 'CORRUPT_MESSAGE') || isVarveError(error, 'OFFSET_OUT_OF_RANGE'), String(error))
    t.same(await seen(varve.read('t', { from: second })), { offsets: range(second, 300) })
    t.equal((await varve.producer().send('t', { value: 'next' })).offset, 300)
  })
})

t.test('a log start offset above the end hides nothing', async t => {
  const data = join(t.testdir(), 'd')
  await closed(data, 3)
  writeFileSync(join(data, 'log-start-offset-checkpoint'), '0\n1\nt 0 5000\n')
  await opened(data, async varve => {
    t.same(await seen(varve.read('t')), { offsets: range(0, 30) })
    t.equal((await varve.producer().send('t', { value: 'next' })).offset, 30)
  })
})
