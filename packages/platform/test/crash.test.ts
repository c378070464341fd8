import t from 'tap'
import { SeededRandom } from '../src/random.ts'
import { MemFs } from '../src/vfs/memory/mem-fs.ts'
import { fails, put } from './vfs-conformance.ts'

const base = process.env['VARVE_SEED'] ?? '1'
const SECTOR = 512

/** What `count` power cuts now leave, each told in a word by `tell`. */
function cuts(
  fs: MemFs,
  tell: (left: MemFs) => string,
  options: { percent?: number; count?: number } = {},
): Set<string> {
  const seen = new Set<string>()
  for (let n = 0; n < (options.count ?? 200); n++) {
    seen.add(
      tell(fs.crashClone({ rng: new SeededRandom(`${base}/${n}`), unsyncedPercent: options.percent ?? 50 })),
    )
  }
  return seen
}

const textOf =
  (path: string) =>
  (fs: MemFs): string =>
    fs.sync.stat(path) === undefined ? 'missing' : fs.sync.readFile(path).toString()

const namesIn =
  (path: string) =>
  (fs: MemFs): string =>
    fs.sync
      .list(path)
      .map(entry => entry.name)
      .join(' ')

async function durable(fs: MemFs, path: string, bytes: Uint8Array | string): Promise<void> {
  const file = await fs.open(path, 'create')
  await file.write([typeof bytes === 'string' ? Buffer.from(bytes) : bytes], 0)
  await file.datasync()
  await file.close()
  await fs.syncDir('/')
}

void t.test('what was synced is there, always', async t => {
  const fs = new MemFs({ crashable: true })
  await durable(fs, '/a', 'data')
  for (const percent of [0, 1, 50, 99, 100]) t.same([...cuts(fs, textOf('/a'), { percent })], ['data'])
})

void t.test('at 0 percent nothing unsynced is there, at 100 all of it', async t => {
  const fs = new MemFs({ crashable: true })
  await durable(fs, '/a', 'old data')
  const file = await fs.open('/a', 'write')
  await file.write([Buffer.from('new')], 0)
  await file.truncate(5)
  await put(fs, '/b', 'b')
  await fs.rename('/b', '/c')
  await fs.mkdir('/d')
  const tell = (left: MemFs): string => `${namesIn('/')(left)}: ${textOf('/a')(left)}`
  t.same([...cuts(fs, tell, { percent: 0 })], ['a: old data'])
  t.same([...cuts(fs, tell, { percent: 100 })], ['a c d: new d'])
})

void t.test('a file of its own sync may vanish until its folder is synced', async t => {
  const fs = new MemFs({ crashable: true })
  const file = await fs.open('/a', 'create')
  await file.write([Buffer.from('data')], 0)
  await file.datasync()
  t.same(cuts(fs, textOf('/a')), new Set(['missing', 'data']))
  await fs.syncDir('/')
  t.same(cuts(fs, textOf('/a')), new Set(['data']))
})

void t.test('a name may survive without its data', async t => {
  const fs = new MemFs({ crashable: true })
  await put(fs, '/a', 'data')
  await fs.syncDir('/')
  t.same(cuts(fs, textOf('/a')), new Set(['', 'data', '\0\0\0\0']))
})

void t.test('a folder that was not synced takes what is in it along', async t => {
  const fs = new MemFs({ crashable: true })
  await fs.mkdir('/d')
  await put(fs, '/d/a', '')
  await fs.syncDir('/d')
  t.same(
    cuts(fs, left => (left.sync.stat('/d') === undefined ? 'none' : namesIn('/d')(left))),
    new Set(['none', 'a']),
  )
  await fs.ensureDir('/x/y')
  t.equal(
    cuts(fs, left => String(left.sync.stat('/x/y')?.kind), { percent: 0 }).has('undefined'),
    false,
    'ensureDir syncs',
  )
})

void t.test('a removed file may be back until its folder is synced', async t => {
  const fs = new MemFs({ crashable: true })
  await durable(fs, '/a', 'data')
  await fs.unlink('/a')
  t.same(cuts(fs, textOf('/a')), new Set(['data', 'missing']))
  await put(fs, '/b', '')
  await fs.rename('/b', '/a')
  t.same(cuts(fs, textOf('/a')), new Set(['data', 'missing', '']))
  await fs.syncDir('/')
  t.same(cuts(fs, textOf('/a')), new Set(['']))
})

void t.test('an unsynced rename leaves the old name, the new or both, never none', async t => {
  const fs = new MemFs({ crashable: true })
  await durable(fs, '/old', 'data')
  await fs.rename('/old', '/new')
  t.same(cuts(fs, namesIn('/')), new Set(['old', 'new', 'new old']))
  const both = cuts(
    fs,
    left => `${String(left.sync.stat('/new')?.id === left.sync.stat('/old')?.id)} ${namesIn('/')(left)}`,
  )
  t.ok(both.has('true new old'), 'both names are the same file')
  await fs.syncDir('/')
  t.same(cuts(fs, namesIn('/')), new Set(['new']))
})

void t.test('a rename over a file leaves the one or the other, and maybe without its data', async t => {
  const fs = new MemFs({ crashable: true })
  await durable(fs, '/checkpoint', 'old')
  await put(fs, '/checkpoint.tmp', 'new')
  await fs.rename('/checkpoint.tmp', '/checkpoint')
  await fs.syncDir('/')
  t.ok(cuts(fs, textOf('/checkpoint')).has(''), 'renamed and synced, but the data was not')
  const safe = new MemFs({ crashable: true })
  await durable(safe, '/checkpoint', 'old')
  await durable(safe, '/checkpoint.tmp', 'new')
  await safe.rename('/checkpoint.tmp', '/checkpoint')
  t.same(cuts(safe, textOf('/checkpoint')), new Set(['old', 'new']))
})

void t.test('a folder never has two names', async t => {
  const fs = new MemFs({ crashable: true })
  await fs.ensureDir('/topic-0')
  await fs.ensureDir('/trash')
  await put(fs, '/topic-0/log', '')
  await fs.syncDir('/topic-0')
  await fs.rename('/topic-0', '/trash/topic-0')
  const where = (left: MemFs): string =>
    ['/topic-0/log', '/trash/topic-0/log'].filter(path => left.sync.stat(path)).join(' ')
  t.same(cuts(fs, where), new Set(['/topic-0/log', '/trash/topic-0/log']))
  await fs.syncDir('/trash')
  t.same(cuts(fs, where), new Set(['/trash/topic-0/log']))
})

void t.test('a file moved to another folder is lost where only the old folder was synced', async t => {
  const fs = new MemFs({ crashable: true })
  await fs.ensureDir('/d')
  await durable(fs, '/a', 'data')
  await fs.rename('/a', '/d/a')
  await fs.syncDir('/')
  t.same(
    cuts(fs, left => `${textOf('/a')(left)} ${textOf('/d/a')(left)}`, { percent: 0 }),
    new Set(['missing missing']),
  )
})

void t.test('unsynced bytes tear by sector, in order and not', async t => {
  const fs = new MemFs({ crashable: true })
  await durable(fs, '/log', Buffer.alloc(SECTOR * 2, 'a'))
  const file = await fs.open('/log', 'write')
  for (let n = 2; n < 12; n++) await file.write([Buffer.alloc(SECTOR, 'b')], n * SECTOR)
  const shapes = cuts(fs, left => {
    const bytes = left.sync.readFile('/log')
    const sectors = []
    for (let at = 0; at < bytes.length; at += SECTOR) {
      const sector = bytes.subarray(at, at + SECTOR)
      const whole = sector.length === SECTOR && sector.every(byte => byte === sector[0])
      sectors.push(whole ? (sector[0] === 0 ? '.' : String.fromCharCode(sector[0] ?? 0)) : '?')
    }
    return sectors.join('')
  })
  t.ok(shapes.size > 20, `${shapes.size} different tails`)
  t.ok(
    [...shapes].every(shape => /^aa[b.]*$/.test(shape)),
    'what was synced stands, and no sector is torn in itself',
  )
  t.ok(
    [...shapes].some(shape => /^aa.*\.b/.test(shape)),
    'a later sector without an earlier one',
  )
  t.ok(
    [...shapes].some(shape => shape.endsWith('.')),
    'a tail that reads as zeros',
  )
  t.ok(shapes.has('aa') && shapes.has('aabbbbbbbbbb'), 'nothing, and everything')
})

void t.test('one write tears at the edges of sectors of the file', async t => {
  const fs = new MemFs({ crashable: true })
  await durable(fs, '/log', Buffer.alloc(100, 'a'))
  const file = await fs.open('/log', 'write')
  await file.write([Buffer.alloc(1000, 'b')], 100)
  const ends = cuts(fs, left => String(left.sync.readFile('/log').length))
  t.same(ends, new Set(['100', '512', '1024', '1100']))
})

void t.test('cutting a file is undone as a whole or not at all', async t => {
  const fs = new MemFs({ crashable: true })
  await durable(fs, '/log', Buffer.alloc(5000, 'a'))
  const file = await fs.open('/log', 'write')
  await file.truncate(1000)
  await file.write([Buffer.alloc(3000, 'b')], 1000)
  for (const text of cuts(fs, textOf('/log'), { count: 400 })) {
    t.match(text, /^(a{5000}|a{1000}[b\0]*)$/, 'what was cut off never shows behind what came after', {
      text,
    })
  }
})

void t.test('after a failed sync the bytes are readable and doomed', async t => {
  const fs = new MemFs({ crashable: true })
  await durable(fs, '/log', Buffer.alloc(4096, 'a'))
  const file = await fs.open('/log', 'write')
  await file.write([Buffer.alloc(8192, 'b')], 4096)
  fs.failNextDatasync('/log')
  await fails(t, file.datasync(), 'IO_ERROR')
  const bytes = Buffer.alloc(8192)
  t.equal(await file.read(bytes, 4096), 8192)
  t.ok(bytes.equals(Buffer.alloc(8192, 'b')), 'the page cache has them')
  await file.datasync()
  for (const percent of [0, 50, 100]) {
    for (const text of cuts(fs, textOf('/log'), { percent }))
      t.match(text, /^a{4096}\0{8192}$/, 'the second sync saved none')
  }
  await file.write([Buffer.from('c')], 5000)
  await file.datasync()
  const saved = `${'a'.repeat(4096)}${'b'.repeat(5000 - 4096)}c${'b'.repeat(8191 - 5000)}${'\0'.repeat(4096)}`
  t.ok(
    textOf('/log')(fs.crashClone({ rng: new SeededRandom(base), unsyncedPercent: 0 })) === saved,
    'only a page made dirty again',
  )
})

void t.test('each sector and the size are as at some moment since the last sync', t => {
  let cut = 0
  for (let seed = 0; seed < 200; seed++) {
    const rng = new SeededRandom(`${base}/moments/${seed}`)
    const fs = new MemFs({ crashable: true })
    const file = fs.sync.open('/a', 'create')
    fs.sync.syncDir('/')
    let moments: Buffer[] = [Buffer.alloc(0)]
    for (let n = 0; n < 30; n++) {
      if (rng.chance(15)) file.truncate(rng.int(5000))
      else file.write([rng.bytes(1 + rng.int(2000))], rng.chance(60) ? file.stat().size : rng.int(4000))
      moments.push(fs.sync.readFile('/a'))
      if (rng.chance(15)) {
        file.datasync()
        moments = moments.slice(-1)
      }
      const percent = rng.pick([0, 5, 50, 95, 100])
      const left = fs.crashClone({ rng, unsyncedPercent: percent }).sync.readFile('/a')
      cut++
      if (!isOf(moments, left)) t.fail('no moment looked like that', { seed, n, percent })
    }
  }
  t.equal(cut, 6000, 'power cuts')
  t.end()
})

/** Whether the size is at most that of some moment, and each sector, as far as the size goes, that of some moment. */
function isOf(moments: Buffer[], left: Buffer): boolean {
  const sectorsEnd = (moment: Buffer): number => Math.ceil(moment.length / SECTOR) * SECTOR
  const sizeFits = moments.some(moment => left.length === moment.length) || left.length % SECTOR === 0
  if (!sizeFits || left.length > Math.max(...moments.map(sectorsEnd))) return false
  for (let at = 0; at < left.length; at += SECTOR) {
    const sector = left.subarray(at, at + SECTOR)
    const fits = moments.some(moment => {
      const then = Buffer.alloc(sector.length)
      then.set(moment.subarray(at, at + sector.length))
      return then.equals(sector)
    })
    if (!fits) return false
  }
  return true
}

void t.test('the same seed leaves the same, whatever happens afterwards', async t => {
  const fs = new MemFs({ crashable: true })
  const rng = new SeededRandom(`${base}/same`)
  await randomCalls(fs, rng, 300)
  const picture = (left: MemFs): string =>
    JSON.stringify(left.sync.list('/').map(({ name }) => [name, textOf(`/${name}`)(left)]))
  const cut = (): MemFs => fs.crashClone({ rng: new SeededRandom(7), unsyncedPercent: 50 })
  const first = cut()
  t.equal(picture(cut()), picture(first))
  const before = picture(first)
  await randomCalls(fs, rng, 100)
  t.equal(picture(first), before, 'the clone is on its own')
  t.equal(picture(first.crashClone({ rng, unsyncedPercent: 0 })), before, 'what is left is durable')
  t.throws(() => new MemFs().crashClone({ rng, unsyncedPercent: 50 }), { code: 'INVALID_ARGUMENT' })
})

void t.test('removed bytes fit back into a full memory', async t => {
  const fs = new MemFs({ crashable: true, bytesMax: 10_000 })
  await durable(fs, '/a', Buffer.alloc(9000, 'a'))
  await fs.unlink('/a')
  await put(fs, '/b', 'b'.repeat(9000))
  t.equal(textOf('/a')(fs.crashClone({ rng: new SeededRandom(1), unsyncedPercent: 0 })).length, 9000)
})

/** The bugs that a log may have; `none` is the right way. */
const bugs = ['none', 'no data sync', 'no folder sync', 'acknowledged before the sync'] as const

void t.test('a log that syncs loses nothing in 500 power cuts, and each bug is found', t => {
  let calls = 0
  for (const bug of bugs) {
    let lost = 0
    for (let seed = 0; seed < (bug === 'none' ? 500 : 50); seed++) {
      const outcome = powerCut(new SeededRandom(`${base}/${seed}`), bug)
      calls += outcome.calls
      if (!outcome.kept) lost++
    }
    if (bug === 'none') t.equal(lost, 0, 'no acknowledged record is lost')
    else t.ok(lost > 0, `${bug}: found in ${lost} of 50`)
  }
  t.comment(`${calls} calls`)
  t.end()
})

/** Appends records of one number to files that roll, cuts the power somewhere, and looks for those acknowledged. */
function powerCut(rng: SeededRandom, bug: (typeof bugs)[number]): { kept: boolean; calls: number } {
  const fs = new MemFs({ crashable: true })
  const { sync } = fs
  const end = 1 + rng.int(300)
  let acknowledged = 0
  let file = sync.open('/0', 'create-new')
  if (bug !== 'no folder sync') sync.syncDir('/')
  let position = 0
  for (let n = 0; n < end; n++) {
    if (position > 4000) {
      file.close()
      file = sync.open(`/${n}`, 'create-new')
      if (bug !== 'no folder sync') sync.syncDir('/')
      position = 0
    }
    const record = Buffer.alloc(100, String(n).padStart(9, '0') + ' ')
    file.write([record], position)
    position += record.length
    if (bug === 'acknowledged before the sync') acknowledged = n + 1
    // Cut between the write and the sync at the end, where the difference shows.
    if (n === end - 1) break
    if (bug !== 'no data sync') file.datasync()
    acknowledged = n + 1
  }
  const left = fs.crashClone({ rng, unsyncedPercent: rng.int(101) }).sync
  const files = left.list('/').map(({ name }) => Number(name))
  const text = files
    .sort((a, b) => a - b)
    .map(name => left.readFile(`/${name}`).toString())
    .join('')
  for (let n = 0; n < acknowledged; n++) {
    if (text.slice(n * 100, n * 100 + 9) !== String(n).padStart(9, '0'))
      return { kept: false, calls: end * 3 }
  }
  return { kept: true, calls: end * 3 }
}

async function randomCalls(fs: MemFs, rng: SeededRandom, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const name = `/${rng.int(6)}`
    const file = await fs.open(name, 'create')
    await file.write([rng.bytes(rng.int(3000))], rng.int(3000))
    if (rng.chance(20)) await file.datasync()
    if (rng.chance(20)) await file.truncate(rng.int(4000))
    if (rng.chance(20)) await fs.syncDir('/')
    await file.close()
    if (rng.chance(20)) await fs.rename(name, `/${rng.int(6)}`)
    else if (rng.int(4) === 0) await fs.unlink(name)
  }
}
