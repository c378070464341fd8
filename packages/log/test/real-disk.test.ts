import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { NodeFs } from '@varve/platform'
import { NodeMachine } from '../src/lock/node-machine.ts'
import { numbers, openDirectory, range, TOPIC_ID, valuesFrom } from './helpers.ts'

function temporary(t: { teardown(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-disk-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return join(folder, 'data')
}

const open = (path: string): ReturnType<typeof openDirectory> =>
  openDirectory({ vfs: new NodeFs(), machine: new NodeMachine() }, path)

async function filled(path: string, partitions: number): Promise<void> {
  const directory = await open(path)
  for (let partition = 0; partition < partitions; partition++) {
    const log = await directory.createPartition({ topic: 't', partition, topicId: TOPIC_ID })
    await log.append(numbers(0, 10))
  }
  await directory.close()
}

t.test(
  'links in a circle and folders in the place of files harm nothing but what they stand for',
  async t => {
    const path = temporary(t)
    await filled(path, 3)
    symlinkSync('u-0', join(path, 'u-0'))
    symlinkSync('loop', join(path, 'loop'))
    rmSync(join(path, 't-1', 'partition.metadata'))
    mkdirSync(join(path, 't-1', 'partition.metadata'))
    symlinkSync('00000000000000000010.log', join(path, 't-2', '00000000000000000010.log'))
    const directory = await open(path)
    t.same(directory.findings.map(finding => [finding.kind, finding.path.slice(path.length + 1)]).sort(), [
      ['partition-offline', 't-1/partition.metadata'],
      ['partition-offline', 't-2/00000000000000000010.log'],
      ['unknown-file', 'u-0'],
    ])
    const sound = directory.partition({ topic: 't', partition: 0 })
    if (sound !== undefined) t.same(await valuesFrom(sound), range(0, 10))
    await directory.close()
  },
)

const notRoot = process.getuid?.() !== 0 && process.platform !== 'win32'
t.test(
  'what may not be looked at is offline, and says so',
  { skip: notRoot ? false : 'the superuser may look at everything: run this as another user' },
  async t => {
    const path = temporary(t)
    await filled(path, 2)
    chmodSync(join(path, 't-1'), 0)
    t.teardown(() => {
      chmodSync(join(path, 't-1'), 0o700)
    })
    const directory = await open(path)
    t.match(directory.findings, [{ kind: 'partition-offline', partition: 1, message: /permit/ }])
    await directory.close()
    chmodSync(path, 0o500)
    t.teardown(() => {
      chmodSync(path, 0o700)
    })
    await t.rejects(open(path), { code: 'NOT_PERMITTED' })
  },
)

t.test(
  'a process with few handles appends to many partitions, and others get handles, too',
  { skip: process.platform === 'win32' ? 'there is no ulimit' : false },
  async t => {
    const path = temporary(t)
    const script = join(path, '..', 'child.mjs')
    const from = (name: string): string =>
      JSON.stringify(fileURLToPath(new URL(`../../${name}/dist/index.js`, import.meta.url)))
    writeFileSync(
      script,
      `import { readFileSync } from 'node:fs'
import { LogDirectory, NodeMachine, defaultLogConfig } from ${from('log')}
import { NodeFs, realClock, cryptoRandom } from ${from('platform')}
const bytes = Buffer.from(${JSON.stringify(numbers(0, 10).toString('base64'))}, 'base64')
const configOf = () => ({ ...defaultLogConfig, segmentBytes: 1000, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER })
const directory = await LogDirectory.open(process.argv[2], {
  vfs: new NodeFs(), clock: realClock, random: cryptoRandom, machine: new NodeMachine(), configOf,
})
const logs = []
for (let partition = 0; partition < 150; partition++)
  logs.push(await directory.createPartition({ topic: 't', partition, topicId: '${TOPIC_ID}' }))
for (let round = 0; round < 5; round++) {
  await Promise.all(logs.map(log => log.append(Buffer.from(bytes))))
  readFileSync(process.argv[1])
}
for (const log of logs) if ((await log.read({ offset: 49 })).bytes.length === 0) throw new Error('nothing at 49')
const open = directory.openFiles
await directory.close()
process.stdout.write(JSON.stringify({ open, end: logs.map(log => log.logEndOffset).filter(end => end !== 50) }))
`,
    )
    const child = spawn('sh', ['-c', 'ulimit -n 90 && exec "$0" "$1" "$2"', process.execPath, script, path])
    let out = ''
    let errors = ''
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()))
    const code = await new Promise(resolve => child.on('close', resolve))
    t.equal(code, 0, errors.slice(0, 2000))
    const { open: handles, end } = JSON.parse(out || '{}') as { open: number; end: number[] }
    t.same(end, [])
    t.ok(handles < 90, `${handles} handles were kept`)
    const directory = await open(path)
    t.same(directory.findings, [])
    t.equal(directory.partitions.size, 150)
    await directory.close()
  },
)
