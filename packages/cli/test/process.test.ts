import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from './run.ts'

const binary = fileURLToPath(new URL('varve.mjs', import.meta.url))

/** The environment without what changes colours, so that the tests run the same in CI and on a desk. */
function environment(): NodeJS.ProcessEnv {
  const { NO_COLOR: _, FORCE_COLOR: __, VARVE_DATA: ___, VARVE_DEBUG: ____, ...env } = process.env
  return env
}

function start(argv: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [binary, ...argv], { env: environment(), stdio: 'pipe' })
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
}

/** Resolves when the stream has shown `text`. */
function shows(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  let seen = ''
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      seen += chunk.toString()
      if (seen.includes(text)) resolve()
    })
    stream.once('end', () => reject(new Error(`ended without "${text}": ${seen}`)))
  })
}

async function topicOf(t: { testdir(): string }, records = 0): Promise<string> {
  const data = join(t.testdir(), 'data')
  await run(['topic', 'create', 't', '--data', data])
  if (records > 0)
    await run(['produce', 't', '--data', data], { stdin: 'a line of some length\n'.repeat(records) })
  return data
}

t.test('SIGINT while producing: what was taken is acknowledged and said, 130, also with -o json', async t => {
  const data = await topicOf(t)
  const child = start(['produce', 't', '-o', 'json', '--data', data])
  const result = ended(child)
  const first = shows(child.stdout, '"offset":1')
  child.stdin.write('one\ntwo\n')
  await first
  child.kill('SIGINT')
  const { code, stdout, stderr } = await result
  t.equal(code, 130)
  t.equal(stderr, 'Appended 2 records to t before it was interrupted.\n')
  t.equal(stdout.split('\n').length, 3)
  t.equal((await run(['read', 't', '--data', data])).stdout, 'one\ntwo\n')
})

t.test('a signal ends tail -f with its exit code', async t => {
  const data = await topicOf(t, 3)
  const child = start(['tail', 't', '-f', '-o', 'json', '--data', data])
  const result = ended(child)
  await shows(child.stdout, '"offset":2')
  child.kill('SIGTERM')
  t.match(await result, { code: 143, stderr: '' })
})

t.test('a reader that goes away is no error', async t => {
  const data = await topicOf(t, 5_000)
  for (const argv of [
    ['read', 't', '-o', 'json'],
    ['tail', 't', '-n', '5000', '-f', '-o', 'json'],
  ]) {
    const child = start([...argv, '--data', data])
    const stderr: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.stdout.once('data', () => child.stdout.destroy())
    const [code] = (await once(child, 'close')) as [number | null]
    t.equal(code, 0, argv.join(' '))
    t.equal(Buffer.concat(stderr).toString(), '')
  }
})

t.test('a folder as standard input, and a full disk as standard output', async t => {
  const data = await topicOf(t, 10)
  const folder = spawn(process.execPath, [binary, 'produce', 't', '--data', data], {
    env: environment(),
    stdio: [openSync(data, 'r'), 'pipe', 'pipe'],
  }) as unknown as ChildProcessWithoutNullStreams
  t.match(await ended(folder), { code: 1, stderr: /Standard input could not be read \(it is a folder\)/ })
  if (process.platform !== 'linux') return
  const full = spawn(process.execPath, [binary, 'read', 't', '--data', data], {
    env: environment(),
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
  })
  const stderr: Buffer[] = []
  full.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  const [code] = (await once(full, 'close')) as [number | null]
  t.equal(code, 1)
  t.equal(
    Buffer.concat(stderr).toString(),
    'varve: Standard output could not be written (ENOSPC): look at where it is sent to.\n',
  )
})

t.test(
  'another process owns the directory: its number and host are named, and after kill -9 it is free at once',
  async t => {
    const data = await topicOf(t)
    const owner = start(['produce', 't', '-o', 'json', '--data', data])
    const gone = ended(owner)
    const appended = shows(owner.stdout, '"offset":0')
    owner.stdin.write('one\n')
    await appended
    const refused = await run(['topic', 'create', 'other', '--data', data])
    t.equal(refused.code, 4)
    t.match(refused.stderr, String(owner.pid))
    t.equal((await run(['read', 't', '--data', data])).stdout, 'one\n')
    owner.kill('SIGKILL')
    await gone
    t.match(await run(['produce', 't', '--data', data], { stdin: 'two\n' }), { code: 0 })
    t.equal((await run(['read', 't', '--data', data])).stdout, 'one\ntwo\n')
  },
)
