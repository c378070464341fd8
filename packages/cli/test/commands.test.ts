import { Readable } from 'node:stream'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from './run.ts'

t.test('a topic is created, listed, described and deleted', async t => {
  const data = join(t.testdir(), 'new', 'data')
  const created = await run(['topic', 'create', 'orders', '-p', '3', '-c', 'retention.ms=7d', '--data', data])
  t.match(created, { code: 0, stdout: '', stderr: `Created topic "orders" with 3 partitions in ${data}.\n` })
  const again = await run(['topic', 'create', 'orders', '--data', data])
  t.match(again, { code: 1, stdout: '', stderr: /orders.*exist/ })
  t.match(await run(['topic', 'create', 'orders', '--if-not-exists', '-o', 'json', '--data', data]), {
    code: 0,
    stdout: /"topic":"orders".*"partitions":3,"created":false/,
  })
  await run(['topic', 'create', '12.50', '--data', data])
  t.equal((await run(['topic', 'list', '--data', data])).stdout, '12.50\norders\n')
  t.match((await run(['topic', 'list', '-o', 'json'], { env: { VARVE_DATA: data } })).json(), [
    { topic: '12.50', partitions: 1, internal: false },
    { topic: 'orders', partitions: 3, internal: false },
  ])
  t.match(
    (await run(['topic', 'list', '--data', data], { terminal: true })).stdout,
    /^TOPIC {3}PARTITIONS {2}ID\n12\.50/,
  )
  const { stdout } = await run(['topic', 'describe', 'orders', '--data', data])
  t.match(stdout, /^orders: 3 partitions/)
  t.match(stdout, /retention\.ms {2}604800000 {2}topic/)
  t.match((await run(['topic', 'describe', 'orders', '-o', 'json', '--data', data])).json()[0], {
    topic: 'orders',
    partitions: [{ partition: 0 }, { partition: 1 }, { partition: 2 }],
    config: [{ name: 'retention.ms', value: '604800000', source: 'topic' }],
  })
  t.match(await run(['topic', 'delete', 'orders', '--data', data]), {
    code: 0,
    stderr: /^This would delete topic "orders" with 3 partitions .*--yes/,
  })
  t.match(await run(['topic', 'delete', 'orders', '--yes', '--data', data]), {
    code: 0,
    stderr: /^Deleted topic "orders"/,
  })
  t.equal((await run(['topic', 'list', '--data', data])).stdout, '12.50\n')
})

t.test('what is not there is exit code 3 and says what to do', async t => {
  const data = join(t.testdir(), 'data')
  for (const argv of [
    ['read', 'orders'],
    ['tail', 'orders'],
    ['topic', 'list'],
    ['produce', 'orders'],
  ]) {
    const { code, stdout, stderr } = await run([...argv, '--data', data])
    t.equal(code, 3, argv.join(' '))
    t.equal(stdout, '')
    t.equal(stderr.trimEnd().split('\n').length, 1)
    t.match(stderr, data)
  }
  t.notOk(existsSync(data), 'reading makes no folder')
  await run(['topic', 'create', 'orders', '--data', data])
  t.match(await run(['read', 'ordrs', '--data', data]), {
    code: 3,
    stdout: '',
    stderr: `varve: There is no topic "ordrs" in ${data}: did you mean "orders"? If not, make it with \`varve topic create ordrs --data ${data}\`.\n`,
  })
  t.match(await run(['produce', 'payments', '--data', data], { stdin: 'x\n' }), {
    code: 3,
    stderr: /There is no topic "payments" .* make it with `varve topic create payments --data/,
  })
  t.match(await run(['read', 'orders', '-p', '5', '--data', data]), {
    code: 2,
    stderr: /Topic "orders" has no partition 5: it has 1 \(0 to 0\)\./,
  })
  t.match(await run(['read', 'no/name', '--data', data]), {
    code: 3,
    stderr: /"no\/name", and there can be none: a name is/,
  })
  t.match(await run(['topic', 'create', 'no/name', '--data', data]), { code: 2, stderr: /no\/name/ })
  t.match(await run(['topic', 'create', 'x', '-c', 'retention.sm=1', '--data', data]), {
    code: 2,
    stderr: /retention\.sm/,
  })
})

t.test('a folder that is not a data directory is left alone', async t => {
  const empty = t.testdir({ empty: {}, other: { 'photo.jpg': 'x' } })
  t.match(await run(['read', 'orders', '--data', join(empty, 'other')]), {
    code: /[13]/,
    stdout: '',
    stderr: /other/,
  })
  t.match(await run(['topic', 'create', 'orders', '--data', join(empty, 'other')]), {
    code: 1,
    stderr: /other/,
  })
  t.match(await run(['read', 'orders', '--data', join(empty, 'empty')]), { code: 3, stderr: /empty/ })
})

t.test('what is refused makes no directory, and a file is told from a folder', async t => {
  const data = join(t.testdir({ file: '' }), 'd')
  for (const args of [['a/b'], ['t', '-c', 'no.such=1'], ['t', '-c', 'retention.ms=long']]) {
    t.equal((await run(['topic', 'create', ...args, '--data', data])).code, 2)
    t.notOk(existsSync(data), args.join(' '))
  }
  const file = join(data, '../file')
  t.match(await run(['read', 't', '--data', file]), { code: 3, stderr: /is a file, and no data directory/ })
})

t.test('lines become records and come back', async t => {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '-p', '3', '--data', data])
  const lines = Array.from({ length: 1000 }, (_, i) => `${i + 1}\n`).join('')
  const produced = await run(['produce', 't', '--data', data], { stdin: lines })
  t.match(produced, { code: 0, stdout: '', stderr: /^Appended 1000 records to t.*\.\n$/ })
  const read = await run(['read', 't', 'start..end', '-o', 'json', '--data', data])
  t.equal(read.code, 0)
  t.equal(read.stderr, '')
  const records = read.json()
  t.equal(records.length, 1000)
  t.same(Object.keys(records[0] ?? {}), [
    'topic',
    'partition',
    'offset',
    'timestamp',
    'timestampType',
    'leaderEpoch',
    'key',
    'value',
    'headers',
  ])
  t.same(
    records.map(record => Number(record['value'])).sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => i + 1),
  )
  t.equal((await run(['read', 't', '--data', data])).stdout.split('\n').length, 1001, 'raw when it is piped')
})

t.test('ranges, partitions and the last records', async t => {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '-p', '2', '--data', data])
  const records = Array.from({ length: 40 }, (_, i) => ({
    value: `v${i}`,
    partition: i % 2,
    timestamp: 978_307_200_000 + i * 1000,
  }))
  const { code } = await run(['produce', 't', '--json', '--data', data], {
    stdin: records.map(one => `${JSON.stringify(one)}\n`),
  })
  t.equal(code, 0)
  const values = async (...argv: string[]) =>
    (await run([...argv, '--data', data])).stdout.split('\n').slice(0, -1)
  t.same(await values('read', 't', '-5..-3', '-p', '0'), ['v30', 'v32'])
  t.same(await values('read', 't', '-2'), ['v36', 'v38', 'v37', 'v39'])
  t.same(await values('read', 't', '0..2', '-p', '1,0'), ['v1', 'v3', 'v0', 'v2'], 'in the order asked for')
  t.same(await values('read', 't', '+18..end', '-p', '1'), ['v37', 'v39'])
  t.same(await values('read', 't', '@2001-01-01T00:00:37..end'), ['v38', 'v37', 'v39'])
  t.same(await values('read', 't', 'start..@2001-01-01T00:00:02'), ['v0', 'v1'])
  t.same(await values('tail', 't', '-n', '3'), ['v37', 'v38', 'v39'], 'of the topic as a whole, by time')
  t.same(await values('tail', 't', '-n', '2', '-p', '0'), ['v36', 'v38'])
  t.same(await values('tail', 't', '-n', '0'), [])
})

t.test('what read prints as JSON can be produced again, bytes and all', async t => {
  const data = join(t.testdir(), 'data')
  for (const topic of ['a', 'b']) await run(['topic', 'create', topic, '-p', '2', '--data', data])
  const stdin = [
    '{"key":"k1","value":"dg==","headers":[["h","AAE="],["n",null]],"timestamp":978307200000,"partition":1}\n',
    '\n{"key":null,"value":null,"partition":0}\n',
    '{"key":"/w==","value":""}',
  ]
  const bytes = ['--bytes', 'base64']
  t.match(await run(['produce', 'a', '--json', ...bytes, '--data', data], { stdin: stdin.slice(1) }), {
    code: 0,
    stderr: 'Appended 2 records to a',
  })
  t.match(await run(['produce', 'a', '--json', ...bytes, '--data', data], { stdin }), {
    code: 1,
    stderr: /^Appended 0 records to a\.\nvarve: Line 1 has a key that is not base64/,
  })
  const first = await run(['read', 'a', '-o', 'json', ...bytes, '--data', data])
  await run(['produce', 'b', '--json', ...bytes, '--data', data], { stdin: first.stdout })
  const second = await run(['read', 'b', '-o', 'json', ...bytes, '--data', data])
  t.equal(second.stdout.replaceAll('"topic":"b"', '"topic":"a"'), first.stdout)
})

t.test('keys by a template and by a field', async t => {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '--data', data])
  await run(['produce', 't', '-f', '%k\\t%v\\n', '--data', data], { stdin: 'a\t1\nb\t2' })
  await run(['produce', 't', '--key-field', 'id', '--data', data], { stdin: '{"id":"c","n":3}\n' })
  t.match((await run(['read', 't', '-o', 'json', '--data', data])).json(), [
    { key: 'a', value: '1' },
    { key: 'b', value: '2' },
    { key: 'c', value: '{"id":"c","n":3}' },
  ])
})

t.test('a bad line is named, and what came before it is appended', async t => {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '--data', data])
  const stdin = '{"value":1}\n{"value":2}\n{oops\n{"value":4}\n'
  const stopped = await run(['produce', 't', '--json', '-o', 'json', '--data', data], { stdin })
  t.equal(stopped.code, 1)
  t.match(stopped.json(), [
    { topic: 't', partition: 0, offset: 0 },
    { topic: 't', partition: 0, offset: 1 },
  ])
  t.match(
    stopped.stderr,
    /^Appended 2 records to t\.\nvarve: Line 3 is not JSON \(.*\): .*--on-error skip\.\n$/,
  )
  const skipping = await run(['produce', 't', '--json', '--on-error', 'skip', '--data', data], { stdin })
  t.equal(skipping.code, 0)
  t.match(
    skipping.stderr,
    /^varve: Line 3 is not JSON .*: skipped\.\nAppended 3 records to t and skipped 1 line\.\n$/,
  )
  const long = await run(['produce', 't', '--data', data], {
    stdin: ['ok\n', 'x'.repeat(1_100_000), '\nlast\n'],
  })
  t.equal(long.code, 1)
  t.match(long.stderr, /^Appended 1 record to t\.\nvarve: Line 2 is longer than \d+ bytes/)
  const partition = await run(['produce', 't', '--json', '--data', data], {
    stdin: '{"value":1,"partition":3}',
  })
  t.match(partition, { code: 1, stderr: /Line 1 names partition 3, but the topic has 1 \(0 to 0\)/ })
})

t.test('a record that only just does not fit is named too', async t => {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '-c', 'max.message.bytes=1000', '--data', data])
  const stdin = `small\n${'x'.repeat(990)}\nsmall\n`
  const { code, stderr } = await run(['produce', 't', '--data', data], { stdin })
  t.equal(code, 1)
  t.match(stderr, /Line 2|lines 2 to 3/)
})

t.test('input that breaks off is an error, and what came before is appended', async t => {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '--data', data])
  async function* broken() {
    yield 'one\n'
    throw Object.assign(new Error('read EIO'), { code: 'EIO' })
  }
  const { code, stderr } = await run(['produce', 't', '--data', data], {
    stdin: Readable.from(broken(), { objectMode: false }),
  })
  t.equal(code, 1)
  t.match(stderr, /^Appended 1 record to t\.\nvarve: Standard input could not be read \(EIO\)/)
})

t.test('Ctrl-C ends produce after what was taken is acknowledged, with 130', async t => {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '--data', data])
  const controller = new AbortController()
  async function* endless() {
    for (let i = 0; ; i++) {
      yield Buffer.from(`line ${i}\n`.repeat(100))
      if (i === 50) controller.abort()
      await new Promise(setImmediate)
    }
  }
  const { code, stdout, stderr } = await run(['produce', 't', '-o', 'json', '--data', data], {
    stdin: Readable.from(endless(), { objectMode: false }),
    signal: controller.signal,
  })
  t.equal(code, 130)
  const [, said] = /^Appended (\d+) records to t before it was interrupted\.\n$/.exec(stderr) ?? []
  t.ok(Number(said) >= 100)
  t.equal(stdout.split('\n').length - 1, Number(said), 'one object for each')
  t.equal(
    (await run(['read', 't', '--data', data])).stdout.split('\n').length - 1,
    Number(said),
    'and they are there',
  )
})

t.test('tail -f goes on with what another run appends, in order, and ends with Ctrl-C', async t => {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '--data', data])
  await run(['produce', 't', '--data', data], { stdin: 'old\nbefore\n' })
  const controller = new AbortController()
  let seen = ''
  let on: () => void = () => undefined
  const arrived = (text: string) =>
    new Promise<void>(resolve => {
      on = () => seen.includes(text) && resolve()
      on()
    })
  const tail = run(['tail', 't', '-n', '1', '-f', '--data', data], {
    signal: controller.signal,
    onStdout: text => {
      seen += text
      on()
    },
  })
  await arrived('before\n')
  await run(['produce', 't', '--data', data], { stdin: 'one\ntwo\n' })
  await arrived('two\n')
  await run(['produce', 't', '--data', data], { stdin: 'three\n' })
  await arrived('three\n')
  controller.abort()
  t.match(await tail, { code: 130, stdout: 'before\none\ntwo\nthree\n', stderr: '' })
})

t.test('who writes beside an owner is told who it is; who reads is let in', async t => {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '--data', data])
  const stdin = new Readable({ read: () => undefined })
  const feed = (text: string | null) => void stdin.push(text)
  let ready: () => void = () => undefined
  const acknowledged = new Promise<void>(resolve => (ready = resolve))
  const owner = run(['produce', 't', '-o', 'json', '--data', data], { stdin, onStdout: () => ready() })
  feed('one\n')
  await acknowledged
  const second = await run(['produce', 't', '--data', data], { stdin: 'two\n' })
  t.equal(second.code, 4)
  t.equal(second.stderr.trimEnd().split('\n').length, 1)
  t.match(second.stderr, new RegExp(`is owned by process ${process.pid} on .*host.*: wait until it ends`))
  t.notMatch(second.stderr, '--force', 'which does not take it from the living')
  t.equal((await run(['produce', 't', '--force', '--data', data], { stdin: 'two\n' })).code, 4)
  t.match((await run(['read', 't', '--data', data])).stdout, 'one\n')
  t.match((await run(['topic', 'list', '--data', data])).stdout, 't\n')
  feed(null)
  t.equal((await owner).code, 0)
})
