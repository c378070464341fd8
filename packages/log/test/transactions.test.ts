import t from 'tap'
import { isVarveError, MemFs, SeededRandom } from '@varve/platform'
import {
  isControl,
  isTransactional,
  readAttributes,
  readBatchSize,
  readLastOffset,
  readProducerId,
  recordsOf,
  writeControlRecord,
} from '@varve/records'
import { batchOf, FaultFs } from '@varve/testkit'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { FakeMachine, plant } from '../src/testing/index.ts'
import { TransactionIndex } from '../src/producer/transaction-index.ts'
import type { AbortedTxn } from '../src/producer/aborted-txn.ts'
import { config, crashed, damage, DAY, numbers, openLog } from './helpers.ts'

const FOLDER = '/data/t-0'
const ENTRY = 34

/** Transactional producers and their coordinator, on one log. */
class Transactions {
  readonly #log: PartitionLog
  readonly #next = new Map<number, number>()

  constructor(log: PartitionLog) {
    this.#log = log
  }

  /** Values of a producer's transaction; the base offset or why it was refused. */
  data(id: number, values: string[], { epoch = 0 } = {}): Promise<number | string> {
    const baseSequence = this.#next.get(id) ?? 0
    this.#next.set(id, baseSequence + values.length)
    const of = { timestamp: DAY, producerId: id, producerEpoch: epoch, baseSequence, transactional: true }
    return outcome(this.#log.append(batchOf(values, of)))
  }

  end(
    id: number,
    type: 'abort' | 'commit',
    { epoch = 0, coordinatorEpoch = 0 } = {},
  ): Promise<number | string> {
    return outcome(this.#log.append(marker(id, type, { epoch, coordinatorEpoch }), { origin: 'coordinator' }))
  }
}

function marker(id: number, type: 'abort' | 'commit', { epoch = 0, coordinatorEpoch = 0 } = {}): Buffer {
  const record = writeControlRecord({ type, version: 0, coordinatorEpoch })
  return batchOf([{ ...record, timestamp: DAY }], {
    ...{ producerId: id, producerEpoch: epoch, transactional: true, control: true },
  })
}

async function outcome(appended: Promise<{ baseOffset: number }>): Promise<number | string> {
  try {
    return (await appended).baseOffset
  } catch (error) {
    return isVarveError(error) ? error.code : String(error)
  }
}

/** What a reader of committed records is given, as Kafka's consumer filters it. */
async function committed(log: PartitionLog, maxBytes = 200, from = log.logStartOffset): Promise<string[]> {
  const values: string[] = []
  for (let next = from; next < log.lastStableOffset;) {
    const read = await log.read({ offset: next, maxBytes, isolation: 'read_committed' })
    if (read.bytes.length === 0) throw new Error(`nothing at ${next}, below ${log.lastStableOffset}`)
    const waiting = [...read.abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset)
    const aborted = new Set<number>()
    const { bytes } = read
    for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
      const last = readLastOffset(bytes, at)
      const id = readProducerId(bytes, at)
      for (; waiting[0] !== undefined && waiting[0].firstOffset <= last; waiting.shift())
        aborted.add(waiting[0].producerId)
      if (isControl(readAttributes(bytes, at))) aborted.delete(id)
      else if (!isTransactional(readAttributes(bytes, at)) || !aborted.has(id))
        for (const { offset, value } of recordsOf(bytes, at)) if (offset >= next) values.push(String(value))
      next = last + 1
    }
  }
  return values
}

const files = (vfs: MemFs, suffix: string): string[] =>
  vfs.sync
    .list(FOLDER)
    .map(({ name }) => name)
    .filter(name => name.endsWith(suffix))
const txnIndex = (base: number): string => `${FOLDER}/${String(base).padStart(20, '0')}.txnindex`

t.test('readers of committed records wait for open transactions and skip aborted ones', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs() })
  const txns = new Transactions(log)
  t.equal(log.lastStableOffset, 0)
  t.equal(await txns.data(1, ['a', 'b']), 0)
  t.equal(await outcome(log.append(numbers(100, 1))), 2)
  t.equal(await txns.data(2, ['x']), 3)
  t.equal(log.lastStableOffset, 0)
  t.match(await log.read({ offset: 0, isolation: 'read_committed' }), {
    bytes: Buffer.alloc(0),
    highWatermark: 4,
  })
  t.match(await log.read({ offset: 0 }), { lastStableOffset: 0, highWatermark: 4, abortedTransactions: [] })
  t.equal(await txns.data(1, ['c']), 4)
  t.equal(await txns.end(1, 'commit'), 5)
  t.equal(log.lastStableOffset, 3, 'the other one is still open')
  t.same(await committed(log), ['a', 'b', '100'])
  t.equal(await txns.end(2, 'abort'), 6)
  t.equal(log.lastStableOffset, 7)
  t.same(await committed(log), ['a', 'b', '100', 'c'])
  t.match(await log.read({ offset: 0, isolation: 'read_committed' }), {
    abortedTransactions: [{ producerId: 2, firstOffset: 3 }],
  })
  t.match(await log.read({ offset: 0, maxBytes: 1, isolation: 'read_committed' }), {
    abortedTransactions: [],
  })
  t.same((await log.read({ offset: 0 })).abortedTransactions, [], 'others are not told')
  t.equal((await log.offsetForTimestamp(DAY + 1, { isolation: 'read_committed' }))?.offset, 1)
  t.equal(await txns.data(1, ['later']), 7)
  t.equal((await log.maxTimestamp())?.offset, 2)
  await directory.close()
})

t.test('a transaction has ended when its marker is visible, and not before', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs })
  const txns = new Transactions(log)
  await txns.data(1, ['a'])
  const hold = fs.hold({ operation: 'datasync', path: '.log' })
  const plain = outcome(log.append(numbers(0, 1)))
  const ended = txns.end(1, 'commit')
  await hold.reached()
  t.equal(log.logEndOffset, 3)
  t.equal(log.lastStableOffset, 0)
  hold.release()
  t.same([await plain, await ended], [1, 2])
  t.equal(log.lastStableOffset, 3)
  await directory.close()
})

t.test('markers come from coordinators only, and from the newest one', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs() })
  const txns = new Transactions(log)
  t.equal(await outcome(log.append(marker(1, 'abort'))), 'INVALID_RECORD')
  t.equal(
    await outcome(log.append(batchOf(['x'], { control: true }))),
    'INVALID_RECORD',
    'also without a producer',
  )
  t.equal(await txns.end(1, 'abort', { coordinatorEpoch: 5 }), 0, 'one without a transaction is fine')
  t.equal(await txns.end(1, 'abort', { coordinatorEpoch: 4 }), 'TRANSACTION_COORDINATOR_FENCED')
  t.equal(await txns.end(1, 'abort', { epoch: 3, coordinatorEpoch: 5 }), 1)
  t.equal(await txns.end(1, 'abort', { epoch: 2, coordinatorEpoch: 5 }), 'INVALID_PRODUCER_EPOCH')
  t.equal(await txns.data(1, ['a'], { epoch: 2 }), 'INVALID_PRODUCER_EPOCH')
  const strange = batchOf([{ key: Buffer.from([0, 0, 0, 2]), value: Buffer.alloc(8) }], {
    ...{ control: true, transactional: true, producerId: 1, producerEpoch: 3 },
  })
  t.equal(await outcome(log.append(strange, { origin: 'coordinator' })), 'INVALID_RECORD')
  t.match(log.producers, [{ producerEpoch: 3, coordinatorEpoch: 5, lastSequence: -1 }])
  t.equal(log.lastStableOffset, 2)
  await directory.close()
})

t.test('within a transaction nothing comes from outside of it', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs() })
  const txns = new Transactions(log)
  await txns.data(1, ['a'])
  const plain = { timestamp: DAY, producerId: 1, producerEpoch: 0, baseSequence: 1 }
  t.equal(await outcome(log.append(batchOf(['b'], plain))), 'INVALID_TXN_STATE')
  t.equal(await txns.end(1, 'commit'), 1)
  t.equal(await outcome(log.append(batchOf(['b'], plain))), 2, 'the sequence goes on behind the marker')
  // As a group coordinator writes commits: without sequences.
  const commits = batchOf(['offsets'], {
    producerId: 9,
    producerEpoch: 0,
    transactional: true,
    timestamp: DAY,
  })
  t.equal(await outcome(log.append(commits)), 'INVALID_RECORD')
  t.equal(await outcome(log.append(commits, { origin: 'coordinator' })), 3)
  t.equal(await txns.end(9, 'abort'), 4)
  t.match(await log.read({ offset: 3, isolation: 'read_committed' }), {
    abortedTransactions: [{ producerId: 9, firstOffset: 3 }],
  })
  await directory.close()
})

t.test('a batch that failed opens no transaction, and a marker that failed ends none', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs })
  const txns = new Transactions(log)
  await txns.data(1, ['a'])
  fs.fail({ operation: 'write', path: '.log', shortBytes: 10 })
  t.same(await Promise.all([txns.end(1, 'abort'), txns.data(2, ['b'])]), ['DISK_FULL', 'DISK_FULL'])
  t.equal(log.lastStableOffset, 0)
  t.match(log.producers, [{ producerId: 1, currentTxnFirstOffset: 0, coordinatorEpoch: -1 }])
  t.equal(await txns.end(1, 'commit'), 1)
  t.equal(log.lastStableOffset, 2)
  t.same(await committed(log), ['a'])
  fs.assertFired()
  await directory.close()
})

t.test('transactions go on over rolls and reopenings, and their index says which were aborted', async t => {
  const vfs = new MemFs()
  const settings = config({ segmentBytes: 300 })
  let { directory, log } = await openLog({ vfs, config: settings })
  let txns = new Transactions(log)
  await txns.data(1, ['long'])
  for (let id = 10; id < 20; id++) {
    await txns.data(id, [`a${id}`, `b${id}`])
    await txns.end(id, id % 2 === 0 ? 'abort' : 'commit')
  }
  t.equal(log.lastStableOffset, 0)
  await directory.close()
  const indexes = files(vfs, '.txnindex')
  t.ok(indexes.length > 2, 'several segments')
  t.equal(
    indexes.reduce((sum, name) => sum + vfs.sync.readFile(`${FOLDER}/${name}`).length, 0),
    5 * ENTRY,
  )
  ;({ directory, log } = await openLog({ vfs, config: settings }))
  t.equal(log.lastStableOffset, 0)
  txns = new Transactions(log)
  t.equal(await txns.end(1, 'abort', { epoch: 1 }), 31)
  t.equal(log.lastStableOffset, 32)
  const wanted = [11, 13, 15, 17, 19].flatMap(id => [`a${id}`, `b${id}`])
  for (const maxBytes of [1, 150, 1000, 100_000]) t.same(await committed(log, maxBytes), wanted)
  const { abortedTransactions } = await log.read({ offset: 0, maxBytes: 1, isolation: 'read_committed' })
  t.same(abortedTransactions, [{ producerId: 1, firstOffset: 0 }], 'found in the last of the segments')
  const reader = await openLog({ vfs, readOnly: true, config: settings })
  t.same(await committed(reader.log), wanted)
  t.equal(await txns.data(3, ['c']), 32)
  t.equal(await txns.end(3, 'abort'), 33)
  await reader.log.refresh()
  t.same(await committed(reader.log), wanted, 'a reader beside an owner learns of what is aborted')
  t.equal(reader.log.lastStableOffset, 34)
  await reader.directory.close()
  await directory.close()
})

t.test('an index that is damaged, lies or is lost for what follows a crash is made anew', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs })
  const txns = new Transactions(log)
  for (let id = 1; id < 5; id++) {
    for (let part = 0; part < 3; part++) await txns.data(id, [`${id}.${part}`])
    await txns.end(id, id === 3 ? 'commit' : 'abort')
  }
  const wanted = await committed(log)
  t.same(wanted, ['3.0', '3.1', '3.2'])
  await directory.close()
  const path = txnIndex(0)
  const sound = vfs.sync.readFile(path)
  t.equal(sound.length, 3 * ENTRY)
  for (let bit = 0; bit < sound.length * 8; bit += 3) {
    damage(vfs, path, () => {
      const bytes = Buffer.from(sound)
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      return bytes
    })
    const reader = await openLog({ vfs, readOnly: true })
    const found = await committed(reader.log, 1)
    if (JSON.stringify(found) !== JSON.stringify(wanted)) t.fail(`bit ${bit}: ${JSON.stringify(found)}`)
    await reader.directory.close()
  }
  for (const harm of [
    sound.subarray(0, ENTRY),
    sound.subarray(0, 50),
    Buffer.concat([sound, sound]),
    Buffer.alloc(0),
  ]) {
    damage(vfs, path, () => harm)
    const again = await openLog({ vfs })
    t.same(await committed(again.log), wanted, `${harm.length} bytes`)
    await again.directory.close()
    t.same(vfs.sync.readFile(path), sound, 'and its file is mended')
  }
})

t.test('a marker that comes while its index is written is in the file next time', async t => {
  for (const operation of ['write', 'datasync'] as const) {
    const fs = new FaultFs(new MemFs())
    const index = new TransactionIndex('/', 0, { complete: true })
    const txn = (offset: number): AbortedTxn => ({
      producerId: 1,
      firstOffset: offset,
      lastOffset: offset + 1,
      lastStableOffset: offset,
    })
    index.append(txn(0))
    const hold = fs.hold({ operation, path: '.txnindex' })
    const saving = index.save(fs, { sync: true })
    await hold.reached()
    index.append(txn(2))
    hold.release()
    await saving
    t.notOk(index.isSaved, operation)
    t.notOk(index.synced)
    await index.save(fs, { sync: true })
    t.ok(index.isSaved && index.synced)
    t.strictSame(await index.read(fs, 100), [txn(0), txn(2)])
  }
})

t.test('an index of a segment that is not there goes, and so does an empty one', async t => {
  const vfs = new MemFs()
  const first = await openLog({ vfs })
  await first.log.append(numbers(0, 5))
  await first.directory.close()
  for (const base of [0, 3, 77]) {
    const file = vfs.sync.open(txnIndex(base), 'create')
    if (base > 0) file.write([Buffer.alloc(ENTRY)], 0)
    file.close()
  }
  vfs.sync.unlink('/data/varve.durable-offsets')
  const { directory, log } = await openLog({ vfs })
  t.same(
    files(vfs, '.txnindex').map(name => parseInt(name, 10)),
    [0],
  )
  await log.append(numbers(5, 5))
  await log.read({ offset: 0, isolation: 'read_committed' })
  await directory.close()
  t.same(files(vfs, '.txnindex'), [])
})

t.test('segments that retention takes take their transactions along', async t => {
  const vfs = new MemFs()
  const settings = config({ segmentBytes: 300, fileDeleteDelayMs: 0 })
  const { directory, log } = await openLog({ vfs, config: settings })
  const txns = new Transactions(log)
  for (let id = 0; id < 10; id++) {
    await txns.data(id, [`v${id}`])
    await txns.end(id, 'abort')
  }
  await log.flush()
  const bases = log.segments.map(({ baseOffset }) => baseOffset)
  const from = bases[3] ?? 0
  await log.deleteRecords(from)
  t.ok(files(vfs, '.txnindex').every(name => parseInt(name, 10) >= from))
  t.same(await committed(log), [])
  await txns.data(77, ['open'])
  t.equal(log.lastStableOffset, 20)
  await log.deleteRecords(21)
  t.equal(log.lastStableOffset, 21, 'nobody waits for what is deleted')
  await directory.close()
})

t.test('a producer with an open transaction does not expire', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs(), producerIdExpirationMs: 0 })
  const txns = new Transactions(log)
  await txns.data(1, ['a'])
  t.equal(log.expireProducers(), 0)
  await txns.end(1, 'commit')
  t.equal(log.expireProducers(), 1)
  await directory.close()
})

/** Random transactions with crashes: what was acknowledged is committed, aborted or open, as a model says. */
t.test('after a crash everything is as committed, aborted or open as it was', async t => {
  for (let seed = 0; seed < 12; seed++) {
    const rng = new SeededRandom(`txn ${seed}`)
    let vfs = new MemFs({ crashable: true })
    /** Values that each acknowledged commit made visible, and those of aborts. */
    const visible = new Set<string>()
    const hidden = new Set<string>()
    let number = 0
    for (let life = 0; life < 3; life++) {
      const machine = new FakeMachine({ bootId: `boot-${life}` })
      const { log } = await openLog({ vfs, machine, config: config({ segmentBytes: 700 }) })
      const found = await committed(log, rng.int(500))
      for (const value of found) if (hidden.has(value)) t.fail(`seed ${seed}: ${value} was aborted`)
      const epoch = life + 1
      const txns = new Transactions(log)
      // Whoever was in a transaction is fenced by its next epoch, as a coordinator does.
      for (const { producerId, currentTxnFirstOffset } of log.producers)
        if (currentTxnFirstOffset >= 0) await txns.end(producerId, 'abort', { epoch, coordinatorEpoch: life })
      t.equal(log.lastStableOffset, log.highWatermark)
      const all = await committed(log, rng.int(500))
      for (const value of visible) if (!all.includes(value)) t.fail(`seed ${seed}: ${value} is lost`)
      const open = new Map<number, string[]>()
      for (let step = rng.int(40); step > 0; step--) {
        const id = rng.int(4)
        const values = open.get(id) ?? []
        if (values.length > 0 && rng.int(3) === 0) {
          const commits = rng.int(2) === 0
          await txns.end(id, commits ? 'commit' : 'abort', { epoch, coordinatorEpoch: life })
          for (const value of values) (commits ? visible : hidden).add(value)
          open.delete(id)
          continue
        }
        const value = `v${number++}`
        const got = await txns.data(id, [value], { epoch })
        if (typeof got !== 'number') t.fail(`seed ${seed}: ${got}`)
        open.set(id, [...values, value])
      }
      for (const values of open.values()) for (const value of values) hidden.add(value)
      vfs = crashed(vfs, `${seed}.${life}`, rng.int(101))
    }
  }
})

t.test('the bug of a stable offset past an open transaction is found', async t => {
  t.teardown(plant('stableOffsetPastOpenTransaction'))
  const { directory, log } = await openLog({ vfs: new MemFs() })
  await new Transactions(log).data(1, ['a'])
  t.not(log.lastStableOffset, 0)
  await directory.close()
})

t.test('the bug of aborted data that is shown is found', async t => {
  t.teardown(plant('abortedDataShown'))
  const { directory, log } = await openLog({ vfs: new MemFs() })
  const txns = new Transactions(log)
  await txns.data(1, ['a'])
  await txns.end(1, 'abort')
  t.same(await committed(log), ['a'])
  await directory.close()
})
