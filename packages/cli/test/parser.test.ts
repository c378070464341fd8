import { readFileSync } from 'node:fs'
import t from 'tap'
import { editDistance, suggest } from '../src/suggest.ts'
import { run } from './run.ts'

t.test('the version is that of the package, alone on its line', async t => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  t.match(await run(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('help goes to stdout, lists every command and ends with 0', async t => {
  const { code, stdout, stderr } = await run(['--help'])
  t.equal(code, 0)
  t.equal(stderr, '')
  for (const name of ['topic', 'produce', 'read', 'tail', 'demo'])
    t.match(stdout, new RegExp(`varve ${name}`))
})

t.test('help of each command shows its usage, its options and examples', async t => {
  const lines = [
    ['read'],
    ['tail'],
    ['produce'],
    ['demo'],
    ['topic', 'create'],
    ['topic', 'list'],
    ['topic', 'describe'],
    ['topic', 'delete'],
  ]
  for (const words of lines) {
    const { code, stdout } = await run([...words, '--help'])
    t.equal(code, 0)
    t.match(stdout, `varve ${words.join(' ')}`)
    t.match(stdout, '--data')
    t.match(stdout, 'Examples:')
    t.notMatch(stdout, 'undefined')
    t.notMatch(stdout, '\u001F')
    t.ok(stdout.split('\n').every(line => line.length <= 100))
  }
})

t.test('what cannot be meant is one sentence on stderr and exit code 2', async t => {
  const cases: [string[], RegExp][] = [
    [
      [],
      /^varve: varve needs a command \(topic, produce, read, tail, inspect, verify, demo\): see varve --help\.$/,
    ],
    [['raed', 'orders'], /"raed" is not a command of varve: did you mean read\?/],
    [['topic'], /varve topic needs a command \(create, list, describe, delete\)/],
    [['topic', 'crate', 'x'], /"crate" is not a command of varve topic: did you mean create\?/],
    [['read'], /varve read needs a topic: varve read <topic> \[range\]\./],
    [['topic', 'create'], /varve topic create needs a topic: varve topic create <topic>\./],
    [['read', 'orders', '--ouput', 'json'], /varve read has no option --ouput: did you mean --output\?/],
    [['read', 'orders', '-o', 'yaml'], /--output takes one of "pretty", "json", "raw", but found "yaml"/],
    [['read', 'orders', '0..5', 'extra'], /does not know what to do with "extra"/],
    [['read', 'orders', '--data'], /The option --data needs a value/],
    [['read', 'orders', '--data', 'a', '--data', 'b'], /--data was given 2 times: give it once\./],
    [['read', 'orders', 'yesterday'], /no position ["']yesterday["']/],
    [['read', 'orders', '-p', '1,x'], /--partition takes partition numbers such as 0 or 0,2, but found "x"/],
    [['tail', 'orders', '-n', '1.5'], /--lines takes a whole number from 0 to 1000000, but found "1\.5"/],
    [['topic', 'create', 'x', '-p', '0'], /--partitions takes a whole number from 1/],
    [['topic', 'create', 'x', '-c', 'retention.ms'], /--config takes name=value/],
    [['produce', 'x', '--json', '-f', '%v'], /--format and --json say different things/],
    [['produce', 'x', '-f', '%k%v'], /nothing stands between two fields/],
    [['demo', '--day', '2001-02-30'], /--day takes a day such as 2001-01-03, but found "2001-02-30"/],
  ]
  for (const [argv, message] of cases) {
    const { code, stdout, stderr } = await run(argv)
    t.equal(code, 2, argv.join(' '))
    t.equal(stdout, '', 'nothing on stdout')
    t.match(stderr.trimEnd(), message)
    t.equal(stderr.trimEnd().split('\n').length, 1, 'one line')
  }
})

t.test('the nearest name is suggested, and none that is far', t => {
  t.equal(editDistance('produce', 'prodcue'), 1, 'two letters changed places')
  t.equal(suggest('ordrs', ['orders', 'payments']), 'orders')
  t.equal(suggest('describe', ['list', 'delete']), undefined)
  t.equal(suggest('desc', ['list', 'describe']), 'describe')
  t.end()
})
