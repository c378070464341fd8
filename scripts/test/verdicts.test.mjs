import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { countsOf, Steps } from '../lib/steps.mjs'
import { describeFailure, judge, readTap, runTestFile } from '../lib/test-file.mjs'

const whole = { code: 0, signal: null, hung: false, timeoutSeconds: 9 }
const verdictOf = async (text, end = {}) => judge(await readTap(Readable.from([text])), { ...whole, ...end })

t.test('a whole stream passes and its tests are counted at the top', async t => {
  const text =
    'TAP version 14\n# Subtest: a\n    ok 1 - x\n    # seed 7\n    1..1\nok 1 - a\nok 2 - b # SKIP no root\n1..2\n'
  t.match(await verdictOf(text), { passed: 1, failed: 0, skipped: 1, problems: [] })
  t.same((await readTap(Readable.from([text]))).comments, ['# seed 7'])
})

t.test('a failure is told once, with its path', async t => {
  const text =
    'TAP version 14\n# Subtest: a\n    not ok 1 - x\n      ---\n      wanted: 1\n      found: 2\n      ...\n    1..1\nnot ok 1 - a\n1..1\n'
  const { failed, problems } = await verdictOf(text, { code: 1 })
  t.equal(failed, 1)
  t.equal(problems.length, 1)
  t.match(problems[0], /^a > x\nwanted: 1\nfound: 2$/)
})

t.test('what a process does against its own TAP is a failure', async t => {
  const good = 'TAP version 14\nok 1 - a\n1..1\n'
  for (const [title, text, end, reason] of [
    ['no test', 'TAP version 14\n1..0 # no tests found\n', {}, /holds no test/],
    ['no output', '', {}, /holds no test/],
    ['no plan', 'TAP version 14\nok 1 - a\n', {}, /no whole TAP stream/],
    ['fewer than planned', 'TAP version 14\nok 1 - a\n1..2\n', {}, /./],
    ['an exit code', good, { code: 3 }, /ended with code 3/],
    ['a signal', good, { code: null, signal: 'SIGSEGV' }, /ended by SIGSEGV/],
    [
      'a hang',
      'TAP version 14\n# Subtest: slow\n    ok 1 - x\n',
      { code: null, signal: 'SIGKILL', hung: true },
      /hung.*9 s.*slow/,
    ],
    ['a bail out', 'TAP version 14\nok 1 - a\nBail out! no\n', {}, /./],
  ]) {
    const { failed, problems } = await verdictOf(text, end)
    t.ok(failed > 0, title)
    t.match(problems.join('\n'), reason, title)
  }
})

t.test('real files that end badly fail', async t => {
  const folder = t.testdir({
    'good.mjs': "import t from 'tap'\nt.test('a', async t => { t.ok(true) })\n",
    'empty.mjs': '',
    'exit.mjs': "import t from 'tap'\nt.test('a', async () => { process.exit(0) })\n",
    'late.mjs':
      "import t from 'tap'\nt.pass('a')\nt.teardown(() => void Promise.reject(new Error('late')))\n",
    'spin.mjs': "import t from 'tap'\nt.pass('a')\nfor (;;);\n",
  })
  const verdict = (name, timeoutSeconds = 60) => runTestFile(join(folder, name), { timeoutSeconds })
  const [good, empty, exit, late, spin] = await Promise.all([
    ...['good.mjs', 'empty.mjs', 'exit.mjs', 'late.mjs'].map(name => verdict(name)),
    verdict('spin.mjs', 2),
  ])
  t.same([good.passed, good.failed, good.problems], [1, 0, []])
  t.match(empty, { failed: 1, problems: [/holds no test/] })
  t.equal(exit.failed, 1)
  t.match(late, { failed: 1, problems: [/code 1/, /late/] })
  t.match(spin, { failed: 1, problems: [/hung/] })
})

t.test('a failure without details is its path', async t => {
  t.equal(describeFailure({ names: ['a', 'b'] }), 'a > b')
})

t.test('the counts are those of the last line', async t => {
  t.same(countsOf('1 passed, 2 failed\nx\n30 passed, 4 failed\n'), { passed: 30, failed: 4 })
  t.equal(countsOf('30 passed, 4 failed\nmore\n'), undefined)
  t.equal(countsOf(''), undefined)
})

t.test('every step runs and the last line is the sum of tests and steps', async t => {
  let text = ''
  const steps = new Steps({ write: more => (text += more) })
  const step = (name, work, counted) => steps.run({ name, budgetSeconds: 9, counted, work: async () => work })
  await step('tests', { ok: true, output: '5 passed, 0 failed\n' }, true)
  await step('format', { ok: false, output: '' })
  await step('lint', { ok: true, output: '' })
  await steps.run({ name: 'breaks', budgetSeconds: 9, work: () => Promise.reject(new Error('boom')) })
  t.equal(steps.finish(), 1)
  t.match(text, /boom/)
  t.equal(text.trimEnd().split('\n').at(-1), '7 passed, 2 failed')
})

t.test(
  'a run of tests that says nothing, or ran nothing, or failed with code 0, is a failed step',
  async t => {
    for (const output of ['', '0 passed, 0 failed', '5 passed, 1 failed']) {
      const steps = new Steps({ write: () => undefined })
      await steps.run({
        name: 'tests',
        budgetSeconds: 9,
        counted: true,
        work: async () => ({ ok: true, output }),
      })
      t.equal(steps.finish(), 1, JSON.stringify(output))
    }
  },
)

t.test('a step over its budget warns and passes', async t => {
  let text = ''
  const steps = new Steps({ write: more => (text += more) })
  await steps.run({ name: 'slow', budgetSeconds: -1, work: async () => ({ ok: true, output: '' }) })
  t.equal(steps.finish(), 0)
  t.match(text, /warning: its budget/)
})
