import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { isVarveError, Varve, type VarveClient } from 'varve'
import { node, ONE_SENTENCE, start, varve as command } from './command.ts'

const entry = new URL('../../dist/index.js', import.meta.url)

async function memory(t: { teardown(done: () => Promise<void>): void }): Promise<VarveClient> {
  const varve = await Varve.open(':memory:')
  t.teardown(() => varve.close())
  return varve
}

async function values(records: AsyncIterable<{ value: Buffer | null }>): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = []
  for await (const { value } of records) found.push(value?.toString())
  return found
}

function numbers(count: number, prefix = ''): { value: string }[] {
  return Array.from({ length: count }, (_, i) => ({ value: `${prefix}${i}` }))
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
  } catch (error) {
    return isVarveError(error) ? error.code : String(error)
  }
  return 'resolved'
}

const BODY = `
  await varve.admin.createTopic('t', { partitions: 2, ifNotExists: true })
  const producer = varve.producer({ key: 'string', value: 'json' })
  await producer.sendBatch('t', [1, 2, 3].map(n => ({ key: 'k', value: { n } })))
  let sum = 0
  const consumer = varve.consumer({ group: 'g', topics: ['t'], value: 'json', untilEnd: true })
  for await (const record of consumer) sum += record.value.n
  console.log(sum)
`
const PROGRAMS = {
  'plain.mjs': `import { Varve } from '${entry.href}'
const varve = await Varve.open('./d')
try {${BODY}} finally { await varve.close() }`,
  'required.cjs': `const { Varve } = require('${entry.pathname}')
async function main() { const varve = await Varve.open('./d'); try {${BODY}} finally { await varve.close() } }
main()`,
  'typed.mjs': ts.transpileModule(
    `import { Varve } from '${entry.href}'\n{ await using varve = await Varve.open('./d')\n${BODY}}`,
    {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
    },
  ).outputText,
}

t.test('programs close their directory and end by themselves, each way they may be written', async t => {
  const folder = t.testdir(PROGRAMS)
  // The group goes on where the program before committed: each reads only its own three.
  for (const name of Object.keys(PROGRAMS))
    t.match(await node([name], { cwd: folder }), { code: 0, stdout: '6\n', stderr: '' }, name)
})

t.test('a restart keeps records and commits, and a replay merges by time', async t => {
  const data = join(t.testdir(), 'd')
  const handled: number[] = []
  {
    await using varve = await Varve.open(data)
    await varve.admin.createTopic('t', { partitions: 3, config: { 'retention.ms': -1 } })
    const producer = varve.producer({ value: 'json' })
    for (let i = 0; i < 30; i++)
      await producer.send('t', { key: `k${i % 7}`, value: i, timestamp: 1_000_000_000_000 + i * 1000 })
    for await (const { value } of varve.consumer({ group: 'g', topics: ['t'], value: 'json' })) {
      handled.push(Number(value))
      // What the body has not finished is not committed: the tenth comes again.
      if (handled.length === 10) break
    }
  }
  await using varve = await Varve.open(data)
  const again: number[] = []
  for await (const { value } of varve.consumer({ group: 'g', topics: ['t'], value: 'json', untilEnd: true }))
    again.push(Number(value))
  t.equal(again.length, 21)
  t.same(
    [...handled.slice(0, 9), ...again].sort((a, b) => a - b),
    [...Array(30).keys()],
  )
  t.same(
    (await varve.admin.describeGroup('g')).offsets.map(({ lag }) => lag),
    [0, 0, 0],
  )
  const order: number[] = []
  for await (const { value } of varve.replay('t', { from: 'start', to: 'end', value: 'json' }))
    order.push(Number(value))
  t.same(order, [...Array(30).keys()])
  const part: number[] = []
  const from = new Date(1_000_000_005_000)
  for await (const { value } of varve.replay('t', { from, to: 1_000_000_010_000, value: 'json' }))
    part.push(Number(value))
  t.same(part.length > 0 && part[0] === 5, true, 'from a time')
})

t.test('a member that leaves is replaced, without loss and without repetition', async t => {
  const varve = await memory(t)
  await varve.admin.createTopic('t', { partitions: 4 })
  const seen: string[] = []
  const first = varve.consumer({ group: 'g', topics: ['t'] })
  const second = varve.consumer({ group: 'g', topics: ['t'] })
  const one = (async () => {
    for await (const { value } of first) {
      seen.push(String(value))
      if (seen.length < 50) continue
      await first.commit()
      break
    }
    await first.close()
  })()
  const two = (async () => {
    for await (const { value } of second) {
      seen.push(String(value))
      if (new Set(seen).size < 400) continue
      await second.commit()
      break
    }
    await second.close()
  })()
  while (first.assignment.length !== 2 || second.assignment.length !== 2)
    await new Promise(resolve => setTimeout(resolve, 5))
  await varve.producer().sendBatch(
    't',
    numbers(400).map((record, i) => ({ ...record, partition: i % 4 })),
  )
  await Promise.all([one, two])
  t.equal(seen.length, 400)
  t.same(
    (await varve.admin.describeGroup('g')).offsets.map(({ lag }) => lag),
    [0, 0, 0, 0],
  )
})

t.test('bytes that change after send() are sent as they were', async t => {
  const varve = await memory(t)
  await varve.admin.createTopic('t')
  const producer = varve.producer()
  const [key, value, header] = [Buffer.from('key'), Buffer.from('value'), Buffer.from('header')]
  const sent = producer.send('t', { key, value, headers: [['h', header]] })
  for (const bytes of [key, value, header]) bytes.fill('!')
  const many = numbers(3).map(({ value }) => ({ value: Buffer.from(value) }))
  const batch = producer.sendBatch('t', many)
  for (const record of many) record.value.fill('!')
  await Promise.all([sent, batch])
  const found = []
  for await (const record of varve.read('t'))
    found.push([record.key, record.value, record.headers[0]?.[1]].map(String))
  t.same(found[0], ['key', 'value', 'header'])
  t.same(
    found.slice(1).map(([, value]) => value),
    ['0', '1', '2'],
  )
})

t.test('a consumer of a topic that was deleted cannot commit on its successor', async t => {
  const varve = await memory(t)
  await varve.admin.createTopic('t')
  const producer = varve.producer()
  await producer.sendBatch('t', numbers(50))
  const consumer = varve.consumer({ group: 'g', topics: ['t'], autoCommit: false })
  const records = consumer[Symbol.asyncIterator]()
  for (let i = 0; i < 20; i++) await records.next()
  await varve.admin.deleteTopic('t')
  await varve.admin.createTopic('t')
  await producer.sendBatch('t', numbers(50, 'new'))
  t.not(await codeOf(() => consumer.commit()), 'resolved')
  await consumer.close()
  const found = await values(varve.consumer({ group: 'g', topics: ['t'], untilEnd: true }))
  t.equal(found.length, 50)
  t.equal(found[0], 'new0')
})

t.test('wrong use is an error with a code, and says what was wanted', async t => {
  const varve = await memory(t)
  await varve.admin.createTopic('t')
  const wrong: [string, () => Promise<unknown>][] = [
    ['INVALID_ARGUMENT', () => values(varve.consumer({ topics: [] }))],
    ['INVALID_ARGUMENT', () => Varve.open('')],
    ['INVALID_ARGUMENT', () => values(varve.read('t', { from: 'yesterdayish' }))],
    ['INVALID_ARGUMENT', () => varve.admin.createTopic('u', { partitions: 0 })],
    ['INVALID_TOPIC_EXCEPTION', () => varve.admin.createTopic('a/b')],
    ['INVALID_CONFIG', () => varve.admin.createTopic('u', { config: { 'retention.ms': 'long' } })],
    ['TOPIC_ALREADY_EXISTS', () => varve.admin.createTopic('t')],
    ['UNKNOWN_TOPIC_OR_PARTITION', () => varve.producer().send('nope', { value: 'x' })],
    ['UNKNOWN_TOPIC_OR_PARTITION', () => values(varve.read('nope'))],
    ['MESSAGE_TOO_LARGE', () => varve.producer().send('t', { value: Buffer.alloc(3_000_000) })],
    ['NOT_FOUND', () => Varve.open(join(t.testdir(), 'nope'), { readOnly: true })],
  ]
  for (const [code, work] of wrong) t.equal(await codeOf(work), code)
  t.same(await values(varve.read('t')), [])
  const closed = await Varve.open(':memory:')
  await closed.close()
  t.equal(await codeOf(async () => closed.producer().send('t', { value: 'x' })), 'CLOSED')
  await closed.close()
})

t.test('an aborted consumer ends, and a closed one ends quietly', async t => {
  const varve = await memory(t)
  await varve.admin.createTopic('t')
  const abort = new AbortController()
  setImmediate(() => abort.abort())
  t.equal(
    await codeOf(() => values(varve.consumer({ topics: ['t'], group: 'g', signal: abort.signal }))),
    'ABORTED',
  )
  const consumer = varve.consumer({ topics: ['t'], group: 'g' })
  setImmediate(() => void consumer.close())
  t.same(await values(consumer), [])
})

t.test('reading goes on beside the owner, and writing is refused', async t => {
  const data = join(t.testdir(), 'd')
  await using owner = await Varve.open(data)
  await owner.admin.createTopic('t')
  await owner.producer().send('t', { value: '1' })
  await using reader = await Varve.open(data, { readOnly: true })
  t.same(await values(reader.read('t')), ['1'])
  await owner.producer().send('t', { value: '2' })
  t.same(await values(reader.read('t')), ['1', '2'])
  t.same(await values(reader.consumer({ topics: ['t'], untilEnd: true })), ['1', '2'])
  t.equal(await codeOf(() => reader.producer().send('t', { value: 'x' })), 'NOT_PERMITTED')
  t.equal(await codeOf(() => reader.admin.createTopic('u')), 'NOT_PERMITTED')
  t.equal(await codeOf(() => Varve.open(data)), 'DIRECTORY_LOCKED')
  const follower = start(['tail', 't', '-f', '--data', data])
  await follower.until(({ stdout }) => stdout === '1\n2\n')
  await owner.producer().send('t', { value: '3' })
  await follower.until(({ stdout }) => stdout === '1\n2\n3\n')
  t.equal((await follower.kill('SIGINT')).code, 130)
})

t.test('an owner that is alive keeps its directory, whoever insists', async t => {
  const data = join(t.testdir(), 'd')
  await using owner = await Varve.open(data)
  await owner.admin.createTopic('t')
  await owner.producer().send('t', { value: '1' })
  const forced = await command(['produce', 't', '--force', '--data', data], { input: 'stolen\n' })
  t.match(forced, { code: 4, stdout: '', stderr: ONE_SENTENCE })
  t.notMatch(forced.stderr, /--force/)
  t.equal(await codeOf(() => Varve.open(data, { force: true })), 'DIRECTORY_LOCKED')
  await owner.producer().send('t', { value: '2' })
  t.same(await values(owner.read('t')), ['1', '2'])
})

t.test('an opening that fails leaves the directory as it was', async t => {
  const data = join(t.testdir(), 'd')
  await (await Varve.open(data)).close()
  const files = (): string[] => readdirSync(data, { recursive: true, encoding: 'utf8' }).sort()
  const before = files()
  const properties = readFileSync(join(data, 'meta.properties'))
  const format = readFileSync(join(data, 'varve.format'))
  for (const text of ['{"version":99,"oldestReader":99}', 'nonsense']) {
    writeFileSync(join(data, 'varve.format'), text)
    t.not(await codeOf(() => Varve.open(data)), 'resolved')
    t.same(files(), before)
    t.same(readFileSync(join(data, 'meta.properties')), properties)
  }
  writeFileSync(join(data, 'varve.format'), format)
  const points = join(data, 'recovery-point-offset-checkpoint')
  const checkpoint = readFileSync(points)
  writeFileSync(points, 'nonsense')
  t.not(await codeOf(() => Varve.open(data)), 'resolved')
  t.same(readFileSync(join(data, 'meta.properties')), properties)
  writeFileSync(points, checkpoint)
  await (await Varve.open(data)).close()
})
