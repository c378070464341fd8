import { execFileSync } from 'node:child_process'
import { mkdirSync, statSync, symlinkSync } from 'node:fs'
import t from 'tap'
import { FakeClock } from '../src/fake-clock.ts'
import { SeededRandom } from '../src/random.ts'
import { MemFs } from '../src/vfs/memory/mem-fs.ts'
import { NodeFs } from '../src/vfs/node/node-fs.ts'
import type { Vfs } from '../src/vfs/vfs.ts'
import { fails, put } from './vfs-conformance.ts'

const posix = process.platform !== 'win32'

void t.test('a case-insensitive file system takes names that differ only in case for one', async t => {
  const fs = new MemFs({ caseInsensitive: true })
  await fs.mkdir('/Orders-0')
  await fails(t, fs.mkdir('/orders-0'), 'ALREADY_EXISTS')
  await put(fs, '/orders-0/Log', 'x')
  t.equal((await fs.readFile('/ORDERS-0/LOG')).toString(), 'x')
  t.equal(await fs.realPath('/ORDERS-0/LOG'), '/Orders-0/Log', 'it keeps the name as it was given')
  await fails(t, fs.open('/Orders-0/lOG', 'create-new'), 'ALREADY_EXISTS')
  await fs.rename('/orders-0', '/ORDERS-0')
  t.same(await fs.list('/'), [{ name: 'ORDERS-0', kind: 'folder' }])
  await fs.rename('/orders-0/log', '/orders-0/LOG')
  t.same(await fs.list('/orders-0'), [{ name: 'LOG', kind: 'file' }])
  t.equal((await fs.readFile('/orders-0/log')).toString(), 'x')
  const sensitive = new MemFs()
  await sensitive.mkdir('/a')
  await sensitive.mkdir('/A')
  t.equal((await sensitive.list('/')).length, 2)
})

void t.test('Windows refuses names of devices, some characters, and what is in use', async t => {
  const fs = new MemFs({ windows: true })
  for (const name of [
    'con',
    'NUL',
    'aux.log',
    'com1',
    'lpt9.index',
    'a:b',
    'a*',
    'what?',
    'dot.',
    'space ',
  ]) {
    await fails(t, fs.mkdir(`/${name}`), 'INVALID_ARGUMENT')
    await fails(t, fs.open(`/${name}`, 'create'), 'INVALID_ARGUMENT')
  }
  await fs.mkdir('C:\\data')
  await fs.ensureDir('C:\\data\\console-0')
  t.same(await fs.list('/data'), [{ name: 'console-0', kind: 'folder' }])
  await put(fs, '/data/new', 'new')
  await put(fs, '/data/console-0/log', 'old')
  const file = await fs.open('/data/console-0/log', 'read')
  await fails(t, fs.rename('/data/new', '/data/console-0/log'), 'NOT_PERMITTED')
  await fails(t, fs.rename('/data/console-0', '/data/gone'), 'NOT_PERMITTED')
  await file.close()
  await fs.rename('/data/new', '/data/console-0/log')
  await fs.rename('/data/console-0', '/data/gone')
  t.equal((await fs.readFile('/data/gone/log')).toString(), 'new')
})

void t.test('Windows has no folder sync: names reach the disk in order, and with the next file', async t => {
  const fs = new MemFs({ windows: true, crashable: true })
  await put(fs, '/a', 'x')
  await fs.syncDir('/')
  const lost = (unsyncedPercent: number) =>
    fs.crashClone({ rng: new SeededRandom(1), unsyncedPercent }).sync.list('/')
  t.same(lost(0), [])
  const file = await fs.open('/b', 'create')
  await file.datasync()
  t.equal(lost(0).length, 2)
})

void t.test('memory has an end', async t => {
  const fs = new MemFs({ bytesMax: 100_000, clock: new FakeClock(5) })
  const file = await fs.open('/a', 'create')
  await file.write([Buffer.alloc(60_000, 1)], 0)
  await fails(t, file.write([Buffer.alloc(30_000, 2), Buffer.alloc(30_000, 3)], 60_000), 'DISK_FULL')
  const { size, modifiedMs } = await file.stat()
  t.equal(modifiedMs, 5)
  t.equal(size, 100_000, 'a part was written before the room ended, as on a disk')
  t.equal(await fs.spaceLeft('/'), 0)
  t.equal(fs.bytesUsed, 100_000)
  await file.write([Buffer.alloc(100_000, 4)], 0)
  await fs.unlink('/a')
  t.equal(await fs.spaceLeft('/'), 0, 'an open file keeps its memory')
  await file.close()
  t.equal(await fs.spaceLeft('/'), 100_000)
  await put(fs, '/b', 'room again')
})

void t.test('NodeFs on what is not a plain file', { skip: !posix }, async t => {
  const fs = new NodeFs()
  const folder = t.testdir({ real: { file: 'x' } })
  symlinkSync('real', `${folder}/to-folder`)
  symlinkSync('nowhere', `${folder}/to-nothing`)
  execFileSync('mkfifo', [`${folder}/pipe`])
  for (const one of [fs.list(folder), Promise.resolve(fs.sync.list(folder))]) {
    t.same(await one, [
      { name: 'pipe', kind: 'other' },
      { name: 'real', kind: 'folder' },
      { name: 'to-folder', kind: 'folder' },
      { name: 'to-nothing', kind: 'other' },
    ])
  }
  t.equal((await fs.stat(`${folder}/pipe`))?.kind, 'other')
  t.equal(await fs.stat(`${folder}/to-nothing`), undefined)
  t.equal(await fs.realPath(`${folder}/to-folder/file`), await fs.realPath(`${folder}/real/file`))
  await fails(t, fs.readFile(`${folder}/pipe`), 'NOT_PERMITTED')
  await fs.removeTree(folder)
})

void t.test('NodeFs makes what only its owner may read', { skip: !posix }, async t => {
  const fs = new NodeFs()
  const folder = `${t.testdir()}/data`
  await fs.ensureDir(`${folder}/a`)
  await put(fs, `${folder}/a/log`, '')
  fs.sync.mkdir(`${folder}/b`)
  fs.sync.open(`${folder}/b/log`, 'create').close()
  for (const at of ['a', 'b']) {
    t.equal(statSync(`${folder}/${at}`).mode & 0o777, 0o700)
    t.equal(statSync(`${folder}/${at}/log`).mode & 0o777, 0o600)
  }
})

void t.test('NodeFs reads what the kernel makes up', { skip: process.platform !== 'linux' }, async t => {
  const fs = new NodeFs()
  t.match((await fs.readFile('/proc/self/stat')).toString(), `${process.pid} (`)
  t.match(fs.sync.readFile('/proc/self/stat').toString(), `${process.pid} (`)
})

void t.test('NodeFs tells of a full disk', { skip: process.platform !== 'linux' }, async t => {
  const fs = new NodeFs()
  const file = await fs.open('/dev/full', 'write')
  const error: unknown = await file.write([Buffer.from('x')], 0).catch((found: unknown) => found)
  t.match(error, { code: 'DISK_FULL', retriable: true, context: { errno: 'ENOSPC', path: '/dev/full' } })
  await file.close()
})

void t.test('NodeFs says when too many files are open, at once', { skip: !posix }, t => {
  const program = `
    import { NodeFs } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}
    const fs = new NodeFs(), open = []
    try { for (;;) open.push(await fs.open('/dev/null', 'read')) } catch (error) { console.log(error.code, error.retriable) }
    try { await fs.list('/') } catch (error) { console.log(error.code) }
    try { fs.sync.open('/dev/null', 'read') } catch (error) { console.log(error.code) }`
  // Without the loader of the test runner, which needs more files than that.
  const shell = 'unset NODE_OPTIONS; ulimit -n 40; exec "$0" --input-type=module -e "$1"'
  const answer = execFileSync('sh', ['-c', shell, process.execPath, program])
  t.equal(answer.toString(), 'TOO_MANY_OPEN_FILES true\nTOO_MANY_OPEN_FILES\nTOO_MANY_OPEN_FILES\n')
  t.end()
})

void t.test('memory and disk answer the same to the same calls', async t => {
  const seed = process.env['VARVE_SEED'] ?? Math.floor(Math.random() * 1e9)
  t.comment(`VARVE_SEED=${seed}`)
  const folder = t.testdir()
  for (let round = 0; round < 8; round++) {
    const at = `${folder}/${round}`
    mkdirSync(at)
    const onDisk = await history(new NodeFs(), at, new SeededRandom(`${seed}/${round}`))
    const memory = new MemFs({ crashable: round % 2 === 0 })
    await memory.ensureDir(at)
    t.same(
      await history(memory, at, new SeededRandom(`${seed}/${round}`)),
      onDisk,
      `seed ${seed}, round ${round}`,
    )
  }
})

/** What 150 calls answer, picked by `rng` on a handful of names, and what stands there then. */
async function history(fs: Vfs, folder: string, rng: SeededRandom): Promise<string[]> {
  const log: string[] = []
  const names = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/a']
  const path = (): string => `${folder}/${rng.pick(names)}`
  const calls: ((from: string, to: string) => Promise<unknown>)[] = [
    from => put(fs, from, rng.bytes(rng.int(9000)).toString('latin1')),
    from => put(fs, from, `${rng.int(1000)}`),
    (from, to) => fs.rename(from, to),
    (from, to) => fs.rename(from, to),
    (from, to) => (from === to ? Promise.resolve() : fs.link(from, to)),
    from => fs.unlink(from),
    from => fs.mkdir(from),
    from => fs.mkdir(from),
    from => fs.rmdir(from),
    async from => (await fs.list(from)).map(entry => `${entry.kind} ${entry.name}`),
    async from => (await fs.readFile(from)).toString('base64'),
    async from => (await fs.stat(from))?.kind,
    async from => {
      const file = await fs.open(from, 'write')
      await file.truncate(rng.int(6000))
      await file.close()
    },
  ]
  for (let n = 0; n < 150; n++) {
    const call = rng.int(calls.length)
    const [from, to] = [path(), path()]
    const answer = await calls[call]?.(from, to).catch((error: unknown) =>
      error instanceof Error && 'code' in error ? `failed: ${String(error.code)}` : String(error),
    )
    log.push(`${call} ${from.slice(folder.length)} ${to.slice(folder.length)}: ${String(answer)}`)
  }
  const walk = async (at: string): Promise<void> => {
    for (const { name, kind } of await fs.list(at)) {
      log.push(
        kind === 'folder'
          ? `${at}/${name}`
          : `${name} ${(await fs.readFile(`${at}/${name}`)).toString('base64')}`,
      )
      if (kind === 'folder') await walk(`${at}/${name}`)
    }
  }
  await walk(folder)
  return log
}
