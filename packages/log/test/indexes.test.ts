import t from 'tap'
import { MemFs, SeededRandom } from '@varve/platform'
import { OffsetIndex } from '../src/segment/offset-index.ts'
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

t.test('entries are found, trimmed of zeros, and refused where they cannot be true', async t => {
  const index = new OffsetIndex(1000)
  for (let entry = 1; entry <= 100; entry++) index.append(1000 + entry * 10, entry * 50)
  const parsed = OffsetIndex.parse(Buffer.concat([index.bytes, Buffer.alloc(80)]), {
    baseOffset: 1000,
    logSize: 6000,
  })
  t.equal(parsed?.entries, 100)
  t.same(parsed?.floor(1010), { offset: 1010, position: 50 })
  t.same(parsed?.floor(1029), { offset: 1020, position: 100 })
  t.equal(parsed?.floor(1009), undefined)
  t.same(parsed?.floor(99999), parsed?.last)
  t.equal(parsed?.hasPosition(100), true)
  t.equal(parsed?.hasPosition(101), false)
  t.equal(OffsetIndex.parse(index.bytes, { baseOffset: 1000, logSize: 5000 }), undefined)
  t.equal(OffsetIndex.parse(index.bytes.subarray(0, 9), { baseOffset: 1000, logSize: 6000 }), undefined)
  t.equal(OffsetIndex.parse(Buffer.alloc(64), { baseOffset: 0, logSize: 0 })?.entries, 0)
  const times = new TimeIndex(0)
  times.maybeAppend(0, 0)
  t.equal(TimeIndex.parse(times.bytes, { baseOffset: 0 })?.entries, 1, 'the epoch is a timestamp')
  times.maybeAppend(5_000_000_000_000, 20)
  times.maybeAppend(10, 30)
  t.same(TimeIndex.parse(times.bytes, { baseOffset: 0 })?.last, { timestamp: 5_000_000_000_000, offset: 20 })
  t.same(times.before(5), { timestamp: 0, offset: 0 })
  t.equal(times.before(0), undefined)
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
