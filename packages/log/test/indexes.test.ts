import t from 'tap'
import { FakeClock, MemFs, SeededRandom } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { OpenFiles } from '../src/files/open-files.ts'
import { INDEX_PAGE_BYTES } from '../src/segment/index-pages.ts'
import { IndexStore } from '../src/segment/index-store.ts'
import { LogSegment } from '../src/segment/log-segment.ts'
import { SegmentIndexes } from '../src/segment/segment-indexes.ts'
import { TimeIndex } from '../src/segment/time-index.ts'
import { plant } from '../src/testing/planted-bugs.ts'
import { config, DAY, damage, numbers, openLog, range, valuesFrom } from './helpers.ts'

const FOLDER = '/data/t-0'
const settings = config({ indexIntervalBytes: 300, segmentBytes: 6000 })

async function filled(): Promise<MemFs> {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs, config: settings })
  for (let batch = 0; batch < 100; batch++) await log.append(numbers(batch * 10, 10))
  await directory.close()
  return vfs
}

const indexFiles = (vfs: MemFs, ending: string): string[] =>
  vfs.sync
    .list(FOLDER)
    .map(entry => entry.name)
    .filter(name => name.endsWith(ending))
    .map(name => `${FOLDER}/${name}`)

/** Every offset and every timestamp gets its own answer. */
async function checkAll(
  t: { equal(found: unknown, wanted: unknown, message: string): void },
  vfs: MemFs,
  what: string,
): Promise<void> {
  const { directory, log } = await openLog({ vfs, config: settings })
  try {
    for (let offset = 995; offset >= 0; offset -= 35) {
      const { bytes } = await log.read({ offset, maxBytes: 1 })
      t.equal(Number(bytes.readBigInt64BE(0)), offset - (offset % 10), `${what}: offset ${offset}`)
      // `numbers(from)` stamps its first record with DAY + from.
      t.equal((await log.offsetForTimestamp(DAY + offset))?.offset, offset, `${what}: timestamp of ${offset}`)
    }
    t.equal(await log.offsetForTimestamp(DAY + 5000), undefined, `${what}: a timestamp behind all`)
  } finally {
    await directory.close()
  }
}

/** An index store over files in memory, and a segment of the size given. */
function store(
  size: number,
  { bytesMax = 1e6 } = {},
): { vfs: MemFs; files: OpenFiles; store: IndexStore; segment: LogSegment } {
  const vfs = new MemFs()
  vfs.sync.mkdir('/s')
  const files = new OpenFiles(vfs, { max: 2, mode: 'write', clock: new FakeClock(DAY) })
  const segment = new LogSegment('/s', 1000, size)
  return { vfs, files, store: new IndexStore(files, { bytesMax }), segment }
}

function put(vfs: MemFs, path: string, bytes: Buffer): void {
  const file = vfs.sync.open(path, 'create')
  file.truncate(0)
  file.write([bytes], 0)
  file.close()
}

/** Saves entries for batches of 10 offsets and 50 bytes each. */
async function saved(at: ReturnType<typeof store>, entries: number): Promise<SegmentIndexes> {
  const indexes = SegmentIndexes.empty(1000)
  for (let entry = 1; entry <= entries; entry++) {
    indexes.offsets.append(1000 + entry * 10, entry * 50)
    indexes.times.maybeAppend(DAY + entry * 7, 1000 + entry * 10)
  }
  await at.store.save(at.segment, indexes, { sync: false })
  return indexes
}

t.test('entries are found, trimmed of zeros, and refused where they cannot be true', async t => {
  const at = store(6000)
  const { vfs, segment } = at
  await saved(at, 100)
  const offsets = vfs.sync.readFile(segment.offsetIndexPath)
  t.equal(offsets.length, 800)
  put(vfs, segment.offsetIndexPath, Buffer.concat([offsets, Buffer.alloc(80)]))
  const read = await at.store.read(segment)
  t.equal(read?.offsets.entries, 100)
  t.equal(segment.indexesChanged, true, 'zeros have to go before a clean end')
  const floor = async (offset: number): Promise<unknown> => (await read?.offsets.floor(offset))?.entry
  t.same(await floor(1010), { offset: 1010, position: 50 })
  t.same(await floor(1029), { offset: 1020, position: 100 })
  t.equal(await floor(1009), undefined)
  t.same(await floor(99999), read?.offsets.last)
  t.same([...((await read?.offsets.positionsFrom(101, 2)) ?? [])], [150, 200])
  t.same((await read?.times.before(DAY + 8))?.entry, { timestamp: DAY + 7, offset: 1010 })
  t.equal(await read?.times.before(DAY + 7), undefined)
  t.same(await read?.times.upTo(1029), { timestamp: DAY + 14, offset: 1020 })
  const wrong = async (bytes: Buffer, size = 6000): Promise<void> => {
    put(vfs, segment.offsetIndexPath, bytes)
    segment.size = size
    t.equal(await at.store.read(segment), undefined)
  }
  await wrong(offsets, 5000)
  await wrong(offsets.subarray(0, 9))
  put(vfs, segment.offsetIndexPath, Buffer.alloc(64))
  t.equal((await at.store.read(segment))?.offsets.entries, 0)
  put(vfs, segment.offsetIndexPath, Buffer.alloc(200_000))
  put(vfs, segment.offsetIndexPath, Buffer.concat([offsets, Buffer.alloc(200_000)]))
  t.equal((await at.store.read(segment))?.offsets.entries, 100, 'a whole preallocated file')
  vfs.sync.unlink(segment.timeIndexPath)
  await at.files.drop('')
  t.equal(await at.store.read(segment), undefined, 'a missing file')
  const times = new TimeIndex(1000)
  times.maybeAppend(0, 1000)
  put(vfs, segment.timeIndexPath, times.stored.unsavedBytes)
  t.equal((await at.store.read(segment))?.times.entries, 1, 'the epoch is a timestamp')
  times.maybeAppend(5_000_000_000_000, 1020)
  times.maybeAppend(10, 1030)
  t.same(times.last, { timestamp: 5_000_000_000_000, offset: 1020 })
})

t.test('what is cut or grown is read as it is, not as a page was before', async t => {
  const at = store(1e6)
  const { vfs, segment } = at
  await saved(at, 3000)
  const cut = await at.store.read(segment, 1000 + 2000 * 10 + 5)
  t.equal(cut?.offsets.entries, 2000)
  t.equal(cut?.times.entries, 2000)
  if (cut === undefined) return
  t.equal((await cut.offsets.floor(1e6))?.entry.position, 2000 * 50)
  for (let entry = 2001; entry <= 2600; entry++) {
    cut.offsets.append(1000 + entry * 10 + 3, entry * 50 + 1)
    if (entry % 200 > 0) continue
    for (const back of [0, 1, 199, 300]) {
      const wanted = entry - back
      const found = (await cut.offsets.floor(1000 + wanted * 10 + 3))?.entry.position
      t.equal(found, wanted <= 2000 ? wanted * 50 : wanted * 50 + 1, `${wanted} of ${entry}`)
    }
    await at.store.save(segment, cut, { sync: false })
    t.equal(cut.offsets.stored.unsaved, 0)
  }
  t.equal(vfs.sync.stat(segment.offsetIndexPath)?.size, 2600 * 8, 'what was cut is gone from the file')
  t.equal(vfs.sync.stat(segment.timeIndexPath)?.size, 2000 * 12)
})

t.test('a search touches few pages, and the memory of all stays within its limit', async t => {
  const bytesMax = 40_000
  const at = store(1e9, { bytesMax })
  await saved(at, 100_000)
  const indexes = await at.store.read(at.segment)
  const random = new SeededRandom('pages')
  let most = 0
  for (let search = 0; search < 500; search++) {
    const entry = 1 + random.int(100_000)
    t.equal((await indexes?.offsets.floor(1000 + entry * 10 + 4))?.entry.position, entry * 50)
    t.equal((await indexes?.times.before(DAY + entry * 7 + 1))?.entry.offset, 1000 + entry * 10)
    most = Math.max(most, at.store.bytes)
  }
  t.ok(most > INDEX_PAGE_BYTES && most <= bytesMax, `at most ${most} bytes`)
  const whole = store(1e9)
  await saved(whole, 100_000)
  const one = await whole.store.read(whole.segment)
  t.equal(whole.store.bytes, 0, 'nothing is read into the cache before it is wanted')
  await one?.offsets.floor(500_000)
  t.ok(
    whole.store.bytes <= 9 * (INDEX_PAGE_BYTES + 256),
    `${whole.store.bytes} bytes of 800,000 for one search`,
  )
})

t.test('many segments and a tiny limit: every answer is right, and the limit holds', async t => {
  const vfs = new FaultFs(new MemFs())
  const options = { vfs, config: settings, indexCacheBytesMax: 4000, openFilesMax: 1 }
  const first = await openLog(options)
  for (let batch = 0; batch < 1200; batch++) await first.log.append(numbers(batch * 10, 10))
  await first.directory.close()
  const { directory, log } = await openLog(options)
  t.ok(log.segments.length > 40, `${log.segments.length} segments`)
  const random = new SeededRandom('segments')
  await Promise.all(
    Array.from({ length: 300 }, async () => {
      const offset = random.int(12_000)
      const { bytes } = await log.read({ offset, maxBytes: 1 })
      t.equal(Number(bytes.readBigInt64BE(0)), offset - (offset % 10))
      t.equal((await log.offsetForTimestamp(DAY + offset))?.offset, offset)
      t.ok(directory.memory.indexCacheBytes <= 4000)
    }),
  )
  t.ok(directory.memory.indexCacheBytes > 0)
  await directory.close()
})

t.test('no lying index changes an answer', async t => {
  const vfs = await filled()
  await checkAll(t, vfs, 'untouched')
  const lies: [name: string, ending: string, lie: (bytes: Buffer) => Buffer][] = [
    ['missing offsets', '.index', () => Buffer.alloc(0)],
    ['missing times', '.timeindex', () => Buffer.alloc(0)],
    ['half the times', '.timeindex', bytes => bytes.subarray(0, Math.floor(bytes.length / 24) * 12)],
    ['half the offsets', '.index', bytes => bytes.subarray(0, Math.floor(bytes.length / 16) * 8)],
    ['a torn entry', '.index', bytes => bytes.subarray(0, Math.max(0, bytes.length - 3))],
    [
      'positions moved',
      '.index',
      bytes => eachEntry(bytes, 8, at => bytes.writeInt32BE(bytes.readInt32BE(at + 4) + 7, at + 4)),
    ],
    ['positions of the next batch', '.index', bytes => shifted(bytes)],
    [
      'offsets moved',
      '.index',
      bytes => eachEntry(bytes, 8, at => bytes.writeInt32BE(bytes.readInt32BE(at) + 3, at)),
    ],
    [
      'times moved',
      '.timeindex',
      bytes => eachEntry(bytes, 12, at => bytes.writeInt32BE(bytes.readInt32BE(at + 4) + 100, at + 4)),
    ],
    [
      'offsets of times moved',
      '.timeindex',
      bytes => eachEntry(bytes, 12, at => bytes.writeInt32BE(bytes.readInt32BE(at + 8) + 10, at + 8)),
    ],
    ['preallocated', '.index', bytes => Buffer.concat([bytes, Buffer.alloc(800)])],
    ['preallocated times', '.timeindex', bytes => Buffer.concat([bytes, Buffer.alloc(1200)])],
  ]
  for (const [name, ending, lie] of lies) {
    const clone = await filled()
    for (const path of indexFiles(clone, ending)) damage(clone, path, lie)
    await checkAll(t, clone, name)
  }
})

t.test('no flipped bit in an index changes an answer', async t => {
  const random = new SeededRandom('index bits')
  const vfs = await filled()
  const paths = [...indexFiles(vfs, '.index'), ...indexFiles(vfs, '.timeindex')]
  const originals = new Map(paths.map(path => [path, Buffer.from(vfs.sync.readFile(path))]))
  const wrong: string[] = []
  const check = collector(wrong)
  for (let flip = 0; flip < 60; flip++) {
    const flipped: string[] = []
    for (const path of paths) {
      damage(vfs, path, () => {
        const bytes = Buffer.from(originals.get(path) ?? Buffer.alloc(0))
        if (bytes.length === 0) return bytes
        const bit = random.int(bytes.length * 8)
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        flipped.push(`${path}:${bit}`)
        return bytes
      })
    }
    await checkAll(check, vfs, flipped.join(' '))
  }
  t.same(wrong, [])
})

t.test('the bug of an index that is trusted unchecked is found', async t => {
  t.teardown(plant('indexTrustedUnchecked'))
  const vfs = await filled()
  for (const path of indexFiles(vfs, '.index')) damage(vfs, path, bytes => shifted(bytes))
  const wrong: string[] = []
  const check = collector(wrong)
  await checkAll(check, vfs, 'unchecked').catch((error: unknown) => wrong.push(String(error)))
  t.not(wrong.length, 0)
})

t.test('indexes that vanish while a log is open are made anew', async t => {
  const vfs = await filled()
  for (const path of indexFiles(vfs, 'index')) vfs.sync.unlink(path)
  const { directory, log } = await openLog({ vfs, config: settings })
  t.same(await valuesFrom(log, 0, 1), range(0, 1000))
  await directory.close()
})

function eachEntry(bytes: Buffer, size: number, change: (at: number) => void): Buffer {
  for (let at = 0; at < bytes.length; at += size) change(at)
  return bytes
}

/** Every entry gets the position of the one behind it: positions of batches all of them. */
function shifted(bytes: Buffer): Buffer {
  for (let at = 0; at + 16 <= bytes.length; at += 8) bytes.writeInt32BE(bytes.readInt32BE(at + 12), at + 4)
  return bytes.subarray(0, Math.max(0, bytes.length - 8))
}

function collector(wrong: string[]): { equal(found: unknown, wanted: unknown, message: string): void } {
  return {
    equal: (found, wanted, message) => {
      if (found !== wanted) wrong.push(message)
    },
  }
}
