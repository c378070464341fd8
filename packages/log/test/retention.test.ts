import t, { type Test } from 'tap'
import { FakeClock, MemFs, SeededRandom } from '@varve/platform'
import { batchOf, FaultFs } from '@varve/testkit'
import type { LogDirectory } from '../src/directory/log-directory.ts'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { plant, type PlantedBug } from '../src/testing/planted-bugs.ts'
import {
  config,
  crashed,
  DAY,
  numbers,
  openDirectory,
  openLog,
  range,
  TOPIC_ID,
  valuesFrom,
} from './helpers.ts'

const HOUR = 3600 * 1000
const small = { segmentBytes: 500, indexIntervalBytes: 200, fileDeleteDelayMs: 0 }

/** A log of ten records a batch, and about three batches a segment, whose records are `step` ms apart. */
async function filled(
  options: Parameters<typeof config>[0] = {},
  { batches = 12, clock = new FakeClock(DAY) }: { batches?: number; clock?: FakeClock } = {},
) {
  const vfs = new MemFs({ clock })
  const { directory, log } = await openLog({ vfs, clock, config: config({ ...small, ...options }) })
  for (let batch = 0; batch < batches; batch++)
    await log.append(numbers(batch * 10, 10, { timestamp: DAY - 10 * HOUR + (batch * HOUR) / 2 }))
  return { vfs, clock, directory, log }
}

const names = (vfs: MemFs, folder = '/data/t-0'): string[] => vfs.sync.list(folder).map(({ name }) => name)

t.test('retention.ms takes the segments whose newest record is too old, and no others', async t => {
  const { directory, log, clock, vfs } = await filled({ retentionMs: 8 * HOUR })
  const segments = log.segments.map(({ baseOffset }) => baseOffset)
  t.ok(segments.length > 3)
  // The newest record of the first segment.
  const newest = DAY - 10 * HOUR + ((segments[1]! / 10 - 1) * HOUR) / 2 + segments[1]! - 1
  clock.setNow(newest + 8 * HOUR)
  t.equal(await log.applyRetention(), 0, 'exactly as old as it may be')
  clock.setNow(newest + 8 * HOUR + 1)
  t.equal(await log.applyRetention(), 1)
  t.equal(log.logStartOffset, segments[1])
  t.same(await valuesFrom(log), range(segments[1]!, 120))
  await t.rejects(log.read({ offset: 0 }), { code: 'OFFSET_OUT_OF_RANGE' })
  t.same(
    names(vfs).filter(name => name.startsWith('0'.repeat(20))),
    [],
    'its files are gone',
  )
  await directory.close()
})

t.test('retention.bytes takes as much as leaves that many bytes', async t => {
  const { directory, log } = await filled()
  const sizes = log.segments.map(({ size }) => size)
  const kept = log.size - sizes[0]! - sizes[1]!
  log.configure(config({ ...small, retentionBytes: kept + 1 }))
  t.equal(await log.applyRetention(), 1, 'one byte more has to stay')
  log.configure(config({ ...small, retentionBytes: kept }))
  t.equal(await log.applyRetention(), 1)
  t.equal(log.size, kept)
  await directory.close()
})

t.test('a log that is expired whole goes on behind its end, also after opening it again', async t => {
  const { directory, log, clock, vfs } = await filled({ retentionMs: HOUR })
  clock.setNow(DAY + 48 * HOUR)
  const count = log.segments.length
  t.equal(await log.applyRetention(), count)
  t.equal(await log.applyRetention(), 0, 'an empty newest segment stays')
  t.same([log.logStartOffset, log.logEndOffset, log.size], [120, 120, 0])
  t.equal((await log.append(numbers(120, 10, { timestamp: DAY + 48 * HOUR }))).baseOffset, 120)
  await directory.close()
  const again = await openLog({ vfs, clock, config: config(small) })
  t.same(again.directory.findings, [])
  t.same(await valuesFrom(again.log), range(120, 130))
  await again.directory.close()
})

t.test('without delete in cleanup.policy only what lies below the start goes', async t => {
  const { directory, log, clock } = await filled({ retentionMs: 1, retentionBytes: 0, delete: false })
  clock.setNow(DAY + 48 * HOUR)
  t.equal(await log.applyRetention(), 0)
  const second = log.segments[1]!.baseOffset
  await log.deleteRecords(second + 3)
  t.equal(log.segments[0]!.baseOffset, second)
  t.equal(log.logStartOffset, second + 3)
  await directory.close()
})

t.test('a log that is opened by itself deletes nothing', async t => {
  const { directory, log, clock } = await filled()
  clock.setNow(DAY + 400 * 24 * HOUR)
  t.equal(await log.applyRetention(), 0)
  t.equal(log.logStartOffset, 0)
  await directory.close()
})

async function pinned(t: Test, after: number): Promise<void> {
  const clock = new FakeClock(DAY)
  const { directory, log } = await filled(
    { retentionMs: 8 * HOUR, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER },
    { clock, batches: 0 },
  )
  await log.append(numbers(0, 1, { timestamp: DAY + 10 * 365 * 24 * HOUR }))
  for (let batch = 1; batch < 14; batch++)
    await log.append(numbers(batch * 10, 10, { timestamp: DAY - HOUR }))
  log.configure(config({ ...small, retentionMs: 8 * HOUR, messageTimestampAfterMaxMs: after }))
  clock.setNow(DAY + 9 * HOUR)
  t.equal(await log.applyRetention(), 0, 'not earlier than a record that was let in could be')
  clock.setNow(DAY + 9 * HOUR + 1)
  t.ok((await log.applyRetention()) > 2, 'ten years are not waited for')
  await directory.close()
}

t.test('one record from the future pins nothing', async t => {
  await pinned(t, HOUR)
  await pinned(t, Number.MAX_SAFE_INTEGER)
})

t.test('a record from the future that was there when the directory was opened pins nothing', async t => {
  const { vfs, clock, directory, log } = await filled({ retentionMs: 8 * HOUR }, { batches: 0 })
  await log.append(numbers(0, 1, { timestamp: DAY + 10 * 365 * 24 * HOUR }))
  for (let batch = 1; batch < 9; batch++) await log.append(numbers(batch * 10, 10, { timestamp: DAY }))
  await directory.close()
  const again = await openLog({ vfs, clock, config: config({ ...small, retentionMs: 8 * HOUR }) })
  t.equal(await again.log.applyRetention(), 0)
  clock.setNow(DAY + 9 * HOUR + 1)
  t.ok((await again.log.applyRetention()) > 1)
  await again.directory.close()
})

t.test('the bug of a retention that the future pins is found', async t => {
  const heal = plant('retentionPinnedByFuture')
  t.teardown(heal)
  const { directory, log, clock } = await filled({ retentionMs: HOUR }, { batches: 0 })
  await log.append(numbers(0, 1, { timestamp: DAY + 10 * 365 * 24 * HOUR }))
  clock.setNow(DAY + 24 * HOUR)
  t.equal(await log.applyRetention(), 0, 'it stays for ten years')
  heal()
  t.equal(await log.applyRetention(), 1)
  await directory.close()
})

t.test('records are deleted before an offset, as Kafka does', async t => {
  const { directory, log, vfs, clock } = await filled()
  await t.rejects(log.deleteRecords(121), { code: 'OFFSET_OUT_OF_RANGE' })
  await t.rejects(log.deleteRecords(-2), { code: 'OFFSET_OUT_OF_RANGE' })
  t.equal(await log.deleteRecords(55), 55)
  t.equal(await log.deleteRecords(20), 55, 'a smaller one changes nothing')
  await t.rejects(log.read({ offset: 54 }), { code: 'OFFSET_OUT_OF_RANGE' })
  t.same(await valuesFrom(log), range(55, 120))
  t.same((await log.offsetForTimestamp(0))?.offset, 55)
  t.same(log.leaderEpochs, [{ epoch: 0, startOffset: 55 }])
  await directory.close()
  const again = await openLog({ vfs, clock, config: config(small) })
  t.equal(again.log.logStartOffset, 55)
  t.equal(await again.log.deleteRecords(-1), 120)
  t.same(await valuesFrom(again.log), [])
  t.equal((await again.log.append(numbers(120, 1))).baseOffset, 120)
  await again.directory.close()
  await t.rejects(again.log.deleteRecords(-1), { code: 'CLOSED' })
  const reader = await openLog({ vfs, readOnly: true })
  await t.rejects(reader.log.deleteRecords(-1), { code: 'NOT_PERMITTED' })
  await reader.directory.close()
})

t.test('a reader beside the owner learns where the log starts now', async t => {
  const { directory, log, vfs, clock } = await filled({ fileDeleteDelayMs: 60_000 })
  const reader = await openLog({ vfs, clock, readOnly: true, config: config(small) })
  const second = log.segments[1]!.baseOffset
  await log.deleteRecords(second)
  t.ok(await reader.log.refresh())
  t.equal(reader.log.logStartOffset, second)
  await t.rejects(reader.log.read({ offset: 0 }), { code: 'OFFSET_OUT_OF_RANGE' })
  t.same(await valuesFrom(reader.log), range(second, 120))
  t.same(reader.directory.findings, [])
  await reader.directory.close()
  await directory.close()
})

t.test('producers are known after all of their batches were deleted', async t => {
  const machine = new FakeMachine()
  let vfs = new MemFs({ crashable: true })
  const batch = (sequence: number): Buffer =>
    batchOf([{ value: String(sequence) }], {
      timestamp: DAY,
      producerId: 7,
      producerEpoch: 0,
      baseSequence: sequence,
    })
  let life = machine.spawn({ bootId: 'first' })
  let { directory, log } = await openLog({ vfs, machine: life, config: config(small) })
  for (let sequence = 0; sequence < 20; sequence++) await log.append(batch(sequence))
  log.configure(config({ ...small, retentionBytes: 0 }))
  t.ok((await log.applyRetention()) > 1)
  t.same([log.logStartOffset, log.size], [20, 0])
  t.equal((await log.append(batch(19))).baseOffset, 19, 'a duplicate')
  vfs = crashed(vfs, 'producers', 0)
  life.kill()
  await directory.close().catch(() => undefined)
  life = machine.spawn({ bootId: 'second' })
  ;({ directory, log } = await openLog({ vfs, machine: life, config: config(small) }))
  t.same(directory.findings, [])
  t.equal((await log.append(batch(19))).baseOffset, 19, 'a duplicate after a power cut, too')
  t.equal((await log.append(batch(20))).baseOffset, 20)
  await t.rejects(log.append(batch(22)), { code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
  await directory.close()
})

t.test('files keep a deleted name for a while, and go at the next opening at the latest', async t => {
  const { directory, log, vfs, clock } = await filled({ fileDeleteDelayMs: 60_000 })
  await log.deleteRecords(-1)
  const deleted = (): string[] => names(vfs).filter(name => name.endsWith('.deleted'))
  t.ok(deleted().includes(`${'0'.repeat(20)}.log.deleted`))
  t.ok(deleted().includes(`${'0'.repeat(20)}.index.deleted`))
  await clock.advanceAsync(59_999)
  t.ok(deleted().length > 0)
  await clock.advanceAsync(1)
  t.same(deleted(), [])
  for (let batch = 12; batch < 24; batch++) await log.append(numbers(batch * 10, 10))
  await log.deleteRecords(-1)
  t.ok(deleted().length > 0)
  await directory.close()
  t.ok(deleted().length > 0, 'a close waits for no delay')
  vfs.sync.open(`/data/t-0/${'0'.repeat(20)}.index`, 'create').close()
  const again = await openLog({ vfs, clock, config: config(small) })
  t.same(deleted(), [])
  t.notOk(names(vfs).includes(`${'0'.repeat(20)}.index`), 'nor does an index stay without its log')
  t.same(again.directory.findings, [])
  await again.directory.close()
})

t.test('a deleted partition waits in a folder of its own, and its name is free at once', async t => {
  const { directory, vfs, clock } = await filled({ fileDeleteDelayMs: 60_000 })
  const folders = (): string[] => names(vfs, '/data').filter(name => name.endsWith('-delete'))
  await directory.deletePartition({ topic: 't', partition: 0 })
  t.equal(folders().length, 1)
  const log = await directory.createPartition({ topic: 't', partition: 0, topicId: TOPIC_ID })
  t.equal(log.logEndOffset, 0)
  await clock.advanceAsync(60_000)
  t.same(folders(), [])
  await directory.close()
})

/** A read that has its file open waits for its bytes while the segment is deleted. */
async function readUnderDeletion(): Promise<string[]> {
  const inner = new MemFs()
  const vfs = new FaultFs(inner)
  const { directory, log } = await openLog({ vfs, config: config(small) })
  try {
    for (let batch = 0; batch < 12; batch++) await log.append(numbers(batch * 10, 10))
    const hold = vfs.hold({ operation: 'read', path: `${'0'.repeat(20)}.log` })
    const reading = log.read({ offset: 0, maxBytes: 1 })
    await hold.reached()
    const deleted = log.deleteRecords(-1)
    await deleted
    hold.release()
    const { bytes } = await reading
    return [String(bytes.length > 0)]
  } finally {
    await directory.close()
  }
}

t.test('a read that began keeps its file; one that comes late is told that the offset is gone', async t => {
  t.same(await readUnderDeletion(), ['true'])
  const heal = plant('retentionUnderReader')
  await t.rejects(readUnderDeletion(), 'the bug is found').finally(heal)

  const vfs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs, config: config(small), openFilesMax: 1 })
  for (let batch = 0; batch < 12; batch++) await log.append(numbers(batch * 10, 10))
  const hold = vfs.hold({ operation: 'open', path: `${'0'.repeat(20)}.log` })
  const late = log.read({ offset: 0 })
  const lookup = log.offsetForTimestamp(0)
  await hold.reached()
  const deleted = log.deleteRecords(45)
  while (log.logStartOffset === 0) await new Promise(setImmediate)
  hold.release()
  await deleted
  await late.then(
    ({ bytes }) => t.ok(bytes.length > 0),
    (error: unknown) => t.match(error, { code: 'OFFSET_OUT_OF_RANGE' }),
  )
  t.ok([0, 45].includes((await lookup)?.offset ?? -1))
  await directory.close()
})

/*
 * Power cuts. One workload, cut at each of its operations: appends, deletions of records, retention, partitions that are
 * made and deleted.
 */

interface Promises {
  /** Acknowledged. */
  end: number
  start: number
  /** Asked for, perhaps done. */
  startAsked: number
  otherThere: boolean | undefined
}

const cutConfig = config({ ...small, segmentBytes: 700, retentionBytes: 1500 })

async function workload(directory: LogDirectory, log: PartitionLog, promised: Promises): Promise<void> {
  let next = log.logEndOffset
  const append = async (batches: number): Promise<void> => {
    for (; batches > 0; batches--, next += 5)
      promised.end = (await log.append(numbers(next, 5))).lastOffset + 1
  }
  const retain = async (): Promise<void> => {
    promised.startAsked = log.logEndOffset
    await log.applyRetention()
    promised.start = log.logStartOffset
  }
  await append(9)
  await retain()
  promised.startAsked = next - 7
  promised.start = Math.max(promised.start, await log.deleteRecords(next - 7))
  promised.otherThere = undefined
  const other = { topic: 'u', partition: 0 }
  const made = await directory
    .createPartition({ ...other, topicId: 'O'.repeat(22), config: cutConfig })
    .catch(() => undefined)
  promised.otherThere = made === undefined ? undefined : true
  await made?.append(numbers(0, 3))
  await append(4)
  promised.startAsked = next
  promised.start = Math.max(promised.start, await log.deleteRecords(-1))
  await append(6)
  promised.otherThere = undefined
  if (made !== undefined) await directory.deletePartition(other)
  promised.otherThere = false
  await retain()
}

async function check(where: string, vfs: MemFs, machine: FakeMachine, promised: Promises): Promise<void> {
  const process = machine.spawn({ bootId: where })
  const { directory, log } = await openLog({ vfs, machine: process, config: cutConfig })
  const bad = directory.findings.filter(
    ({ kind }) => !['torn-tail', 'zero-tail', 'incomplete-partition'].includes(kind),
  )
  if (bad.length > 0) throw new Error(`${where}: ${bad[0]!.message}`)
  const { logStartOffset: start, logEndOffset: end } = log
  if (end < promised.end) throw new Error(`${where}: ends at ${end}, promised ${promised.end}`)
  if (start < promised.start || start > Math.max(promised.start, promised.startAsked))
    throw new Error(`${where}: starts at ${start}, promised ${promised.start} to ${promised.startAsked}`)
  const values = await valuesFrom(log)
  if (values.join() !== range(start, end).join()) throw new Error(`${where}: holds ${values.join()}`)
  const there = directory.partitions.has('u-0')
  if (promised.otherThere !== undefined && there !== promised.otherThere)
    throw new Error(`${where}: the other partition is ${there ? '' : 'not '}there`)
  await log.append(numbers(end, 5))
  await log.applyRetention()
  if ((await valuesFrom(log)).join() !== range(log.logStartOffset, end + 5).join())
    throw new Error(`${where}: holds something else after retention`)
  await directory.close()
}

/** What another function sets meanwhile is not what the compiler saw last. */
function isTrue(value: boolean): boolean {
  return value
}

/** @returns whether the workload ended before the cut */
async function cutAt(operation: number, unsyncedPercent: number): Promise<boolean> {
  const where = `operation ${operation}, ${unsyncedPercent} % of what was not synced`
  const machine = new FakeMachine()
  const vfs = new MemFs({ crashable: true })
  const fs = new FaultFs(vfs)
  const process = machine.spawn({ bootId: 'first' })
  const { directory, log } = await openLog({ vfs: fs, machine: process, config: cutConfig })
  const promised: Promises = { end: 0, start: 0, startAsked: 0, otherThere: false }
  const begin = fs.operations
  let ended = false
  const working = workload(directory, log, promised).then(
    () => {
      ended = true
    },
    () => undefined,
  )
  while (!isTrue(ended) && fs.operations - begin < operation) await Promise.resolve()
  const known = { ...promised }
  const left = crashed(vfs, where, unsyncedPercent)
  fs.cutPower()
  process.kill()
  await working
  await directory.close().catch(() => undefined)
  // The power goes again while recovery runs.
  const again = new FaultFs(left)
  const second = machine.spawn({ bootId: 'second' })
  const opening = openLog({ vfs: again, machine: second, config: cutConfig })
  const steps = new SeededRandom(where).int(200)
  for (let step = 0; step < steps; step++) await Promise.resolve()
  const leftAgain = crashed(left, `${where}, again`, unsyncedPercent)
  again.cutPower()
  second.kill()
  await opening.then(opened => opened.directory.close()).catch(() => undefined)
  await check(where, leftAgain, machine, known)
  return ended
}

async function cutEverywhere(): Promise<number> {
  let cuts = 0
  for (const { unsyncedPercent, step } of [
    { unsyncedPercent: 0, step: 3 },
    { unsyncedPercent: 40, step: 4 },
    { unsyncedPercent: 100, step: 11 },
  ])
    for (let operation = 1; !(await cutAt(operation, unsyncedPercent)); operation += step) cuts++
  return cuts
}

t.test('a power cut at any operation leaves no log that seems to miss something', async t => {
  const cuts = await cutEverywhere()
  t.ok(cuts > 100, `${cuts} cuts`)
})

for (const bug of ['logStartUnsynced', 'directorySyncLeftOut', 'dataSyncLeftOut'] satisfies PlantedBug[]) {
  t.test(`the same cuts find the bug ${bug}`, async t => {
    await t.rejects(cutEverywhere().finally(plant(bug)))
  })
}

t.test('a partition that cannot be read now does not end the check of the others', async t => {
  const clock = new FakeClock(DAY)
  const vfs = new FaultFs(new MemFs({ clock }))
  const settings = config({ ...small, retentionBytes: 0 })
  const directory = await openDirectory({
    vfs,
    clock,
    configOf: () => settings,
    retentionCheckIntervalMs: 1000,
  })
  const logs = await Promise.all(
    [0, 1, 2].map(partition => directory.createPartition({ topic: 't', partition, topicId: TOPIC_ID })),
  )
  for (const log of logs) await log.append(numbers(0, 10))
  const fault = vfs.fail({ operation: 'open', path: 't-1', times: Infinity })
  await clock.advanceAsync(1000)
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  t.same([logs[0]!.logStartOffset, logs[2]!.logStartOffset], [10, 10])
  t.ok(fault.fired > 0)
  await directory.close().catch(() => undefined)
})

t.test('an offset that is no whole number deletes nothing, and no checkpoint is damaged by it', async t => {
  const { directory, log, clock, vfs } = await filled()
  for (const offset of [1.5, Number.NaN, Infinity, -2, 2 ** 53])
    await t.rejects(log.deleteRecords(offset), { code: 'OFFSET_OUT_OF_RANGE' }, String(offset))
  t.equal(log.logStartOffset, 0)
  await directory.close()
  const again = await openLog({ vfs, clock, config: config(small) })
  t.same(await valuesFrom(again.log), range(0, 120))
  await again.directory.close()
})

t.test('the rest of a deleted partition that cannot be removed keeps nobody from opening', async t => {
  const { directory, clock, vfs } = await filled()
  await directory.close()
  const left = `/data/gone-0.${'a'.repeat(32)}-delete`
  await vfs.ensureDir(left)
  const faulty = new FaultFs(vfs)
  faulty.fail({ operation: 'removeTree', errno: 'EACCES' })
  const again = await openLog({ vfs: faulty, clock, config: config(small) })
  t.same(await valuesFrom(again.log), range(0, 120))
  faulty.assertFired()
  await again.directory.close()
})

t.test('a check of many partitions writes the checkpoints of all a few times, not once for each', async t => {
  const clock = new FakeClock(DAY)
  let written = 0
  const vfs = new FaultFs(new MemFs({ clock }), {
    onOperation: ({ operation, path }) => {
      if (operation === 'rename' && path.includes('log-start-offset-checkpoint')) written++
    },
  })
  const directory = await openDirectory({
    vfs,
    clock,
    configOf: () => config({ ...small, retentionBytes: 0 }),
    retentionCheckIntervalMs: 1000,
  })
  for (let partition = 0; partition < 200; partition++) {
    const log = await directory.createPartition({ topic: 't', partition, topicId: TOPIC_ID })
    await log.append(numbers(0, 10))
  }
  const starts = (): number[] => [...directory.partitions.values()].map(log => log.logStartOffset)
  await clock.advanceAsync(1000)
  for (let turn = 0; turn < 5000 && starts().includes(0); turn++) await new Promise(setImmediate)
  t.notOk(starts().includes(0))
  t.ok(written < 20, String(written))
  await directory.close()
})
