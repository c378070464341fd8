import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import ts from 'typescript'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }

/** Environment of a program that a user starts: nothing of the test runner's. */
const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' }

/** A program in a folder of its own; it has to end by itself. */
async function program(t: { testdir(): string }, name: string, source: string): Promise<string> {
  const path = `${t.testdir()}/${name}`
  writeFileSync(path, source)
  const { stdout } = await run(process.execPath, [path], { env, timeout: 60_000 })
  return stdout
}

const WORK = `
  await varve.admin.createTopic('orders', { partitions: 2 })
  const producer = varve.producer({ value: 'json' })
  for (const total of [1, 2, 3]) await producer.send('orders', { key: 'k', value: { total } })
  const consumer = varve.consumer({ group: 'g', topics: ['orders'], value: 'json', untilEnd: true })
  let sum = 0
  for await (const { value } of consumer) sum += value.total
  console.log(sum)
`

t.test('a program in plain JavaScript closes in finally', async t => {
  const source = `import { Varve } from 'varve'
const varve = await Varve.open(':memory:')
try {${WORK}} finally {
  await varve.close()
}`
  t.equal(await program(t, 'program.mjs', source), '6\n')
})

t.test('a program with require works too', async t => {
  const source = `const { Varve, isVarveError } = require('varve')
async function main() {
  const varve = await Varve.open(':memory:')
  try {${WORK}} finally {
    await varve.close()
  }
  const wrong = await Varve.open('').catch(error => isVarveError(error, 'INVALID_ARGUMENT'))
  if (wrong !== true) throw new Error('not told')
}
main()`
  t.equal(await program(t, 'program.cjs', source), '6\n')
})

t.test('a program in TypeScript says await using', async t => {
  const source = `import { Varve } from 'varve'
{
  await using varve = await Varve.open(':memory:')
  ${WORK.replace('value.total', '(value as { total: number }).total')}
}`
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  })
  t.equal(await program(t, 'program.mjs', outputText), '6\n')
})

t.test('the types stand for themselves in a strict program', async t => {
  const folder = t.testdir({
    'program.ts': `import { json, Varve, type ConsumerRecord, type VarveClient } from 'varve'
interface Order { total: number }
export async function main(): Promise<number> {
  await using varve: VarveClient = await Varve.open(':memory:', { create: true })
  const producer = varve.producer({ key: 'string', value: json<Order>() })
  await producer.send('orders', { key: 'a', value: { total: 1 } })
  // @ts-expect-error an order has a total
  await producer.send('orders', { key: 'a', value: {} })
  let sum = 0
  for await (const record of varve.replay('orders', { from: '2026-11-01', to: 'now', value: json<Order>() })) {
    const same: ConsumerRecord<Buffer, Order> = record
    sum += same.value?.total ?? 0
  }
  return sum
}
`,
  })
  const compiler = ts.createProgram([`${folder}/program.ts`], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    typeRoots: [fileURLToPath(new URL('../../../node_modules/@types', import.meta.url))],
  })
  const messages = ts
    .getPreEmitDiagnostics(compiler)
    .map(one => ts.flattenDiagnosticMessageText(one.messageText, '\n'))
  t.same(messages, [])
})

t.test('the binary answers its version at once, and runs the commands', async t => {
  const bin = `${root}/bin/varve.js`
  t.equal((await run(process.execPath, [bin, '--version'], { env })).stdout, `${version}\n`)
  t.match((await run(process.execPath, [bin, '--help'], { env })).stdout, /topic/)
  const failed = (await run(process.execPath, [bin, 'nonsense'], { env }).catch(
    (error: unknown) => error,
  )) as {
    code: number
    stdout: string
    stderr: string
  }
  t.match(failed, { code: 2, stdout: '', stderr: /nonsense/ })
})
