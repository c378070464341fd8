import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FakeClock, MemFs, NodeFs, SeededRandom } from '@varve/platform'
import { FaultFs, type Operation } from '@varve/testkit'
import type { LogDirectory } from '../src/directory/log-directory.ts'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import { config, DAY, numbers, openDirectory, openLog, range, TOPIC_ID, valuesFrom } from './helpers.ts'

const settings = config({ segmentBytes: 4000, indexIntervalBytes: 200 })
const CHECKPOINT = '/data/varve.durable-offsets'

async function fill(directory: LogDirectory, partitions: number, batches = 2): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    const log = await directory.createPartition({ topic: 't', partition, topicId: TOPIC_ID })
    for (let batch = 0; batch < batches; batch++) await log.append(numbers(batch * 10, 10))
  }
}

/** What is asked of the disk while `task` runs, by kind of operation. */
async function asked(
  vfs: MemFs,
  task: (vfs: FaultFs) => Promise<unknown>,
): Promise<{ operations: Map<string, number>; paths: string[] }> {
  const operations = new Map<string, number>()
  const paths: string[] = []
  const fs = new FaultFs(vfs, {
    onOperation({ operation, path }: { operation: Operation; path: string }) {
      operations.set(operation, (operations.get(operation) ?? 0) + 1)
      paths.push(`${operation} ${path}`)
    },
  })
  await task(fs)
  return { operations: new Map(operations), paths: [...paths] }
}

async function closedDirectory(partitions: number): Promise<MemFs> {
  const vfs = new MemFs()
  const directory = await openDirectory({ vfs, configOf: () => settings })
  await fill(directory, partitions)
  await directory.close()
  return vfs
}

t.test('a closed partition costs a listing, the size of a segment and three small files to open', async t => {
  const counts: Map<string, number>[] = []
  for (const partitions of [10, 30]) {
    const vfs = await closedDirectory(partitions)
    let directory: LogDirectory | undefined
    const { operations, paths } = await asked(vfs, async fs => {
      directory = await openDirectory({ vfs: fs, configOf: () => settings })
    })
    counts.push(operations)
    t.same(
      paths.filter(path => /\.(index|timeindex)$|^(open|read|write).*\.log$/.test(path)),
      [],
      'nothing of a log or an index is read',
    )
    t.equal(directory?.openFiles, 0)
    for (const log of directory?.partitions.values() ?? []) t.same(await valuesFrom(log), range(0, 20))
    await directory?.close()
  }
  const more = (operation: string): number =>
    (counts[1]?.get(operation) ?? 0) - (counts[0]?.get(operation) ?? 0)
  t.equal(more('list'), 20)
  t.equal(more('stat'), 20)
  t.equal(more('readFile'), 60)
  for (const operation of counts[1]?.keys() ?? [])
    if (!['list', 'stat', 'readFile'].includes(operation)) t.equal(more(operation), 0, operation)
})

t.test('closing what was only opened writes for no partition', async t => {
  const counts: Map<string, number>[] = []
  for (const partitions of [10, 30]) {
    const vfs = await closedDirectory(partitions)
    const { operations } = await asked(vfs, async fs => {
      const directory = await openDirectory({ vfs: fs, configOf: () => settings })
      await directory.flush()
      await directory.close()
    })
    counts.push(operations)
  }
  for (const operation of ['open', 'write', 'datasync', 'syncDir', 'rename'])
    t.equal(counts[1]?.get(operation), counts[0]?.get(operation), operation)
})

t.test('recovery does the same however much is stored below the recovery point', async t => {
  const found: { operations: Map<string, number>; bytes: number }[] = []
  for (const segments of [2, 200]) {
    const vfs = new MemFs({ crashable: true })
    const clock = new FakeClock(DAY)
    const machine = new FakeMachine()
    const { directory, log } = await openLog({ vfs, clock, machine, config: config({ segmentBytes: 2000 }) })
    let batch = 0
    while (log.segments.length < segments || (log.segments.at(-1)?.size ?? 0) < 1000)
      await log.append(numbers(batch++ * 10, 10, { bytes: 20 }))
    await clock.advanceAsync(200)
    for (let more = 0; more < 2; more++) await log.append(numbers(batch++ * 10, 10))
    const left = vfs.crashClone({
      rng: new SeededRandom(1),
      unsyncedPercent: 100,
    })
    let bytes = 0
    const { operations } = await asked(left, async fs => {
      const counting = countReads(fs, count => {
        bytes += count
      })
      const again = await openLog({ vfs: counting, machine: new FakeMachine({ bootId: 'again' }) })
      t.equal(again.log.logEndOffset, batch * 10)
      t.equal(again.directory.wasClean, false)
    })
    // The sizes of the segments come with their names.
    operations.delete('stat')
    found.push({ operations, bytes })
    await directory.close()
  }
  t.same(found[1]?.operations, found[0]?.operations, 'the same operations beyond the listing')
  t.ok(Math.abs((found[1]?.bytes ?? 0) - (found[0]?.bytes ?? 0)) < 2000, 'and as many bytes')
})

/** Counts the bytes that are read of open files. */
function countReads(fs: FaultFs, count: (bytes: number) => void): FaultFs {
  const open = fs.open.bind(fs)
  fs.open = async (path, mode) => {
    const file = await open(path, mode)
    const read = file.read.bind(file)
    file.read = async (target, position) => {
      const done = await read(target, position)
      count(done)
      return done
    }
    return file
  }
  return fs
}

t.test('a note of one durable offset writes one line, and old ones go in time', async t => {
  const vfs = new MemFs()
  const clock = new FakeClock(DAY)
  const directory = await openDirectory({ vfs, clock, configOf: () => settings })
  await fill(directory, 200)
  await clock.advanceAsync(200)
  const before = vfs.sync.readFile(CHECKPOINT).length
  const log = directory.partitions.get('t-7')
  let previous = before
  for (let round = 0; round < 3; round++) {
    await log?.append(numbers(0, 1))
    await clock.advanceAsync(200)
    const { length } = vfs.sync.readFile(CHECKPOINT)
    t.ok(length > previous && length - previous < 120, `${length - previous} bytes`)
    previous = length
  }
  for (let round = 0; round < 1200; round++) {
    await log?.append(numbers(0, 1))
    await clock.advanceAsync(100)
  }
  t.ok(vfs.sync.readFile(CHECKPOINT).length < 3 * before + 80_000, 'the file is written anew')
  await directory.close()
  const again = await openDirectory({ vfs, configOf: () => settings })
  t.same(again.findings, [])
  await again.close()
})

t.test('a torn, damaged or old note costs a look at the log, never a record', async t => {
  const harms: ((bytes: Buffer) => Buffer)[] = [
    bytes => bytes.subarray(0, bytes.length - 3),
    bytes => Buffer.concat([bytes, Buffer.alloc(300)]),
    bytes => Buffer.concat([bytes, Buffer.from('0\n1\nt 0 5\n')]),
    bytes => bytes.fill(0, 0, 20),
    () => Buffer.alloc(0),
    bytes => Buffer.from(bytes.toString('latin1').replace(' 20 ', ' 10 '), 'latin1'),
  ]
  for (const [number, harm] of harms.entries()) {
    const vfs = await closedDirectory(3)
    const bytes = harm(vfs.sync.readFile(CHECKPOINT))
    const file = vfs.sync.open(CHECKPOINT, 'write')
    file.truncate(0)
    file.write([bytes], 0)
    file.close()
    for (let life = 0; life < 2; life++) {
      const directory = await openDirectory({ vfs, configOf: () => settings })
      t.same(directory.findings, [], `harm ${number}`)
      for (const log of directory.partitions.values())
        t.same(await valuesFrom(log, 0), [...range(0, 20), ...range(0, life * 10)], `harm ${number}`)
      for (const log of directory.partitions.values()) await log.append(numbers(0, 10))
      await directory.close()
    }
  }
})

t.test('what somebody changed at the end of a closed log is met before anything is appended', async t => {
  const vfs = await closedDirectory(2)
  const path = '/data/t-0/00000000000000000000.log'
  const bytes = vfs.sync.readFile(path)
  // The magic of the last batch: its length stays.
  const last = bytes.readInt32BE(8) + 12
  bytes.writeUInt8(9, last + 16)
  const file = vfs.sync.open(path, 'write')
  file.write([bytes], 0)
  file.close()
  const directory = await openDirectory({ vfs, configOf: () => settings })
  const log = directory.partitions.get('t-0')
  t.same(directory.findings, [], 'an opening reads nothing of it')
  t.equal((await log?.append(numbers(20, 1)))?.baseOffset, 20)
  t.ok(directory.findings.every(({ kind }) => kind === 'corruption') && directory.findings.length > 0)
  t.match(directory.findings[0], { path, topic: 't', partition: 0 })
  t.equal(log?.segments.length, 2, 'and the log goes on in a segment of its own')
  await t.rejects(async () => log?.read({ offset: 10 }), {
    code: 'CORRUPT_MESSAGE',
    context: { path, position: last },
  })
  if (log !== undefined) t.same(await valuesFrom(log, 20), ['20'])
  t.ok(vfs.sync.readFile(path).equals(bytes), 'nothing was cut')
  await directory.close()
})

t.test('the disk is read in place where that is quick, and the answers are the same', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-many-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const path = join(folder, 'data')
  const directory = await openDirectory({ vfs: new NodeFs(), configOf: () => settings }, path)
  await fill(directory, 40, 1)
  await directory.close()
  class Threaded extends NodeFs {
    override readonly answersInPlace = false as true
  }
  for (const vfs of [new NodeFs(), new Threaded()]) {
    const again = await openDirectory({ vfs, configOf: () => settings }, path)
    t.equal(again.partitions.size, 40)
    t.same(again.findings, [])
    for (const log of again.partitions.values())
      t.match(log, { logStartOffset: 0, logEndOffset: 10, durableOffset: 10, topicId: TOPIC_ID })
    const [first] = again.partitions.values()
    if (first !== undefined) t.same(await valuesFrom(first), range(0, 10))
    await again.close()
  }
})
