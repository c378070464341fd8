import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  isVarveError,
  MemFs,
  NodeFs,
  SeededRandom,
  silentLogger,
  type Logger,
  type Vfs,
} from '@varve/platform'
import { recordsOf } from '@varve/records'
import { FaultFs } from '@varve/testkit'
import type { LogDirectory } from '../src/directory/log-directory.ts'
import type { LogConfig } from '../src/log-config.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { config, numbers, openDirectory, range, TOPIC_ID, valuesFrom } from './helpers.ts'

const OTHER_ID = 'KcEh0CeWT6appgxEAW289B'
const BATCHES = 12
const SMALL = config({ segmentBytes: 400, indexIntervalBytes: 100 })
const ALL = range(0, BATCHES * 2)

async function made(vfs: Vfs, root = '/data', settings: LogConfig = SMALL): Promise<void> {
  const directory = await openDirectory({ vfs, configOf: () => settings }, root)
  for (const [topic, topicId] of [
    ['t', TOPIC_ID],
    ['other', OTHER_ID],
  ] as const) {
    const log = await directory.createPartition({ topic, partition: 0, topicId, config: settings })
    for (let i = 0; i < BATCHES; i++) await log.append(numbers(i * 2, 2))
  }
  await directory.close()
}

/** Every file below a folder. */
function files(vfs: Vfs, folder = '/data'): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const { name, kind } of vfs.sync.list(folder)) {
    const path = `${folder}/${name}`
    if (kind === 'file') found.set(path, vfs.sync.readFile(path))
    else for (const [inner, bytes] of files(vfs, path)) found.set(inner, bytes)
  }
  return found
}

function memory(tree: ReadonlyMap<string, Buffer>): MemFs {
  const vfs = new MemFs()
  for (const [path, bytes] of tree) put(vfs, path, bytes)
  return vfs
}

function put(vfs: Vfs, path: string, bytes: Buffer): void {
  vfs.sync.ensureDir(path.slice(0, path.lastIndexOf('/')))
  const file = vfs.sync.open(path, 'create')
  file.truncate(0)
  file.write([bytes], 0)
  file.datasync()
  file.close()
}

const before = new MemFs()
t.before(() => made(before))

/** What can be read of a log, and whether anything was said about the rest. */
async function readable(log: PartitionLog): Promise<{ values: string[]; failed: unknown }> {
  const values: string[] = []
  let failed: unknown
  for (let offset = log.logStartOffset; offset < log.highWatermark; offset++) {
    try {
      const { bytes } = await log.read({ offset, maxBytes: 1 })
      if (bytes.length === 0) throw new Error(`nothing at ${offset}, below the high watermark`)
      values.push(...valuesAt(bytes, offset))
    } catch (error) {
      if (!isVarveError(error)) throw error
      failed = error
    }
  }
  return { values, failed }
}

function valuesAt(bytes: Buffer, offset: number): string[] {
  return [...recordsOf(bytes, 0)]
    .filter(record => record.offset === offset)
    .map(record => `${record.offset}:${record.value?.toString() ?? ''}`)
}

const RIGHT = ALL.map(value => `${value}:${value}`)

/** Opens, reads all, closes; every record is right, and what is not there was spoken of. */
async function check(t: Test, vfs: Vfs, name: string, readOnly: boolean): Promise<void> {
  let directory: LogDirectory
  try {
    directory = await openDirectory({ vfs, configOf: () => SMALL, recover: true, readOnly })
  } catch (error) {
    t.ok(isVarveError(error) && error.message.length > 20, `${name}: refused with ${String(error)}`)
    return
  }
  try {
    for (const partition of ['t-0', 'other-0']) {
      const log = directory.partitions.get(partition)
      const said = directory.findings.length > 0
      if (log === undefined) {
        t.ok(said, `${name}: ${partition} is missing and it was said`)
        continue
      }
      const { values, failed } = await readable(log)
      if (values.length === RIGHT.length || said || failed !== undefined) t.ok(true, name)
      else t.fail(`${name}: ${partition} lost ${RIGHT.length - values.length} records silently`)
      const wrong = values.filter(value => !RIGHT.includes(value))
      t.same(wrong, [], `${name}: nothing wrong is read`)
    }
  } finally {
    await directory.close()
  }
}

const HARMS: Record<string, (bytes: Buffer, random: SeededRandom) => Buffer | undefined> = {
  gone: () => undefined,
  empty: () => Buffer.alloc(0),
  halved: bytes => bytes.subarray(0, bytes.length >> 1),
  'without its last byte': bytes => bytes.subarray(0, Math.max(0, bytes.length - 1)),
  garbage: (bytes, random) => random.bytes(Math.max(100, bytes.length)),
  zeros: bytes => Buffer.alloc(Math.max(100, bytes.length)),
  ones: bytes => Buffer.alloc(Math.max(100, bytes.length), 255),
  'with a tail of zeros': bytes => Buffer.concat([bytes, Buffer.alloc(5000)]),
  'with a tail of garbage': (bytes, random) => Buffer.concat([bytes, random.bytes(777)]),
  doubled: bytes => Buffer.concat([bytes, bytes]),
}

for (const [harm, change] of Object.entries(HARMS)) {
  for (const clean of [true, false]) {
    // What somebody else than Varve may have had open since can have lost its beginning by retention.
    if (!clean && harm === 'gone') continue
    t.test(`every file in turn is ${harm}, ${clean ? 'closed in order' : 'not closed'}`, async t => {
      const tree = files(before)
      const random = new SeededRandom(harm)
      t.comment(`seed ${harm}`)
      if (!clean) tree.delete('/data/.kafka_cleanshutdown')
      // The first, the second and the last segment stand for all.
      const bases = [...tree.keys()].flatMap(path => /t-0\/(\d{20})\.log$/.exec(path)?.[1] ?? []).sort()
      const between = bases.slice(2, -1)
      for (const path of tree.keys()) {
        if (path.startsWith('/data/other-0/') || between.some(base => path.includes(base))) continue
        const harmed = new Map(tree)
        const bytes = change(tree.get(path) ?? Buffer.alloc(0), random)
        if (bytes === undefined) harmed.delete(path)
        else harmed.set(path, bytes)
        await check(t, memory(harmed), `${path} ${harm}`, clean)
        if (clean && path.endsWith('.log')) await check(t, memory(harmed), `${path} ${harm}, owned`, false)
      }
    })
  }
}

t.test('a folder where a file is due, and a file where a folder is due', async t => {
  const tree = files(before)
  for (const name of [...tree.keys()].filter(path => path.startsWith('/data/t-0/'))) {
    for (const readOnly of [true, false]) {
      const vfs = memory(tree)
      vfs.sync.unlink(name)
      vfs.sync.mkdir(name)
      await check(t, vfs, `${name} is a folder`, readOnly)
    }
  }
  const vfs = memory(tree)
  put(vfs, '/data/file-0', Buffer.from('mine'))
  const directory = await openDirectory({ vfs, configOf: () => SMALL })
  t.equal(directory.findings.filter(({ path }) => path === '/data/file-0').length, 1, 'named once')
  t.same(await valuesFrom(directory.partitions.get('t-0') as PartitionLog), ALL)
  await t.rejects(
    directory.createPartition({ topic: 'file', partition: 0, topicId: TOPIC_ID }),
    /file-0/,
    'a partition of that name',
  )
  await directory.close()
  t.equal(vfs.sync.readFile('/data/file-0').toString(), 'mine')
  await t.rejects(openDirectory({ vfs }, '/data/file-0'), /file-0/)
})

t.test('unknown files in a partition are left alone and named once', async t => {
  const vfs = memory(files(before))
  const names = ['notes.txt', '123.log', '00000000000000000000.log.bak', '.hidden', '-1.log']
  for (const name of names) put(vfs, `/data/t-0/${name}`, Buffer.from(name))
  const warnings: string[] = []
  const logger: Logger = {
    ...silentLogger,
    warn: (...words: unknown[]) => void warnings.push(JSON.stringify(words)),
    child: () => logger,
  }
  const directory = await openDirectory({ vfs, configOf: () => SMALL, logger })
  const log = directory.partitions.get('t-0') as PartitionLog
  t.same(await valuesFrom(log), ALL)
  await log.append(numbers(24, 2))
  await directory.close()
  for (const name of names) {
    t.equal(vfs.sync.readFile(`/data/t-0/${name}`).toString(), name, `${name} is as it was`)
    const named = new RegExp(`(^|[ /"(])${name.replaceAll('.', '\\.')}([ ,;:")]|\\.?$)`)
    const findings = directory.findings.filter(({ message }) => named.test(message))
    t.equal(findings.length, 1, `${name} is named once`)
    t.equal(warnings.filter(text => named.test(text)).length, 1, `${name} is warned of once`)
  }
})

t.test('what a compaction or a deletion left behind changes no answer', async t => {
  const tree = files(before)
  const segment = [...tree.keys()].filter(path => /t-0\/.*\.log$/.test(path)).sort()[1] ?? ''
  const bytes = tree.get(segment) ?? Buffer.alloc(0)
  for (const suffix of ['.cleaned', '.swap', '.deleted']) {
    for (const clean of [true, false]) {
      for (const readOnly of [true, false]) {
        const harmed = new Map(tree)
        harmed.set(`${segment}${suffix}`, bytes)
        if (!clean) harmed.delete('/data/.kafka_cleanshutdown')
        const vfs = memory(harmed)
        const directory = await openDirectory({ vfs, configOf: () => SMALL, readOnly, recover: true })
        const log = directory.partitions.get('t-0')
        t.ok(log, `${suffix}: the partition is there`)
        if (log !== undefined)
          t.same(await valuesFrom(log), ALL, `${suffix}, clean ${clean}, read-only ${readOnly}`)
        await directory.close()
        if (readOnly) t.same([...files(vfs).keys()], [...harmed.keys()].sort(), 'nothing was changed')
      }
    }
  }
})

t.test('two segments with the same offsets give each record once, or say what is wrong', async t => {
  const tree = files(before)
  const segments = [...tree.keys()].filter(path => /t-0\/.*\.log$/.test(path)).sort()
  const second = segments[1] ?? ''
  const base = Number(/(\d{20})\.log$/.exec(second)?.[1])
  for (const shift of [-1, 1, 2]) {
    for (const clean of [true, false]) {
      for (const readOnly of [true, false]) {
        const harmed = new Map(tree)
        const name = String(base + shift).padStart(20, '0')
        harmed.set(second.replace(/\d{20}\.log/, `${name}.log`), tree.get(second) ?? Buffer.alloc(0))
        if (!clean) harmed.delete('/data/.kafka_cleanshutdown')
        await check(
          t,
          memory(harmed),
          `a copy ${shift} beside it, clean ${clean}, read-only ${readOnly}`,
          readOnly,
        )
      }
    }
  }
})

t.test('counts in checkpoints and snapshots are not believed', { timeout: 10_000 }, async t => {
  const snapshot = Buffer.alloc(10)
  snapshot.writeInt16BE(1, 0)
  snapshot.writeInt32BE(0x7fffffff, 6)
  const cases: Record<string, Buffer> = {
    '/data/t-0/leader-epoch-checkpoint': Buffer.from('0\n2147483647\n0 0\n'),
    '/data/recovery-point-offset-checkpoint': Buffer.from('0\n2147483647\nt 0 9\n'),
    '/data/log-start-offset-checkpoint': Buffer.from('0\n2147483647\nt 0 9223372036854775807\n'),
    '/data/cleaner-offset-checkpoint': Buffer.from('0\n1\nt 0 9223372036854775807\n'),
    '/data/t-0/00000000000000000024.snapshot': snapshot,
    '/data/t-0/00000000000000000004.txnindex': Buffer.alloc(34, 255),
    '/data/t-0/00000000000000000000.index': Buffer.alloc(8 * 100_000, 127),
    '/data/t-0/00000000000000000000.timeindex': Buffer.alloc(12 * 100_000, 127),
    '/data/t-0/partition.metadata': Buffer.alloc(1 << 20, 'x'),
    '/data/.kafka_cleanshutdown': Buffer.alloc(1 << 20, '{'),
  }
  for (const [path, bytes] of Object.entries(cases)) {
    for (const readOnly of [true, false]) {
      const harmed = new Map(files(before)).set(path, bytes)
      await check(t, memory(harmed), path, readOnly)
    }
  }
  for (const [name, line] of [
    ['recovery-point-offset-checkpoint', 't 0 9223372036854775807'],
    ['recovery-point-offset-checkpoint', 't 0 -5'],
    ['log-start-offset-checkpoint', 't 0 9007199254740993'],
    ['log-start-offset-checkpoint', 't 0 -1'],
  ] as const) {
    for (const clean of [true, false]) {
      const harmed = new Map(files(before)).set(`/data/${name}`, Buffer.from(`0\n1\n${line}\n`))
      if (!clean) harmed.delete('/data/.kafka_cleanshutdown')
      await check(t, memory(harmed), `${name} ${line}, clean ${clean}`, false)
    }
  }
})

t.test('offsets beyond what a number holds are refused, not rounded', async t => {
  const tree = files(before)
  const first = tree.get('/data/t-0/00000000000000000000.log') ?? Buffer.alloc(0)
  for (const base of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
    for (const readOnly of [true, false]) {
      const bytes = Buffer.from(first)
      bytes.writeBigInt64BE(base, 0)
      const harmed = new Map(tree)
      harmed.set(`/data/t-0/${String(base).padStart(20, '0')}.log`, bytes)
      await check(t, memory(harmed), `a segment at ${base}`, readOnly)
      const lone = new Map([...tree].filter(([path]) => !path.startsWith('/data/t-0/0')))
      lone.set(`/data/t-0/${String(base).padStart(20, '0')}.log`, bytes)
      await check(t, memory(lone), `only a segment at ${base}`, readOnly)
    }
  }
})

t.test('names that are paths, and numbers that are none, make nothing', async t => {
  const vfs = memory(files(before))
  const directory = await openDirectory({ vfs, configOf: () => SMALL })
  const names = [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    '/etc/passwd',
    'a\\b',
    'a\0b',
    'x'.repeat(250),
    'ä',
    'a b',
    'a\nb',
    '%2e%2e',
  ]
  for (const topic of names)
    await t.rejects(
      directory.createPartition({ topic, partition: 0, topicId: OTHER_ID }),
      { code: /INVALID/ },
      JSON.stringify(topic),
    )
  for (const partition of [-1, 1.5, Number.NaN, 2 ** 31, Infinity])
    await t.rejects(
      directory.createPartition({ topic: 'ok', partition, topicId: OTHER_ID }),
      { code: /INVALID/ },
      String(partition),
    )
  const badId = directory.createPartition({ topic: 'ok', partition: 0, topicId: '../../etc' })
  await t.rejects(badId, { code: 'INVALID_ARGUMENT' })
  const long = await directory.createPartition({ topic: 'x'.repeat(249), partition: 0, topicId: OTHER_ID })
  await long.append(numbers(0, 1))
  await directory.close()
  t.same(
    [...files(vfs, '').keys()].filter(path => !path.startsWith('/data/')),
    [],
  )
})

t.test('a preallocated or sparse tail costs neither memory nor records', async t => {
  const root = t.testdir()
  const vfs = new NodeFs()
  const settings = config()
  await made(vfs, root, settings)
  rmSync(join(root, '.kafka_cleanshutdown'))
  truncateSync(join(root, 't-0', '00000000000000000000.log'), 1 << 26)
  const start = process.memoryUsage().rss
  const directory = await openDirectory({ vfs, configOf: () => settings, recover: true }, root)
  const log = directory.partitions.get('t-0') as PartitionLog
  t.same(await valuesFrom(log), ALL)
  await log.append(numbers(24, 2))
  t.same(await valuesFrom(log), range(0, 26))
  await directory.close()
  t.ok(process.memoryUsage().rss - start < 256 * 1024 * 1024, 'memory')
})

t.test('a segment that vanishes while the log is open is an error that names it', async t => {
  const root = t.testdir()
  const vfs = new NodeFs()
  await made(vfs, root)
  const directory = await openDirectory({ vfs, configOf: () => SMALL, openFilesMax: 2 }, root)
  const log = directory.partitions.get('t-0') as PartitionLog
  const other = directory.partitions.get('other-0') as PartitionLog
  const victim = log.segments[1]
  if (victim === undefined) throw new Error('a second segment is due')
  rmSync(victim.path)
  // Others need the handles.
  t.same(await valuesFrom(other), ALL)
  const error: unknown = await log.read({ offset: victim.baseOffset }).catch((error: unknown) => error)
  t.match(error, { context: { path: victim.path } })
  t.same(
    (await readable(log)).values,
    RIGHT.filter(value => {
      const offset = Number(value.split(':')[0])
      return offset < victim.baseOffset || offset >= (log.segments[2]?.baseOffset ?? 0)
    }),
    'the others are still read',
  )
  await directory.close().catch(() => undefined)
})

t.test('a read-only file system: owning is refused with its path, reading works', async t => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    t.pass('skipped', { skip: 'mounting takes root on Linux' })
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'varve-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(folder)
    t.pass('skipped', { skip: `mounting is not permitted here: ${String(error)}` })
    return
  }
  try {
    const vfs = new NodeFs()
    const root = join(folder, 'data')
    mkdirSync(root)
    await made(vfs, root)
    const names = readdirSync(root).sort()
    execFileSync('mount', ['-o', 'remount,ro', folder])
    await t.rejects(openDirectory({ vfs, configOf: () => SMALL }, root), {
      code: 'READ_ONLY_FILE_SYSTEM',
      context: { path: /varve-mount/ },
    })
    const directory = await openDirectory({ vfs, configOf: () => SMALL, readOnly: true }, root)
    t.same(await valuesFrom(directory.partitions.get('t-0') as PartitionLog), ALL)
    await directory.close()
    t.same(readdirSync(root).sort(), names)
  } finally {
    execFileSync('umount', ['-l', folder])
    rmdirSync(folder)
  }
})

t.test('what may not be opened is an error with its path, and the other partitions work', async t => {
  for (const errno of ['EACCES', 'EPERM']) {
    for (const readOnly of [true, false]) {
      const vfs = new FaultFs(memory(files(before)))
      const fault = vfs.fail({
        operation: ['open', 'readFile', 'list'],
        path: '/data/t-0',
        errno,
        times: Infinity,
      })
      const directory = await openDirectory({ vfs, configOf: () => SMALL, readOnly })
      t.ok(fault.fired > 0)
      const finding = directory.findings.find(({ kind }) => kind === 'partition-offline')
      t.match(finding?.path, /t-0/, `${errno}, read-only ${readOnly}`)
      t.same(await valuesFrom(directory.partitions.get('other-0') as PartitionLog), ALL)
      await directory.close()
    }
  }
})
