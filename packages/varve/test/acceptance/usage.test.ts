import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { isVarveError, Varve } from 'varve'
import { lines, ONE_SENTENCE, records, shell, varve } from './command.ts'

/** Twenty records `v0` to `v19`, a minute apart from 2001-09-09T01:46:40Z on. */
async function directory(folder: string): Promise<string> {
  const data = join(folder, 'd')
  const made = await Varve.open(data)
  await made.admin.createTopic('t', { config: { 'retention.ms': -1 } })
  await made.producer().sendBatch(
    't',
    Array.from({ length: 20 }, (_, i) => ({
      key: i === 0 ? null : `k${i}`,
      value: i === 1 ? null : `v${i}`,
      headers: [['h', 'x']] as const,
      timestamp: 1_000_000_000_000 + i * 60_000,
    })),
  )
  await made.close()
  return data
}

function offsets(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

t.test('a range is the same in the command and in the library', async t => {
  const data = await directory(t.testdir())
  const library: [string | number, string | number | undefined, number[]][] = [
    ['start', 'end', offsets(0, 20)],
    ['end', undefined, []],
    ['42', undefined, []],
    ['5', '8', offsets(5, 8)],
    [5, 8, offsets(5, 8)],
    ['-10', undefined, offsets(10, 20)],
    ['-5', '-1', offsets(15, 19)],
    ['-30', '3', offsets(0, 3)],
    ['+5', undefined, offsets(5, 20)],
    ['+5', '+7', offsets(5, 7)],
    ['@2001-09-09T01:50', undefined, offsets(4, 20)],
    ['@2001-09-09T01:50Z', '@2001-09-09T02:00:00Z', offsets(4, 14)],
    ['@2001-09-09', '@2001-09-10', offsets(0, 20)],
    ['@-1h', undefined, []],
    ['@-18000d', undefined, offsets(0, 20)],
  ]
  const reader = await Varve.open(data, { readOnly: true })
  try {
    for (const [from, to, wanted] of library) {
      const found: number[] = []
      for await (const { offset } of reader.read('t', to === undefined ? { from } : { from, to }))
        found.push(offset)
      t.same(found, wanted, `${from} to ${String(to)}`)
    }
    for (const from of ['nonsense', '@never', '1.5', ''])
      try {
        for await (const { offset } of reader.read('t', { from })) t.fail(`${from} gave ${offset}`)
        t.fail(`${from} was taken`)
      } catch (error) {
        t.ok(isVarveError(error, 'INVALID_ARGUMENT'), `from ${from}`)
      }
  } finally {
    await reader.close()
  }
  const commands: [string, number[]][] = [
    ['-5..-1', offsets(15, 19)],
    ['+5..+7', offsets(5, 7)],
    ['@2001-09-09T01:50..@2001-09-09T02:00', offsets(4, 14)],
  ]
  for (const [range, wanted] of commands) {
    const { code, stdout } = await varve(['read', 't', range, '-o', 'json', '--data', data], {
      env: { TZ: 'America/New_York' },
    })
    t.equal(code, 0, range)
    t.same(
      records(stdout).map(({ offset }) => offset),
      wanted,
      range,
    )
  }
  for (const range of ['1..2..3'])
    t.match(
      await varve(['read', 't', range, '--data', data]),
      { code: 2, stdout: '', stderr: ONE_SENTENCE },
      range,
    )
})

t.test('json is one object a line with the same fields for ever, and is read back', async t => {
  const data = await directory(t.testdir())
  const { stdout } = await varve(['read', 't', '..3', '-o', 'json', '--data', data])
  const fixed = {
    topic: 't',
    partition: 0,
    timestampType: 'CreateTime',
    leaderEpoch: 0,
    headers: [['h', 'x']],
  }
  t.same(records(stdout), [
    { ...fixed, offset: 0, timestamp: 1_000_000_000_000, key: null, value: 'v0' },
    { ...fixed, offset: 1, timestamp: 1_000_000_060_000, key: 'k1', value: null },
    { ...fixed, offset: 2, timestamp: 1_000_000_120_000, key: 'k2', value: 'v2' },
  ])
  t.equal((await varve(['produce', 't', '--json', '--data', data], { input: stdout })).code, 0)
  const again = records((await varve(['read', 't', '20..', '-o', 'json', '--data', data])).stdout)
  t.same(
    again.map(one => ({ ...one, offset: 0 })),
    records(stdout).map(one => ({ ...one, offset: 0 })),
  )
})

t.test('colours are for terminals, and NO_COLOR switches them off', async t => {
  const data = await directory(t.testdir())
  const args = ['read', 't', '..1', '-o', 'pretty', '--data', data]
  t.notOk((await varve(args)).stdout.includes('\u001b'))
  t.ok((await varve(args, { env: { FORCE_COLOR: '1' } })).stdout.includes('\u001b['))
  t.notOk((await varve(args, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stdout.includes('\u001b'))
})

t.test('a record never steers a terminal', async t => {
  const data = await directory(t.testdir())
  const input = '{"key":"\\u001b[31mk","value":"a\\u0007\\u009b31m","headers":[["\\u001bh","\\u001b"]]}\n'
  t.equal((await varve(['produce', 't', '--json', '--data', data], { input })).code, 0)
  const { stdout } = await varve(['tail', 't', '-n', '1', '-o', 'pretty', '--data', data])
  t.equal(lines(stdout).length, 1)
  // eslint-disable-next-line no-control-regex -- these are what it is about
  t.notMatch(stdout.slice(0, -1), /[\u0000-\u001f\u007f-\u009f]/)
})

t.test('wrong use is 2 with one sentence, and says what was probably meant', async t => {
  const data = await directory(t.testdir())
  const wrong: [string[], RegExp][] = [
    [['reed', 't'], /did you mean read\?/],
    [['topic', 'creat', 't'], /did you mean create\?/],
    [['read', 't', '--dat', data], /did you mean --data\?/],
    [['read', 't', '-o', 'yaml', '--data', data], /"pretty", "json", "raw"/],
    [['topic', 'create', 'u', '-c', 'no.such=1', '--data', data], /no\.such/],
    [[], /needs a command/],
  ]
  for (const [args, text] of wrong) {
    const result = await varve(args)
    t.match(result, { code: 2, stdout: '', stderr: ONE_SENTENCE }, args.join(' '))
    t.match(result.stderr, text)
  }
  for (const args of [
    ['read', 'nope'],
    ['produce', 'nope'],
  ]) {
    const result = await varve([...args, '--data', data])
    t.match(result, { code: 3, stdout: '', stderr: ONE_SENTENCE }, args.join(' '))
    t.match(result.stderr, /"nope"/)
  }
})

t.test('what deletes shows what it would do, and waits for --yes', async t => {
  const data = await directory(t.testdir())
  const asked = await varve(['topic', 'delete', 't', '--data', data])
  t.equal(asked.code, 0)
  t.match(asked.stderr + asked.stdout, /would delete.*20 records.*--yes/)
  t.equal((await varve(['topic', 'list', '--data', data])).stdout, 't\n')
  t.equal((await varve(['topic', 'delete', 't', '--yes', '--data', data])).code, 0)
  t.match(await varve(['topic', 'list', '--data', data]), { code: 0, stdout: '' })
})

t.test('the help of each command has examples that work', async t => {
  const folder = t.testdir({
    'lines.txt': 'a\nb\n',
    'table.tsv': 'k\tv\n',
    'records.ndjson': '{"key":"k","value":"v"}\n',
    'orders.ndjson': '{"customer":"c","total":1}\n',
  })
  let examples = 0
  for (const command of [
    'topic create',
    'topic list',
    'topic describe',
    'produce',
    'read',
    'tail',
    'inspect',
    'verify',
    'topic delete',
  ]) {
    const help = await varve([...command.split(' '), '--help'], { env: { COLUMNS: '200' } })
    t.match(help, { code: 0, stderr: '', stdout: /--data/ }, command)
    const text = help.stdout.split('Examples:\n')[1] ?? ''
    // An example ends where two spaces begin its explanation; a long one goes on in the next line.
    for (const [, example = '', rest = ''] of text.matchAll(
      /^ {2}(varve .*?) {2,}.*\n(?: {2}(?!varve )(\S+)\n)?/gm,
    )) {
      const line = `${example} ${rest}`.trim()
      if (/ -f( |$)/.test(line) || line.includes('/var/lib') || line.includes('(')) continue
      examples += 1
      const { code, stderr } = await shell(folder, `npx ${line}`)
      t.equal(code, 0, `${line}: ${stderr}`)
    }
  }
  t.ok(examples >= 10, `${examples} examples`)
})

t.test('a usage error leaves no directory behind', async t => {
  const data = join(t.testdir(), 'd')
  for (const args of [['a/b'], ['t', '-c', 'no.such=1'], ['t', '-c', 'retention.ms=long']]) {
    t.equal((await varve(['topic', 'create', ...args, '--data', data])).code, 2)
    t.notOk(existsSync(data), args.join(' '))
  }
})
