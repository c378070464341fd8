import t from 'tap'
import { isVarveError, MemFs, SeededRandom } from '@varve/platform'
import { readBatchSize, recordsOf } from '@varve/records'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { plant } from '../src/testing/planted-bugs.ts'
import { config, damage, DAY, numbers, openLog } from './helpers.ts'

const RECORDS = 600
const FOLDER = '/data/t-0'
const settings = config({ indexIntervalBytes: 500, segmentBytes: 4000 })

async function original(): Promise<Map<string, Buffer>> {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs, config: settings })
  for (let from = 0; from < RECORDS; from += 10) await log.append(numbers(from, 10))
  await directory.close()
  const files = new Map<string, Buffer>()
  for (const folder of ['/data', FOLDER]) {
    for (const { name, kind } of vfs.sync.list(folder)) {
      const path = `${folder}/${name}`
      if (kind === 'file' && !name.startsWith('.lock')) files.set(path, Buffer.from(vfs.sync.readFile(path)))
    }
  }
  return files
}

function copyOf(files: Map<string, Buffer>, { killed }: { killed: boolean }): MemFs {
  const vfs = new MemFs()
  vfs.sync.mkdir('/data')
  vfs.sync.mkdir(FOLDER)
  for (const [path, bytes] of files) {
    if (killed && path.endsWith('.kafka_cleanshutdown')) continue
    const file = vfs.sync.open(killed ? path.replace(/meta\.properties$/, '$&.varve-owned') : path, 'create')
    file.write([bytes], 0)
    file.close()
  }
  return vfs
}

/** Flips a bit, or zeroes or overwrites a block. */
function harm(original: Buffer, random: SeededRandom): Buffer {
  const bytes = Buffer.from(original)
  const bit = random.int(bytes.length * 8)
  const at = random.int(bytes.length)
  const length = Math.min(bytes.length - at, 1 + random.int(600))
  const kind = random.int(4)
  if (kind < 2) bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  else if (kind === 2) bytes.fill(0, at, at + length)
  else {
    const from = random.int(bytes.length - length + 1)
    bytes.copy(bytes, at, from, from + length)
  }
  return bytes
}

/** What is wrong with the answers of a damaged log; an error is no wrong answer. Also how many offsets cannot be read. */
async function examine(
  log: PartitionLog,
  random: SeededRandom,
): Promise<{ wrong: string[]; unreadable: number }> {
  const wrong: string[] = []
  let unreadable = 0
  const attempt = async (task: () => Promise<void>): Promise<void> => {
    try {
      await task()
    } catch (error) {
      if (!isVarveError(error, 'CORRUPT_MESSAGE')) throw error
      unreadable++
    }
  }
  if (log.logEndOffset !== RECORDS) wrong.push(`the log ends at ${log.logEndOffset}`)
  for (let offset = 0; offset < RECORDS; offset += 5) {
    await attempt(async () => {
      const { bytes } = await log.read({ offset, maxBytes: random.pick([1, 700, 100_000]) })
      let seen = false
      for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
        for (const record of recordsOf(bytes, at)) {
          seen ||= record.offset === offset
          if (record.value?.toString() !== String(record.offset))
            wrong.push(`a wrong record at ${record.offset}`)
        }
      }
      if (!seen) wrong.push(`${offset} was skipped`)
    })
    if (offset % 40 !== 0) continue
    await attempt(async () => {
      const found = await log.offsetForTimestamp(DAY + offset)
      if (found?.offset !== offset) wrong.push(`the timestamp of ${offset} is at ${found?.offset ?? 'none'}`)
    })
  }
  return { wrong, unreadable }
}

for (const killed of [false, true]) {
  t.test(
    `no damage to a log or an index gives a wrong record, after a ${killed ? 'kill' : 'close'}`,
    async t => {
      const files = await original()
      const paths = [...files].filter(
        ([path, bytes]) => /\.(log|index|timeindex)$/.test(path) && bytes.length > 0,
      )
      let harmed = 0
      for (let seed = 0; seed < 50; seed++) {
        const random = new SeededRandom(`damage-${seed}`)
        const vfs = copyOf(files, { killed })
        const [path, bytes] = random.pick(
          random.int(5) > 0 ? paths.filter(([name]) => name.endsWith('.log')) : paths,
        )
        damage(vfs, path, () => harm(bytes, random))
        const { directory, log } = await openLog({ vfs, config: settings })
        const { wrong, unreadable } = await examine(log, random)
        if (wrong.length > 0) t.fail(`seed damage-${seed}, ${path}: ${wrong.slice(0, 3).join(', ')}`)
        if (unreadable > 0) harmed++
        if (unreadable > 40) t.fail(`seed damage-${seed}, ${path}: ${unreadable} offsets cannot be read`)
        await directory.close()
      }
      t.ok(harmed > 25, `${harmed} of 50 damages cost something to read`)
    },
  )
}

t.test('the bug of zeros that are taken for records is found', async t => {
  const check = async (): Promise<string[]> => {
    const vfs = copyOf(await original(), { killed: true })
    const path = `${FOLDER}/00000000000000000580.log`
    damage(vfs, path, bytes => Buffer.concat([bytes, Buffer.alloc(300)]))
    const { directory, log } = await openLog({ vfs, config: settings })
    await log.append(numbers(RECORDS, 10))
    await directory.close()
    // Without its notes the next opening looks at the end of the log.
    vfs.sync.unlink('/data/varve.durable-offsets')
    const again = await openLog({ vfs, config: settings })
    await again.directory.close()
    return again.directory.findings.map(finding => finding.kind)
  }
  t.same(await check(), [])
  t.teardown(plant('zerosTakenForRecords'))
  t.same(await check(), ['corruption'])
})
