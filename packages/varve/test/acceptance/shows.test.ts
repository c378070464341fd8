import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { fileURLToPath } from 'node:url'
import { lines, node, shell, start, top, varve } from './command.ts'

const readme = readFileSync(join(top, 'README.md'), 'utf8')
/** The fenced blocks of the tour, in order. */
const tour = readme.slice(readme.indexOf('## A tour'), readme.indexOf('## What an acknowledgement'))
const blocks = [...tour.matchAll(/```(sh|ts)\n(.*?)```/gs)].map(([, kind, text]) => ({ kind, text: text ?? '' }))

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
  t.same(lines((await varve(['tail', 'orders', '-n', '2', '--data', join(folder, 'd')])).stdout), ['{"total":42}', 'x'])

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

t.test('the demo proves its point, twice, and what it says to try next works', async t => {
  const folder = t.testdir()
  for (const run of ['first', 'second']) {
    const result = await shell(folder, 'npx varve demo --data ./d')
    t.equal(result.code, 0, run)
    t.match(result.stdout, /20,000 sent = acknowledged = stored = handled: nothing lost, nothing twice/, run)
    t.match(result.stdout, /2001-01-03: 256 flights/, run)
    t.match(result.stdout, /JFK +█+/, run)
    t.notMatch(result.stdout, /\x1b/, 'no colours into a pipe')
    t.match(result.stderr, /Produce/, 'progress is on standard error')
    t.notMatch(result.stderr, /varve: /, run)
    if (run === 'first') continue
    const next = result.stdout.slice(result.stdout.indexOf('To try next')).matchAll(/^ {2}(.*npx varve .*)$/gm)
    const commands = [...next].map(([, command]) => command ?? '')
    t.ok(commands.length >= 3)
    for (const command of commands) {
      const { code, stderr } = await shell(folder, command)
      t.equal(code, 0, command)
      t.notMatch(stderr, /varve: /, command)
      if (command.includes('@2001-01-03'))
        t.equal((await shell(folder, `${command} | wc -l`)).stdout.trim(), '256', command)
    }
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
  for (const step of ['Open', 'Create', 'Produce', 'Consume', 'Close', 'Replay']) {
    const killed = start(args)
    await killed.until(({ stderr }) => stderr.includes(step))
    await killed.kill('SIGKILL')
  }
  for (const step of ['Open', 'Produce', 'Consume', 'Prove']) {
    const stopped = start(args)
    await stopped.until(({ stderr }) => stderr.includes(step))
    const { code, stderr } = await stopped.kill('SIGINT')
    // A signal that comes behind the last record may find the work done.
    t.ok(code === 130 || (code === 0 && step === 'Prove'), `${step}: ${String(code)}`)
    t.notMatch(stderr, /varve: /)
  }
  const result = await varve(args)
  t.match(result, { code: 0, stdout: /400 sent = acknowledged = stored = handled/ })
})

t.test('a topic of the same name that is not the demo’s is left alone', async t => {
  const data = join(t.testdir(), 'd')
  t.equal((await varve(['topic', 'create', 'flights', '-p', '6', '-c', 'retention.ms=-1', '--data', data])).code, 0)
  t.equal((await varve(['produce', 'flights', '--data', data], { input: 'mine\n' })).code, 0)
  const result = await varve(['demo', '--data', data])
  t.equal(result.code, 1)
  t.match(result.stderr, /varve: The topic "flights"[^\n]+left alone[^\n]+\n$/)
  t.equal((await varve(['read', 'flights', '--data', data])).stdout, 'mine\n')
})

t.test('the demo says what is wrong with a file, and makes nothing', async t => {
  const folder = t.testdir({ 'empty.json': '[]', 'torn.json': '[{"date":', 'object.json': '{}', 'null.json': '[null]' })
  for (const name of ['empty.json', 'torn.json', 'object.json', 'null.json', 'absent.json']) {
    const result = await varve(['demo', '--data', 'd', '--file', name], { cwd: folder })
    t.match(result, { code: name === 'absent.json' ? 3 : 1, stdout: '' }, name)
    t.match(lines(result.stderr).at(-1), new RegExp(`^varve: The file ${name} .+\\.$`))
  }
  t.equal((await shell(folder, 'ls d')).code === 0, false, 'no directory was made')
})

t.test('the binary is what `npx varve` finds at the top', t => {
  const { bin } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    bin: { varve: string }
  }
  t.equal(fileURLToPath(new URL(`../../${bin.varve}`, import.meta.url)), join(top, 'packages/varve/bin/varve.js'))
  t.end()
})
