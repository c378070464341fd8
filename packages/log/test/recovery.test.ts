import t from 'tap'
import { MemFs } from '@varve/platform'
import { readBatchSize } from '@varve/records'
import type { LogDirectory } from '../src/directory/log-directory.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import { plant } from '../src/testing/planted-bugs.ts'
import { config, damage, numbers, openLog, range, valuesFrom } from './helpers.ts'

const FIRST = '/data/t-0/00000000000000000000.log'

interface Filled {
  vfs: MemFs
  directory: LogDirectory
  log: PartitionLog
}

/** A closed directory whose partition `t-0` holds `batches` batches of ten records. */
async function filled(batches: number, changes: Parameters<typeof config>[0] = {}): Promise<Filled> {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs, config: config({ indexIntervalBytes: 500, ...changes }) })
  for (let batch = 0; batch < batches; batch++) await log.append(numbers(batch * 10, 10))
  await directory.close()
  return { vfs, directory, log }
}

/** Makes a closed directory look as if its owner had died, with these offsets known to be durable. */
function asKilled(vfs: MemFs, durable: number): void {
  vfs.sync.unlink('/data/.kafka_cleanshutdown')
  vfs.sync.rename('/data/meta.properties', '/data/meta.properties.varve-owned')
  vfs.sync.unlink('/data/varve.durable-offsets')
  damage(vfs, '/data/recovery-point-offset-checkpoint', () => Buffer.from(`0\n1\nt 0 ${durable}\n`))
}

/** Where each batch of a file starts. */
function positions(bytes: Buffer): number[] {
  const starts: number[] = []
  for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) starts.push(at)
  return starts
}

function tornFiles(vfs: MemFs): string[] {
  return vfs.sync
    .list('/data/t-0')
    .map(entry => entry.name)
    .filter(name => name.endsWith('.torn'))
}

const kinds = (directory: LogDirectory): string[] => directory.findings.map(finding => finding.kind)

t.test('a torn tail is set aside, and the log goes on behind the last whole batch', async t => {
  const { vfs } = await filled(20)
  asKilled(vfs, 100)
  const starts = positions(vfs.sync.readFile(FIRST))
  const cut = (starts.at(-1) ?? 0) + 30
  damage(vfs, FIRST, bytes => bytes.subarray(0, cut))
  const { directory, log } = await openLog({ vfs })
  t.equal(log.logEndOffset, 190)
  t.same(kinds(directory), ['torn-tail'])
  t.same(tornFiles(vfs), [`00000000000000000000.${starts.at(-1) ?? 0}.torn`])
  await log.append(numbers(190, 10))
  t.same(await valuesFrom(log), range(0, 200))
  await directory.close()
  const again = await openLog({ vfs })
  t.same(await valuesFrom(again.log), range(0, 200))
  t.same(again.directory.findings, [])
  await again.directory.close()
})

t.test('a bad batch above the durable offset takes what follows with it, and says so', async t => {
  const { vfs } = await filled(20)
  asKilled(vfs, 100)
  const starts = positions(vfs.sync.readFile(FIRST))
  damage(vfs, FIRST, bytes => {
    bytes.writeUInt8(bytes.readUInt8((starts[15] ?? 0) + 80) ^ 1, (starts[15] ?? 0) + 80)
    return bytes
  })
  const size = vfs.sync.readFile(FIRST).length
  const { directory, log } = await openLog({ vfs })
  t.equal(log.logEndOffset, 150)
  t.same(kinds(directory), ['torn-tail', 'batch-behind-torn'])
  t.equal(vfs.sync.readFile(`/data/t-0/${tornFiles(vfs)[0] ?? ''}`).length, size - (starts[15] ?? 0))
  await directory.close()
})

t.test('a batch stored as a value is no batch of the log', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs })
  await log.append(numbers(0, 10))
  const inner = numbers(0, 10)
  inner.writeBigInt64BE(10n, 0)
  await log.append(numbers(10, 1, { bytes: 100 }))
  const { batchOf } = await import('@varve/testkit')
  await log.append(batchOf([{ value: inner }, 'behind']))
  await directory.close()
  asKilled(vfs, 10)
  const starts = positions(vfs.sync.readFile(FIRST))
  damage(vfs, FIRST, bytes => {
    bytes.writeUInt8(9, (starts[1] ?? 0) + 70)
    bytes.writeUInt8(9, (starts[2] ?? 0) + 30)
    return bytes
  })
  const again = await openLog({ vfs })
  t.same(kinds(again.directory), ['torn-tail'])
  t.equal(again.log.logEndOffset, 10)
  await again.directory.close()
})

for (const killed of [false, true]) {
  t.test(
    `damage below the durable offset is named and nothing is cut, ${killed ? 'after a kill' : 'after a close'}`,
    async t => {
      const { vfs } = await filled(20)
      if (killed) asKilled(vfs, 200)
      const bytes = vfs.sync.readFile(FIRST)
      const starts = positions(bytes)
      // The checksum covers this one: it is found when it is read.
      bytes.writeUInt8(bytes.readUInt8((starts[7] ?? 0) + 100) ^ 64, (starts[7] ?? 0) + 100)
      // The base offset of this one and the length of that one lie outside of the checksum.
      bytes.writeUInt8(bytes.readUInt8((starts[11] ?? 0) + 6) ^ 1, (starts[11] ?? 0) + 6)
      bytes.writeUInt8(bytes.readUInt8((starts[15] ?? 0) + 10) ^ 2, (starts[15] ?? 0) + 10)
      damage(vfs, FIRST, () => bytes)
      const { directory, log } = await openLog({ vfs })
      t.equal(log.logEndOffset, 200)
      t.same(tornFiles(vfs), [])
      for (let offset = 0; offset < 200; offset += 5) {
        const bad = [7, 11, 15].includes(Math.floor(offset / 10))
        const read = log.read({ offset })
        if (bad) {
          const position = starts[Math.floor(offset / 10)]
          await t.rejects(
            read,
            { code: 'CORRUPT_MESSAGE', context: { offset, position, path: FIRST } },
            `offset ${offset}`,
          )
        } else {
          const { bytes: found } = await read
          t.ok(Number(found.readBigInt64BE(0)) <= offset, `offset ${offset}`)
          t.ok(
            found.equals(
              bytes.subarray(
                starts[Math.floor(offset / 10)],
                (starts[Math.floor(offset / 10)] ?? 0) + found.length,
              ),
            ),
          )
        }
      }
      await log.append(numbers(200, 10))
      t.same(await valuesFrom(log, 160), range(160, 210))
      await directory.close()
      t.ok(vfs.sync.readFile(FIRST).subarray(0, bytes.length).equals(bytes))
    },
  )
}

t.test('the bug of cutting at corruption is found', async t => {
  const heal = plant('truncationOnCorruption')
  t.teardown(heal)
  const { vfs } = await filled(20)
  asKilled(vfs, 200)
  const starts = positions(vfs.sync.readFile(FIRST))
  damage(vfs, FIRST, bytes => {
    bytes.writeUInt8(7, (starts[18] ?? 0) + 16)
    return bytes
  })
  const { directory, log } = await openLog({ vfs })
  t.not(tornFiles(vfs).length + (log.logEndOffset - 200), 0)
  await directory.close().catch(() => undefined)
})

t.test('a log that lost durable bytes at its end does not give their offsets again', async t => {
  const { vfs } = await filled(20)
  asKilled(vfs, 200)
  const starts = positions(vfs.sync.readFile(FIRST))
  damage(vfs, FIRST, bytes => bytes.subarray(0, starts[12]))
  const { directory, log } = await openLog({ vfs })
  t.same(kinds(directory), ['missing-data'])
  t.equal(log.logEndOffset, 200)
  await t.rejects(log.read({ offset: 130 }), { code: 'CORRUPT_MESSAGE', context: { offset: 130 } })
  t.equal((await log.append(numbers(200, 10))).baseOffset, 200)
  t.same(await valuesFrom(log, 200), range(200, 210))
  t.equal((await log.read({ offset: 110 })).bytes.readBigInt64BE(0), 110n)
  await directory.close()
})

t.test('zeros at the end are an end above the durable offset only', async t => {
  const { vfs } = await filled(20)
  asKilled(vfs, 200)
  const size = vfs.sync.readFile(FIRST).length
  damage(vfs, FIRST, bytes => Buffer.concat([bytes, Buffer.alloc(5000)]))
  const above = await openLog({ vfs })
  t.same(kinds(above.directory), ['zero-tail'])
  t.same(tornFiles(vfs), [])
  t.equal(vfs.sync.readFile(FIRST).length, size)
  t.same(await valuesFrom(above.log), range(0, 200))
  await above.directory.close()

  asKilled(vfs, 200)
  const starts = positions(vfs.sync.readFile(FIRST))
  damage(vfs, FIRST, bytes => bytes.fill(0, starts[17]))
  const below = await openLog({ vfs })
  t.ok(kinds(below.directory).includes('corruption'))
  t.equal(below.log.logEndOffset, 200)
  await t.rejects(below.log.read({ offset: 185 }), { code: 'CORRUPT_MESSAGE' })
  t.equal(vfs.sync.readFile(FIRST).length, size, 'nothing was cut')
  t.equal((await below.log.append(numbers(200, 1))).baseOffset, 200)
  await below.directory.close()
})

t.test('segments behind a torn one are set aside whole', async t => {
  const { vfs, log: old } = await filled(40, { segmentBytes: 2000 })
  const segments = old.segments
  t.ok(segments.length > 3)
  const torn = segments[1]
  asKilled(vfs, torn?.baseOffset ?? 0)
  damage(vfs, torn?.path ?? '', bytes => bytes.fill(1, bytes.length - 40))
  const { directory, log } = await openLog({ vfs })
  t.ok(log.logEndOffset < (segments[2]?.baseOffset ?? 0))
  t.equal(kinds(directory).filter(kind => kind === 'segment-set-aside').length, segments.length - 2)
  t.equal(tornFiles(vfs).length, segments.length - 1)
  t.same(await valuesFrom(log), range(0, log.logEndOffset))
  await directory.close()
})

t.test('a first segment that is gone is a finding, and reads of it fail', async t => {
  const { vfs, log: old } = await filled(40, { segmentBytes: 2000 })
  const [first, second] = old.segments
  vfs.sync.unlink(first?.path ?? '')
  const { directory, log } = await openLog({ vfs })
  t.same(kinds(directory), ['missing-data'])
  t.equal(log.logStartOffset, 0)
  await t.rejects(log.read({ offset: 0 }), { code: 'CORRUPT_MESSAGE', context: { offset: 0 } })
  t.same(await valuesFrom(log, second?.baseOffset), range(second?.baseOffset ?? 0, 400))
  await directory.close()
})

t.test('a segment that is gone from the middle is no silent skip', async t => {
  const { vfs, log: old } = await filled(40, { segmentBytes: 2000 })
  const [, gone, third] = old.segments
  vfs.sync.unlink(gone?.path ?? '')
  const { directory, log } = await openLog({ vfs })
  await t.rejects(log.read({ offset: gone?.baseOffset ?? 0 }), { code: 'CORRUPT_MESSAGE' })
  t.same(await valuesFrom(log, third?.baseOffset), range(third?.baseOffset ?? 0, 400))
  await directory.close()
})

t.test('a checkpoint of the log start above the end hides nothing', async t => {
  const { vfs } = await filled(5)
  damage(vfs, '/data/log-start-offset-checkpoint', () => Buffer.from('0\n1\nt 0 5000\n'))
  const { directory, log } = await openLog({ vfs })
  t.same(kinds(directory), ['log-start-above-end'])
  t.same(await valuesFrom(log), range(0, 50))
  await directory.close()
})

t.test('the start of the log comes from its checkpoint', async t => {
  const { vfs } = await filled(5)
  damage(vfs, '/data/log-start-offset-checkpoint', () => Buffer.from('0\n1\nt 0 23\n'))
  const { directory, log } = await openLog({ vfs })
  t.equal(log.logStartOffset, 23)
  await t.rejects(log.read({ offset: 22 }), { code: 'OFFSET_OUT_OF_RANGE', context: { min: 23, max: 50 } })
  t.same(await valuesFrom(log), range(23, 50))
  t.equal((await log.offsetForTimestamp(0))?.offset, 23)
  await directory.close()
})

t.test('recovery that was cut between the copy and the cut sets the same tail aside again', async t => {
  const { vfs } = await filled(20)
  asKilled(vfs, 100)
  const start = positions(vfs.sync.readFile(FIRST)).at(-1) ?? 0
  damage(vfs, FIRST, bytes => bytes.subarray(0, bytes.length - 5))
  vfs.sync.open(`/data/t-0/00000000000000000000.${start}.torn`, 'create').close()
  const { directory, log } = await openLog({ vfs })
  t.equal(log.logEndOffset, 190)
  t.same(tornFiles(vfs), [`00000000000000000000.${start}.1.torn`, `00000000000000000000.${start}.torn`])
  await directory.close()
})

t.test('a reader beside an owner changes nothing and follows', async t => {
  const vfs = new MemFs()
  const machine = new FakeMachine()
  const { directory, log } = await openLog({ vfs, machine, config: config({ segmentBytes: 2000 }) })
  for (let batch = 0; batch < 5; batch++) await log.append(numbers(batch * 10, 10))
  const reader = await openLog({ vfs, machine: machine.spawn(), readOnly: true })
  t.same(await valuesFrom(reader.log), range(0, 50))
  await t.rejects(reader.log.append(numbers(0, 1)), { code: 'NOT_PERMITTED' })
  await t.rejects(
    reader.directory.createPartition({ topic: 'u', partition: 0, topicId: 'KcEh0CeWT6appgxEAW289A' }),
    { code: 'NOT_PERMITTED' },
  )
  for (let batch = 5; batch < 50; batch++) await log.append(numbers(batch * 10, 10))
  await directory.createPartition({ topic: 'u', partition: 0, topicId: 'KcEh0CeWT6appgxEAW289A' })
  let woken = 0
  reader.log.onVisible(() => woken++)
  await reader.directory.refresh()
  t.equal(woken, 1)
  t.same(await valuesFrom(reader.log), range(0, 500))
  t.ok(reader.directory.partitions.has('u-0'))
  t.equal(await reader.log.refresh(), false)
  await reader.directory.close()
  await log.append(numbers(500, 10))
  await directory.close()
})

t.test('leader epochs are stamped, kept, and cut with the log', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs })
  await log.append(numbers(0, 10))
  log.leaderEpoch = 3
  await log.append(numbers(10, 10))
  t.same(log.leaderEpochs, [
    { epoch: 0, startOffset: 0 },
    { epoch: 3, startOffset: 10 },
  ])
  await directory.close()
  asKilled(vfs, 5)
  const starts = positions(vfs.sync.readFile(FIRST))
  damage(vfs, FIRST, bytes => bytes.subarray(0, (starts[1] ?? 0) - 10))
  const again = await openLog({ vfs })
  t.same(again.log.leaderEpochs, [{ epoch: 0, startOffset: 0 }])
  t.equal(again.log.logEndOffset, 5)
  await again.directory.close()
})
