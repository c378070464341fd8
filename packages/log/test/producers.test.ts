import t from 'tap'
import { FakeClock, isVarveError, MemFs, SeededRandom } from '@varve/platform'
import { batchOf, compressedBatchOf, FaultFs } from '@varve/testkit'
import { loadCodec } from '@varve/records'
import { logLimits } from '../src/limits.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { FakeMachine, plant } from '../src/testing/index.ts'
import { config, crashed, damage, DAY, numbers, openLog, valuesFrom } from './helpers.ts'

const FOLDER = '/data/t-0'
const SEQUENCE_MAX = 2 ** 31 - 1

interface Batch {
  id?: number
  epoch?: number
  sequence: number
  count?: number
  value?: string
  bytes?: number
}

/** A batch of a producer, whose values are its sequences unless told otherwise. */
function batch({ id = 7, epoch = 0, sequence, count = 1, value, bytes = 0 }: Batch): Buffer {
  const records = Array.from({ length: count }, (_, index) => ({
    key: 'k',
    value: (value ?? String(sequence + index)).padEnd(bytes, '.'),
  }))
  return batchOf(records, { timestamp: DAY, producerId: id, producerEpoch: epoch, baseSequence: sequence })
}

/** The base offset that the append got, or why it was refused. */
async function send(log: PartitionLog, of: Batch): Promise<number | string> {
  return outcome(log.append(batch(of)))
}

async function outcome(appended: Promise<{ baseOffset: number }>): Promise<number | string> {
  try {
    return (await appended).baseOffset
  } catch (error) {
    return isVarveError(error) ? error.code : String(error)
  }
}

const snapshots = (vfs: MemFs): string[] =>
  vfs.sync
    .list(FOLDER)
    .map(({ name }) => name)
    .filter(name => name.endsWith('.snapshot'))
const snapshotOf = (offset: number): string => `${String(offset).padStart(20, '0')}.snapshot`

t.test('a batch that is sent twice gets its first offset back, as one of the last five', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs() })
  for (let sequence = 0; sequence < 12; sequence += 2)
    t.equal(await send(log, { sequence, count: 2 }), sequence)
  for (let sequence = 2; sequence < 12; sequence += 2) {
    const again = await log.append(batch({ sequence, count: 2 }))
    t.match(again, { baseOffset: sequence, lastOffset: sequence + 1, logAppendTime: -1 })
  }
  t.equal(await send(log, { sequence: 0, count: 2 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'the sixth is too old')
  t.equal(
    await send(log, { sequence: 10, count: 1 }),
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    'a part is no duplicate',
  )
  t.equal(log.logEndOffset, 12)
  t.match(log.producers, [{ producerId: 7, producerEpoch: 0, lastSequence: 11, lastOffset: 11 }])
  await directory.close()
})

t.test('sequences continue, and wrap behind the largest', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs() })
  t.equal(await send(log, { sequence: SEQUENCE_MAX - 2, count: 2 }), 0, 'of an unknown producer any will do')
  t.equal(await send(log, { sequence: 0 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.equal(await send(log, { sequence: SEQUENCE_MAX, count: 3 }), 2, 'from the largest to 1')
  t.equal(await send(log, { sequence: SEQUENCE_MAX, count: 3 }), 2, 'and the same again')
  t.equal(await send(log, { sequence: 3 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'a gap')
  t.equal(await send(log, { sequence: 2 }), 5)
  t.match(log.producers, [{ lastSequence: 2 }])
  await directory.close()
})

t.test('an older epoch is fenced, a newer one starts at 0', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs() })
  t.equal(await send(log, { epoch: 3, sequence: 0 }), 0)
  t.equal(await send(log, { epoch: 2, sequence: 1 }), 'INVALID_PRODUCER_EPOCH')
  t.equal(await send(log, { epoch: 4, sequence: 1 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.equal(await send(log, { epoch: 4, sequence: 0 }), 1)
  t.equal(await send(log, { epoch: 3, sequence: 1 }), 'INVALID_PRODUCER_EPOCH')
  t.equal(
    await send(log, { epoch: 3, sequence: 0 }),
    'INVALID_PRODUCER_EPOCH',
    'also what was a duplicate once',
  )
  t.equal(await send(log, { id: 8, epoch: 0, sequence: 5 }), 2, 'another producer is nobody’s matter')
  t.equal(await send(log, { sequence: -1 }), 'INVALID_PRODUCER_EPOCH')
  t.equal(await send(log, { id: 9, sequence: -1 }), 'INVALID_RECORD')
  t.equal(await send(log, { id: 9, epoch: -1, sequence: 0 }), 'INVALID_RECORD')
  await directory.close()
})

t.test('batches in flight count, and a duplicate waits for its original', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs })
  const hold = fs.hold({ operation: 'datasync', path: '.log' })
  const first = [0, 1, 2].map(sequence => send(log, { sequence }))
  await hold.reached()
  let settled = 0
  const behind = [1, 3, 5, 2].map(sequence =>
    send(log, { sequence }).then(found => {
      if (sequence !== 5) settled++
      return found
    }),
  )
  t.equal(await behind[2], 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'a gap is known at once')
  t.equal(settled, 0, 'nothing is acknowledged before what it doubles')
  t.equal(log.highWatermark, 0)
  hold.release()
  t.same(await Promise.all(first), [0, 1, 2])
  t.same(await Promise.all(behind), [1, 3, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 2])
  t.equal(log.logEndOffset, 4)
  t.equal((await log.append(batch({ sequence: 3 }), { acks: 0 })).baseOffset, 3)
  await directory.close()
})

t.test('several batches in one append are new, or all of them are duplicates', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs() })
  const both = (...of: Batch[]): Promise<number | string> => outcome(log.append(Buffer.concat(of.map(batch))))
  t.equal(await both({ sequence: 0 }, { sequence: 1, count: 3 }, { id: 8, sequence: 0 }), 0)
  t.equal(await both({ sequence: 0 }, { sequence: 1, count: 3 }), 0)
  t.equal(await both({ sequence: 4 }, { sequence: 6 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.equal(await both({ sequence: 4 }, { sequence: 4 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.equal(
    await both({ sequence: 1, count: 3 }, { sequence: 4 }),
    'INVALID_RECORD',
    'neither lost nor doubled',
  )
  t.equal(await outcome(log.append(Buffer.concat([numbers(0, 1), batch({ sequence: 0 })]))), 'INVALID_RECORD')
  t.equal(await both({ sequence: 4 }), 5, 'what was refused changed nothing')
  await directory.close()
})

t.test('with a write that fails the producers go back to what is in the log', async t => {
  for (const known of [true, false]) {
    const fs = new FaultFs(new MemFs())
    const { directory, log } = await openLog({ vfs: fs })
    if (known) t.equal(await send(log, { sequence: 0 }), 0)
    const next = known ? 1 : 0
    const before = log.producers
    const fault = fs.fail({ operation: 'write', path: '.log', shortBytes: 40 })
    const failed = await Promise.all([0, 1, 2, 1].map(by => send(log, { sequence: next + by })))
    t.same(
      failed,
      ['DISK_FULL', 'DISK_FULL', 'DISK_FULL', 'DISK_FULL'],
      'also the duplicate of one that failed',
    )
    t.equal(fault.fired, 1)
    t.strictSame(log.producers, before)
    t.equal(log.logEndOffset, next)
    t.equal(await send(log, { sequence: next + 1 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'not before the first')
    t.equal(await send(log, { sequence: next }), next)
    t.equal(await send(log, { sequence: next + 1 }), next + 1)
    t.same(await valuesFrom(log), known ? ['0', '1', '2'] : ['0', '1'])
    await directory.close()
  }
})

t.test('what was written and could not be synced yet is a duplicate all the same', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs, openFilesMax: 1 })
  t.equal(await send(log, { sequence: 0 }), 0)
  fs.fail({ operation: 'datasync', path: '.log' })
  t.equal(await send(log, { sequence: 1 }), 'KAFKA_STORAGE_ERROR')
  t.equal(await send(log, { sequence: 1 }), 'KAFKA_STORAGE_ERROR', 'the partition is offline')
  await t.rejects(directory.close())
})

t.test('a cleanly closed log knows its producers without reading a batch', async t => {
  const vfs = new MemFs()
  const first = await openLog({ vfs })
  for (let sequence = 0; sequence < 4; sequence++) await send(first.log, { sequence })
  await send(first.log, { id: 9, epoch: 2, sequence: 0, count: 2 })
  const producers = first.log.producers
  await first.directory.close()
  t.same(snapshots(vfs), [snapshotOf(6)])
  for (const notes of [true, false]) {
    // Without its note the log is opened the longer way.
    if (!notes) vfs.sync.unlink('/data/varve.durable-offsets')
    const reads: string[] = []
    const fs = new FaultFs(vfs, {
      onOperation: ({ operation, path }) => {
        if (operation === 'read' && path.endsWith('.log')) reads.push(path)
      },
    })
    const { directory, log } = await openLog({ vfs: fs })
    t.strictSame(log.producers, producers)
    if (notes) t.same(reads, [])
    t.equal(await send(log, { sequence: 3 }), 3)
    t.equal(
      await send(log, { sequence: 2 }),
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      'of the last five only one is kept',
    )
    await directory.close()
    t.same(snapshots(vfs), [snapshotOf(6)])
  }
  const { directory, log } = await openLog({ vfs })
  t.equal(await send(log, { sequence: 4 }), 6)
  await directory.close()
  t.same(snapshots(vfs), [snapshotOf(7)], 'the older one belongs to no segment')
})

t.test('after a crash the batches say what the snapshots do not', async t => {
  for (let seed = 0; seed < 10; seed++) {
    const rng = new SeededRandom(seed)
    let vfs = new MemFs({ crashable: true })
    const acknowledged = new Map<number, number>()
    const next = [0, 0, 0]
    for (let life = 0; life < 4; life++) {
      const machine = new FakeMachine({ bootId: `boot-${life}` })
      const { log } = await openLog({ vfs, machine, config: config({ segmentBytes: 2000 }) })
      for (const { producerId, lastSequence } of log.producers) next[producerId] = lastSequence + 1
      for (const [offset, packed] of acknowledged) {
        const at = await log.read({ offset, maxBytes: 1 })
        if (Number(at.bytes.readBigInt64BE(0)) !== offset || at.bytes.readInt32BE(53) !== packed % 1000)
          t.fail(`seed ${seed}: offset ${offset} is lost`)
      }
      let alive = true
      for (let count = rng.int(40); count > 0; count--) {
        const id = rng.int(3)
        const sequence = next[id] ?? 0
        const appended = send(log, { id, sequence, count: 2 }).then(found => {
          if (!alive) return
          if (typeof found === 'number') acknowledged.set(found, id * 1000 + sequence)
          else t.fail(`seed ${seed}: ${found}`)
        })
        next[id] = sequence + 2
        if (rng.int(3) > 0) await appended
        // The last one may be sent again: it is there, or on its way.
        if (rng.int(4) === 0) {
          const again = await send(log, { id, sequence, count: 2 })
          if (acknowledged.get(Number(again)) !== id * 1000 + sequence)
            t.fail(`seed ${seed}: sent twice: ${again}`)
        }
      }
      alive = false
      const crash = crashed(vfs, seed * 10 + life, rng.int(101))
      for (const id of [0, 1, 2]) {
        const last = [...acknowledged.values()].filter(packed => Math.floor(packed / 1000) === id).at(-1)
        if (last === undefined) continue
        const fresh = await openLog({
          vfs: crash.crashClone({ rng, unsyncedPercent: 0 }),
          machine: new FakeMachine(),
        })
        const again = await send(fresh.log, { id, sequence: last % 1000, count: 2 })
        // It is known unless something behind it, not acknowledged, survived as well.
        if (typeof again === 'number' && acknowledged.get(again) !== last)
          t.fail(`seed ${seed}: doubled at ${again}`)
      }
      vfs = crash
    }
  }
  t.pass()
})

t.test('a damaged or lying snapshot is not followed', async t => {
  const harms: Record<string, (bytes: Buffer) => Buffer> = {
    'a flipped bit': bytes => {
      bytes.writeUInt8(bytes.readUInt8(20) ^ 4, 20)
      return bytes
    },
    'a cut end': bytes => bytes.subarray(0, -3),
    nothing: () => Buffer.alloc(0),
    'a count beyond its end': bytes => {
      bytes.writeInt32BE(2 ** 30, 6)
      return bytes
    },
    'another version': bytes => {
      bytes.writeInt16BE(9, 0)
      return bytes
    },
  }
  for (const [what, harm] of Object.entries(harms)) {
    const vfs = new MemFs()
    const first = await openLog({ vfs })
    for (let sequence = 0; sequence < 5; sequence++) await send(first.log, { sequence })
    const producers = first.log.producers
    await first.directory.close()
    const sound = vfs.sync.readFile(`${FOLDER}/${snapshotOf(5)}`)
    damage(vfs, `${FOLDER}/${snapshotOf(5)}`, harm)
    const reader = await openLog({ vfs, readOnly: true })
    t.strictSame(reader.log.producers, producers, `${what}, beside`)
    await reader.directory.close()
    t.same(snapshots(vfs), [snapshotOf(5)], 'a reader removes nothing')
    const file = vfs.sync.open(`${FOLDER}/${snapshotOf(9)}`, 'create')
    file.write([sound], 0)
    file.close()
    const { directory, log } = await openLog({ vfs })
    t.strictSame(log.producers, producers, what)
    t.same(snapshots(vfs), [], 'neither that one nor one above the end')
    t.equal(await send(log, { sequence: 4 }), 4)
    await directory.close()
    t.same(vfs.sync.readFile(`${FOLDER}/${snapshotOf(5)}`), sound)
  }
})

t.test('opening reads no more than a snapshot’s distance below what is durable', async t => {
  const vfs = new MemFs({ crashable: true })
  const { log } = await openLog({ vfs, machine: new FakeMachine(), config: config({ flushMessages: 1 }) })
  const bytes = 1024 * 1024 - 100
  for (let sequence = 0; sequence < 20; sequence++) await send(log, { sequence, bytes })
  await log.flush()
  const found = snapshots(vfs)
  t.equal(found.length, 1, 'the newest stands for those before it')
  const last = Number(found[0]?.slice(0, 20))
  t.ok(
    last > 0 && 20 - last <= logLimits.producerSnapshotBytes / bytes + 1,
    `the last one is of offset ${last}`,
  )
  let read = 0
  const fs = new FaultFs(crashed(vfs, 1, 0), {
    onOperation: ({ operation, path }) => {
      if (operation === 'read' && path.endsWith('.log')) read++
    },
  })
  const again = await openLog({ vfs: fs, machine: new FakeMachine({ bootId: 'next' }) })
  t.strictSame(again.log.producers, log.producers)
  t.ok(read * 256 * 1024 < 40 * 1024 * 1024 && read > 0, `${read} reads`)
})

t.test('segments begin with a snapshot, which goes with them', async t => {
  const vfs = new MemFs()
  const settings = config({ segmentBytes: 1000, fileDeleteDelayMs: 0 })
  const { directory, log } = await openLog({ vfs, config: settings })
  for (let sequence = 0; sequence < 40; sequence++) await send(log, { sequence })
  await log.flush()
  await directory.close()
  const bases = log.segments.map(({ baseOffset }) => baseOffset)
  t.same(snapshots(vfs), [...bases.slice(1), 40].map(snapshotOf))
  const again = await openLog({ vfs, config: settings })
  t.equal(await again.log.deleteRecords(bases[2] ?? 0), bases[2])
  t.same(snapshots(vfs), [...bases.slice(2), 40].map(snapshotOf))
  t.equal(await again.log.deleteRecords(40), 40, 'also when nothing is left')
  await again.directory.close()
  const empty = await openLog({ vfs, config: settings })
  t.equal(empty.log.logStartOffset, 40)
  t.equal(await send(empty.log, { sequence: 39 }), 39, 'a producer is known longer than its records')
  t.equal(await send(empty.log, { sequence: 40 }), 40)
  await empty.directory.close()
})

t.test('a log whose records are all deleted knows its producers after a crash', async t => {
  const vfs = new MemFs({ crashable: true })
  const { log } = await openLog({ vfs, machine: new FakeMachine(), config: config({ fileDeleteDelayMs: 0 }) })
  for (let sequence = 0; sequence < 10; sequence++) await send(log, { sequence })
  await log.deleteRecords(10)
  const again = await openLog({ vfs: crashed(vfs, 3, 0), machine: new FakeMachine({ bootId: 'next' }) })
  t.equal(again.log.logStartOffset, 10)
  t.equal(await send(again.log, { sequence: 9 }), 9)
  t.equal(await send(again.log, { sequence: 11 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  await again.directory.close()
})

t.test('a producer expires when it was not seen for long enough, and never early', async t => {
  const vfs = new MemFs()
  const clock = new FakeClock(DAY)
  const first = await openLog({ vfs, clock, producerIdExpirationMs: 1000 })
  const old = batchOf(['historical'], { timestamp: 1, producerId: 1, producerEpoch: 0, baseSequence: 0 })
  await first.log.append(old)
  t.equal(first.log.expireProducers(), 0, 'timestamps of records say nothing about when it was seen')
  clock.advance(999)
  await send(first.log, { id: 2, sequence: 0 })
  t.equal(first.log.expireProducers(), 0)
  await first.directory.close()
  clock.advance(5000)
  const { directory, log } = await openLog({ vfs, clock, producerIdExpirationMs: 1000 })
  t.equal(log.expireProducers(), 0, 'time while the log was closed does not count')
  clock.advance(500)
  await send(log, { id: 2, sequence: 1 })
  clock.advance(500)
  t.equal(log.expireProducers(), 1)
  t.match(log.producers, [{ producerId: 2 }])
  t.equal(await send(log, { id: 1, sequence: 77 }), 3, 'it is unknown now')
  await directory.close()
})

t.test('a duplicate costs no room on the disk, and compressed batches are told apart as others', async t => {
  await loadCodec('gzip')
  const { directory, log } = await openLog({
    vfs: new MemFs(),
    config: config({ messageTimestampType: 'LogAppendTime' }),
  })
  const of = { codec: 'gzip', producerId: 1, producerEpoch: 0, baseSequence: 0, timestamp: DAY } as const
  const sketches = Array.from({ length: 50 }, () => ({ value: 'value' }))
  t.match(await log.append(await compressedBatchOf(sketches, of)), { baseOffset: 0, logAppendTime: DAY })
  const { size } = log
  t.match(await log.append(await compressedBatchOf(sketches, of)), {
    baseOffset: 0,
    lastOffset: 49,
    logAppendTime: DAY,
  })
  t.equal(log.size, size)
  await directory.close()
})

t.test('batches that are brought into the codec of their topic are still their producer’s', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs(), config: config({ compressionType: 'gzip' }) })
  t.equal(await send(log, { sequence: 0, count: 3, bytes: 300 }), 0)
  t.ok(log.size < 500)
  t.equal(await send(log, { sequence: 0, count: 3, bytes: 300 }), 0)
  t.same(await Promise.all([3, 4, 3].map(sequence => send(log, { sequence }))), [3, 4, 3])
  t.equal(await send(log, { sequence: 6 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  await directory.close()
})

/** A producer that sends each batch until it is acknowledged, while every operation fails in turn. */
t.test('whatever fails, a producer that tries again is in the log once and in order', async t => {
  let lives = 0
  for (let nth = 1; ; nth += 5) {
    const disk = new MemFs({ crashable: true })
    const fs = new FaultFs(disk)
    const fault = fs.fail({
      nth,
      operation: ['open', 'write', 'datasync', 'rename', 'syncDir', 'truncate', 'read'],
    })
    let machine = new FakeMachine()
    let opened = await openLog({ vfs: fs, machine, config: config({ segmentBytes: 600 }) }).catch(
      () => undefined,
    )
    for (let sequence = 0; sequence < 24; sequence++) {
      for (let attempt = 0; ; attempt++) {
        const got = opened === undefined ? 'closed' : await send(opened.log, { sequence })
        if (got === sequence) break
        if (attempt > 5) throw new Error(`operation ${nth}, sequence ${sequence}: ${got}`)
        lives++
        await opened?.directory.close().catch(() => undefined)
        machine = new FakeMachine({ bootId: `boot-${nth}-${sequence}-${attempt}` })
        opened = await openLog({ vfs: fs, machine, config: config({ segmentBytes: 600 }) }).catch(
          () => undefined,
        )
      }
    }
    if (opened === undefined || fault.fired === 0) break
    const wanted = Array.from({ length: 24 }, (_, sequence) => String(sequence))
    const found = await valuesFrom(opened.log)
    if (found.join() !== wanted.join()) t.fail(`operation ${nth}: ${found.join()}`)
    await opened.directory.close().catch(() => undefined)
  }
  t.ok(lives > 5, `${lives} reopenings`)
})

t.test('batches without a producer leave nothing behind', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs })
  await log.append(numbers(0, 10))
  t.same(log.producers, [])
  t.equal(log.expireProducers(), 0)
  await directory.close()
  t.equal(vfs.sync.readFile(`${FOLDER}/${snapshotOf(10)}`).length, 10, 'as Kafka: a snapshot without entries')
})

t.test('a reader beside an owner follows its producers', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs, config: config({ segmentBytes: 500 }) })
  await send(log, { sequence: 0 })
  const reader = await openLog({ vfs, readOnly: true })
  t.strictSame(reader.log.producers, log.producers)
  for (let sequence = 1; sequence < 20; sequence++) await send(log, { sequence })
  t.equal(await reader.log.refresh(), true)
  t.strictSame(reader.log.producers, log.producers)
  await reader.directory.close()
  await directory.close()
})

t.test('the bug of a duplicate that gets a new offset is found', async t => {
  const remove = plant('duplicateGivenNewOffset')
  t.teardown(remove)
  const { directory, log } = await openLog({ vfs: new MemFs() })
  await send(log, { sequence: 0 })
  t.not(await send(log, { sequence: 0 }), 0)
  await directory.close()
})

t.test('the bug of a sequence that a snapshot lost is found', async t => {
  const remove = plant('sequenceLostInSnapshot')
  t.teardown(remove)
  const vfs = new MemFs()
  const first = await openLog({ vfs })
  await send(first.log, { sequence: 0 })
  await first.directory.close()
  const { directory, log } = await openLog({ vfs })
  t.not(await send(log, { sequence: 0 }), 0)
  await directory.close()
})
