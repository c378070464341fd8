import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { Varve } from 'varve'
import { lines, node, shell, start, top, varve } from './command.ts'

const readme = readFileSync(join(top, 'README.md'), 'utf8')
/** The fenced blocks of the tour, in order. */
const tour = readme.slice(readme.indexOf('## A tour'), readme.indexOf('## What an acknowledgement'))
const blocks = [...tour.matchAll(/```(sh|ts)\n(.*?)```/gs)].map(([, kind, text]) => ({
  kind,
  text: text ?? '',
}))

t.test('a thousand lines go in and a thousand come out', async t => {
  const result = await shell(
    t.testdir(),
    `npx varve topic create t -p 3 --data ./d && seq 1 1000 | npx varve produce t --data ./d && \
     npx varve read t start..end -o json --data ./d | wc -l`,
  )
  t.match(result, { code: 0, stdout: /^\s*1000\n$/ })
})

t.test('the tour of the README works line by line', async t => {
  const folder = t.testdir()
  const commands = blocks.filter(block => block.kind === 'sh').flatMap(block => lines(block.text))
  t.ok(commands.length >= 8, `${commands.length} lines`)
  for (const command of commands) {
    const result = await shell(folder, command)
    t.equal(result.code, 0, command)
    t.notMatch(result.stderr, /varve: /, command)
    const wanted = /# (\d+)$/.exec(command)?.[1]
    if (wanted !== undefined) t.equal(result.stdout.trim(), wanted, command)
  }
  t.same(lines((await varve(['tail', 'orders', '-n', '2', '--data', join(folder, 'd')])).stdout), [
    '{"total":42}',
    'x',
  ])

  const program = blocks.find(block => block.kind === 'ts')?.text ?? ''
  const { outputText } = ts.transpileModule(program, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  })
  // Beside the tests, so that `varve` is found; over the directory that the shell's part made.
  const code = outputText.replaceAll("'varve'", `'${new URL('../../dist/index.js', import.meta.url).href}'`)
  writeFileSync(join(folder, 'tour.mjs'), code)
  const first = await node(['tour.mjs'], { cwd: folder })
  t.match(first, { code: 0, stderr: '' })
  t.match(first.stdout, /^0 { total: 42 }\n\d{13}\n$/)
  const second = await node(['tour.mjs'], { cwd: folder })
  t.match(second, { code: 0, stderr: '' })
  t.match(second.stdout, /^1 { total: 42 }\n\d{13}\n\d{13}\n$/, 'what was committed is not read again')
})

t.test('the demo proves its point, and what it says to try next works', async t => {
  const folder = t.testdir()
  const result = await shell(folder, 'npx varve demo --data ./d')
  t.equal(result.code, 0)
  t.match(result.stdout, /20,000 sent = acknowledged = stored = handled: nothing lost, nothing twice/)
  t.match(result.stdout, /2001-01-03: 256 flights/)
  t.match(result.stdout, /JFK +█+/)
  t.notOk(result.stdout.includes('\u001b'), 'no colours into a pipe')
  t.match(result.stderr, /Produce/, 'progress is on standard error')
  t.notMatch(result.stderr, /varve: /)
  const next = result.stdout.slice(result.stdout.indexOf('To try next')).matchAll(/^ {2}(.*npx varve .*)$/gm)
  const commands = [...next].map(([, command]) => command ?? '')
  t.ok(commands.length >= 3)
  for (const command of commands) {
    const { code, stdout, stderr } = await shell(folder, command)
    t.equal(code, 0, command)
    t.notMatch(stderr, /varve: /, command)
    if (command.includes('@2001-01-03')) t.equal(lines(stdout).length, 256, command)
  }
})

t.test('the demo works from any state that an earlier run left', async t => {
  const folder = t.testdir()
  const flights = Array.from({ length: 400 }, (_, i) => ({
    date: `2001/01/${String((i % 28) + 1).padStart(2, '0')} 06:05`,
    delay: (i % 40) - 10,
    distance: 100,
    origin: ['ORD', 'JFK', 'SEA', 'DTW', 'MIA'][i % 5],
    destination: 'BOS',
  }))
  const file = join(folder, 'flights.json')
  writeFileSync(file, JSON.stringify(flights))
  const args = ['demo', '--data', join(folder, 'd'), '--file', file]
  for (const step of ['Create', 'Consume', 'Replay']) {
    const killed = start(args)
    await killed.until(({ stderr }) => stderr.includes(step))
    await killed.kill('SIGKILL')
  }
  for (const step of ['Produce']) {
    const stopped = start(args)
    await stopped.until(({ stderr }) => stderr.includes(step))
    const { code, stderr } = await stopped.kill('SIGINT')
    t.equal(code, 130, step)
    t.notMatch(stderr, /varve: /)
  }
  for (const run of ['after that', 'once more'])
    t.match(await varve(args), { code: 0, stdout: /400 sent = acknowledged = stored = handled/ }, run)
})

t.test('a topic of the same name that is not the demo’s is left alone', async t => {
  const data = join(t.testdir(), 'd')
  const mine = await Varve.open(data)
  await mine.admin.createTopic('flights', { partitions: 6, config: { 'retention.ms': -1 } })
  await mine.producer().send('flights', { value: 'mine' })
  await mine.close()
  const result = await varve(['demo', '--data', data])
  t.equal(result.code, 1)
  t.match(result.stderr, /varve: The topic "flights"[^\n]+left alone[^\n]+\n$/)
  t.equal((await varve(['read', 'flights', '--data', data])).stdout, 'mine\n')
})

t.test('the demo says what is wrong with a file, and makes nothing', async t => {
  const folder = t.testdir({
    'empty.json': '[]',
    'torn.json': '[{"date":',
  })
  for (const name of ['empty.json', 'torn.json', 'absent.json']) {
    const result = await varve(['demo', '--data', 'd', '--file', name], { cwd: folder })
    t.match(result, { code: name === 'absent.json' ? 3 : 1, stdout: '' }, name)
    t.match(lines(result.stderr).at(-1), new RegExp(`^varve: The file ${name} .+\\.$`))
  }
  t.notOk(existsSync(join(folder, 'd')), 'no directory was made')
})
