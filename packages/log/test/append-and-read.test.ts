import t from 'tap'
import { FakeClock, MemFs, SeededRandom } from '@varve/platform'
import { readAttributes, readBatchSize, readMaxTimestamp, recordsOf, timestampTypeOf } from '@varve/records'
import { batchOf, compressedBatchOf, FaultFs } from '@varve/testkit'
import { logConfigOf } from '../src/log-config.ts'
import { plant } from '../src/testing/planted-bugs.ts'
import { config, DAY, damage, numbers, openLog, range, TOPIC_ID, valuesFrom } from './helpers.ts'

t.test('appends get their offsets in the order of the calls', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs(), config: config({ segmentBytes: 1500 }) })
  const infos = await Promise.all(Array.from({ length: 50 }, (_, index) => log.append(numbers(index * 3, 3))))
  for (const [index, info] of infos.entries()) {
    t.same(info, { baseOffset: index * 3, lastOffset: index * 3 + 2, logAppendTime: -1, logStartOffset: 0 })
  }
  t.ok(log.segments.length > 2, 'it rolled')
  t.same(await valuesFrom(log), range(0, 150))
  const several = Buffer.concat([numbers(150, 2), numbers(152, 4), numbers(156, 1)])
  t.match(await log.append(several), { baseOffset: 150, lastOffset: 156 })
  t.same(await valuesFrom(log, 0, 100000), range(0, 157))
  await directory.close()
})

t.test('a read gives whole batches from the one that holds the offset', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs() })
  for (let batch = 0; batch < 10; batch++) await log.append(numbers(batch * 10, 10))
  const size = readBatchSize((await log.read({ offset: 10 })).bytes, 0)
  const first = await log.read({ offset: 37, maxBytes: 1 })
  t.match(first, { highWatermark: 100, logStartOffset: 0, logEndOffset: 100 })
  t.equal(first.bytes.readBigInt64BE(0), 30n)
  t.equal(first.bytes.length, readBatchSize(first.bytes, 0), 'one batch comes although it is larger')
  t.equal((await log.read({ offset: 37, maxBytes: 1, minOneBatch: false })).bytes.length, 0)
  t.equal((await log.read({ offset: 10, maxBytes: size * 2 + 5 })).bytes.length, size * 2)
  t.equal((await log.read({ offset: 100 })).bytes.length, 0, 'nothing at the end')
  await t.rejects(log.read({ offset: 101 }), {
    code: 'OFFSET_OUT_OF_RANGE',
    context: { offset: 101, min: 0, max: 100 },
  })
  await t.rejects(log.read({ offset: -1 }), { code: 'OFFSET_OUT_OF_RANGE' })
  await t.rejects(log.read({ offset: Number.NaN }), { code: 'OFFSET_OUT_OF_RANGE' })
  await directory.close()
  await t.rejects(log.read({ offset: 0 }), { code: 'CLOSED' })
  await t.rejects(log.append(numbers(0, 1)), { code: 'CLOSED' })
})

t.test('the memory of a caller is used where it is large enough', async t => {
  // A `FaultFs` has no views into the memory of the files below.
  const { directory, log } = await openLog({ vfs: new FaultFs(new MemFs()) })
  for (let batch = 0; batch < 10; batch++) await log.append(numbers(batch * 10, 10))
  const memory = Buffer.alloc(64 * 1024)
  const own = await log.read({ offset: 0, maxBytes: 5000, memory })
  t.equal(own.bytes.buffer, memory.buffer)
  const small = await log.read({ offset: 0, maxBytes: 5000, memory: Buffer.alloc(10) })
  t.ok(small.bytes.equals(own.bytes))
  await directory.close()
})

t.test('a long read comes in two halves, and either may fail or be damaged', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs })
  for (let batch = 0; batch < 40; batch++) await log.append(numbers(100 + batch, 1, { bytes: 30_000 }))
  const size = readBatchSize((await log.read({ offset: 0, maxBytes: 1 })).bytes, 0)
  const memory = Buffer.alloc(1024 * 1024)
  for (const into of [undefined, memory]) {
    for (const maxBytes of [8 * size, 9 * size + 1, 20 * size, 34 * size, 34 * size + 40]) {
      const { bytes } = await log.read({
        offset: 1,
        maxBytes,
        ...(into === undefined ? {} : { memory: into }),
      })
      t.equal(bytes.length, Math.floor(maxBytes / size) * size, `${maxBytes} bytes`)
      for (let at = 0; at < bytes.length; at += size) t.equal(Number(bytes.readBigInt64BE(at)), 1 + at / size)
    }
  }
  for (const nth of [1, 2]) {
    fs.fail({ operation: 'read', path: '.log', errno: 'EIO', nth })
    await t.rejects(log.read({ offset: 1, maxBytes: 30 * size }), { code: 'IO_ERROR' })
  }
  await directory.close()
  damage(fs, '/data/t-0/00000000000000000000.log', bytes => {
    bytes.writeUInt8(bytes.readUInt8(25 * size + 100) ^ 1, 25 * size + 100)
    return undefined
  })
  const again = await openLog({ vfs: fs })
  t.equal((await again.log.read({ offset: 1, maxBytes: 34 * size })).bytes.length, 24 * size)
  await t.rejects(again.log.read({ offset: 25 }), {
    code: 'CORRUPT_MESSAGE',
    context: { position: 25 * size },
  })
  t.equal((await again.log.read({ offset: 26 })).bytes.length, 14 * size)
  await again.directory.close()
})

t.test('readers are woken when more is visible', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs() })
  const seen: number[] = []
  const stop = log.onVisible(() => seen.push(log.highWatermark))
  await log.append(numbers(0, 5))
  await log.append(numbers(5, 5))
  stop()
  await log.append(numbers(10, 5))
  t.same(seen, [5, 10])
  await directory.close()
})

/** Readers that wait for records until they have seen 50; resolves when no append comes any more. */
async function waitingReaders(): Promise<number[]> {
  const { directory, log } = await openLog({ vfs: new FaultFs(new MemFs()) })
  const seen = [0, 0, 0]
  const stops = seen.map((_, reader) => {
    let reading: Promise<void> | undefined
    const read = async (): Promise<void> => {
      for (let offset = seen[reader] ?? 0; offset < log.highWatermark; offset = seen[reader] ?? 0) {
        const { bytes } = await log.read({ offset })
        for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at))
          seen[reader] = bytes.readInt32BE(at + 4) + bytes.readInt32BE(at + 23) + 1
      }
      reading = undefined
    }
    return log.onVisible(() => {
      reading ??= read()
    })
  })
  await Promise.all(range(0, 10).map(batch => log.append(numbers(Number(batch) * 5, 5))))
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  for (const stop of stops) stop()
  await directory.close()
  return seen
}

t.test('all who wait are woken, and the bug of a lost wake-up is found', async t => {
  t.same(await waitingReaders(), [50, 50, 50])
  t.teardown(plant('wakeUpLost'))
  t.not(String(await waitingReaders()), '50,50,50')
})

t.test(
  'a reader that lost its segment reads on in the new list, or is out of range, and never garbage',
  async t => {
    const fs = new FaultFs(new MemFs())
    const settings = config({ segmentBytes: 1000, fileDeleteDelayMs: 0 })
    // A handle at a time: each read has to open its file again.
    const { directory, log } = await openLog({ vfs: fs, config: settings, openFilesMax: 1 })
    for (let batch = 0; batch < 40; batch++) await log.append(numbers(batch * 10, 10))
    for (const before of [100, 155, 290]) {
      const offset = log.logStartOffset + 5
      const hold = fs.hold({
        operation: 'open',
        path: `${String(log.segments.findLast(s => s.baseOffset <= offset)?.baseOffset)}.log`,
      })
      const reading = log.read({ offset }).then(
        ({ bytes }) => Number(bytes.readBigInt64BE(0)) <= offset,
        (error: unknown) => (error as { code: string }).code,
      )
      const looking = log.offsetForTimestamp(DAY + offset)
      await Promise.race([hold.reached(), new Promise(resolve => setImmediate(resolve))])
      const deleting = log.deleteRecords(before)
      hold.release()
      await deleting
      t.ok([true, 'OFFSET_OUT_OF_RANGE'].includes(await reading), String(await reading))
      const found = (await looking)?.offset ?? -1
      t.ok([offset, before].includes(found), `a lookup meanwhile: ${found}`)
      t.equal((await log.offsetForTimestamp(0))?.offset, before, 'no record below the start is an answer')
      t.same(await valuesFrom(log), range(before, 400))
    }
    const [first] = log.segments
    if (first === undefined) return
    await valuesFrom(log, 380)
    fs.sync.unlink(first.path)
    await t.rejects(log.read({ offset: log.logStartOffset }), {
      code: 'CORRUPT_MESSAGE',
      context: { path: first.path },
    })
    await directory.close()
  },
)

t.test(
  'the largest timestamp is that of the first record that has it, among those that may be read',
  async t => {
    const fs = new FaultFs(new MemFs())
    const settings = config({
      segmentBytes: 2000,
      indexIntervalBytes: 200,
      segmentMs: Number.MAX_SAFE_INTEGER,
    })
    const { directory, log } = await openLog({ vfs: fs, config: settings })
    t.equal(await log.maxTimestamp(), undefined)
    const stamps: number[] = []
    const random = new SeededRandom('largest')
    const check = async (what: string): Promise<void> => {
      const readable = stamps.slice(log.logStartOffset, log.highWatermark)
      const timestamp = Math.max(...readable)
      const offset = log.logStartOffset + readable.indexOf(timestamp)
      t.match(await log.maxTimestamp(), { offset, timestamp }, what)
    }
    for (let batch = 0; batch < 60; batch++) {
      const records = Array.from({ length: 4 }, () => ({
        value: `${batch}`,
        timestamp: DAY + random.int(200),
      }))
      for (const { timestamp } of records) stamps.push(timestamp)
      await log.append(batchOf(records))
      if (batch % 5 === 0) await check(`after batch ${batch}`)
    }
    const hold = fs.hold({ operation: 'datasync', path: '.log' })
    const future = log.append(batchOf([{ value: 'future', timestamp: DAY + 5000 }]))
    await hold.reached()
    await check('while a larger one is not acknowledged')
    hold.release()
    await future
    stamps.push(DAY + 5000)
    await check('now it is')
    for (const before of [3, 57, 122, 201, 239]) {
      await log.deleteRecords(before)
      await check(`from ${before} on`)
    }
    await directory.close()
  },
)

t.test('acks=0 resolves when queued, and the memory is free at once', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs })
  const hold = fs.hold({ operation: 'write', path: '.log' })
  const batch = numbers(0, 5)
  t.equal((await log.append(batch, { acks: 0 })).baseOffset, 0)
  t.equal(log.highWatermark, 0)
  batch.fill(0)
  hold.release()
  await log.append(numbers(5, 5))
  t.same(await valuesFrom(log), range(0, 10))
  await directory.close()
})

t.test('what a broker refuses is refused, and leaves nothing behind', async t => {
  const clock = new FakeClock(DAY)
  const settings = config({
    maxMessageBytes: 1000,
    messageTimestampAfterMaxMs: 1000,
    messageTimestampBeforeMaxMs: 5000,
  })
  const { directory, log } = await openLog({ vfs: new MemFs(), clock, config: settings })
  const damaged = numbers(0, 3)
  damaged.writeUInt8(damaged.readUInt8(80) ^ 1, 80)
  await t.rejects(log.append(damaged), { code: 'CORRUPT_MESSAGE' })
  await t.rejects(log.append(numbers(0, 3).subarray(0, 90)), { code: 'CORRUPT_MESSAGE' })
  await t.rejects(log.append(Buffer.alloc(0)), { code: 'INVALID_RECORD' })
  await t.rejects(log.append(numbers(0, 1, { bytes: 1000 })), {
    code: 'MESSAGE_TOO_LARGE',
    context: { max: 1000 },
  })
  await t.rejects(log.append(numbers(0, 1, { timestamp: DAY + 1001 })), { code: 'INVALID_TIMESTAMP' })
  await t.rejects(log.append(numbers(0, 1, { timestamp: DAY - 5001 })), { code: 'INVALID_TIMESTAMP' })
  await t.rejects(log.append(Buffer.concat([numbers(0, 1), damaged])), { code: 'CORRUPT_MESSAGE' })
  t.equal(log.logEndOffset, 0)
  t.equal((await log.append(numbers(0, 1, { timestamp: DAY - 5000 }))).baseOffset, 0)
  log.configure(config({ compact: true }))
  await t.rejects(log.append(batchOf(['without a key'], { timestamp: DAY })), { code: 'INVALID_RECORD' })
  t.equal((await log.append(batchOf([{ key: 'k', value: null }], { timestamp: DAY }))).baseOffset, 1)
  await directory.close()
})

t.test('LogAppendTime stamps whole batches by the clock', async t => {
  const clock = new FakeClock(DAY)
  const { directory, log } = await openLog({
    vfs: new MemFs(),
    clock,
    config: config({ messageTimestampType: 'LogAppendTime' }),
  })
  t.equal((await log.append(numbers(0, 3, { timestamp: 5 }))).logAppendTime, DAY)
  const { bytes } = await log.read({ offset: 0 })
  t.equal(timestampTypeOf(readAttributes(bytes, 0)), 'LogAppendTime')
  t.equal(readMaxTimestamp(bytes, 0), DAY)
  t.same(
    [...recordsOf(bytes, 0)].map(record => record.timestamp),
    [DAY, DAY, DAY],
  )
  t.match(await log.offsetForTimestamp(DAY), { offset: 0, timestamp: DAY })
  await directory.close()
})

t.test('by timestamp the first record at or after it is found, whatever their order and codec', async t => {
  const { directory, log } = await openLog({
    vfs: new MemFs(),
    config: config({ segmentBytes: 4000, indexIntervalBytes: 100, segmentMs: Number.MAX_SAFE_INTEGER }),
  })
  const stamps: number[] = []
  for (let batch = 0; batch < 60; batch++) {
    const base = DAY + ((batch * 37) % 60) * 1000
    const records = Array.from({ length: 4 }, (_, index) => ({
      key: 'k',
      value: `${batch}`,
      timestamp: base + ((index * 3) % 4),
    }))
    for (const record of records) stamps.push(record.timestamp)
    await log.append(batch % 2 === 0 ? batchOf(records) : await compressedBatchOf(records, { codec: 'gzip' }))
  }
  t.ok(log.segments.length > 1)
  for (let wanted = DAY - 500; wanted < DAY + 61_000; wanted += 499) {
    const offset = stamps.findIndex(timestamp => timestamp >= wanted)
    const found = await log.offsetForTimestamp(wanted)
    t.same(found?.offset, offset < 0 ? undefined : offset, `at ${wanted - DAY}`)
  }
  await directory.close()
})

t.test('segments roll by size, by record time and by a full index', async t => {
  const day = 24 * 3600 * 1000
  const { directory, log } = await openLog({ vfs: new MemFs(), config: config({ segmentMs: day }) })
  await log.append(numbers(0, 1, { timestamp: DAY - 10 * day }))
  await log.append(numbers(1, 1, { timestamp: DAY - 9 * day - 1 }))
  t.equal(log.segments.length, 1)
  await log.append(numbers(2, 1, { timestamp: DAY - 8 * day }))
  t.same(
    log.segments.map(segment => segment.baseOffset),
    [0, 2],
  )
  log.configure(config({ segmentIndexBytes: 80, indexIntervalBytes: 1 }))
  for (let batch = 0; batch < 30; batch++) await log.append(numbers(3 + batch, 1))
  t.ok(log.segments.length > 4)
  t.same(await valuesFrom(log), range(0, 33))
  await directory.close()
})

t.test('a log goes on where it was closed, with the indexes it had', async t => {
  const vfs = new MemFs()
  for (let life = 0; life < 4; life++) {
    const { directory, log } = await openLog({
      vfs,
      config: config({ indexIntervalBytes: 200, segmentBytes: 5000 }),
    })
    t.equal(log.logEndOffset, life * 100)
    for (let batch = 0; batch < 10; batch++) await log.append(numbers(life * 100 + batch * 10, 10))
    t.same(await valuesFrom(log), range(0, (life + 1) * 100))
    t.same(directory.findings, [])
    await directory.close()
  }
})

t.test('batches with gaps between their offsets are read where the cleaner has been', async t => {
  const vfs = new MemFs()
  const { directory, log } = await openLog({ vfs })
  for (let batch = 0; batch < 10; batch++) await log.append(numbers(batch * 10, 10))
  await directory.close()
  const path = '/data/t-0/00000000000000000000.log'
  damage(vfs, path, bytes => {
    const starts: number[] = []
    for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) starts.push(at)
    // As a cleaner leaves it: the batches 3 to 5 are gone.
    return Buffer.concat([bytes.subarray(0, starts[3]), bytes.subarray(starts[6])])
  })
  const strict = await openLog({ vfs })
  await t.rejects(strict.log.read({ offset: 40 }), { code: 'CORRUPT_MESSAGE' })
  await strict.directory.close()
  vfs.sync.open('/data/cleaner-offset-checkpoint', 'create').close()
  damage(vfs, '/data/cleaner-offset-checkpoint', () => Buffer.from('0\n1\nt 0 60\n'))
  const cleaned = await openLog({ vfs })
  t.same(cleaned.directory.findings, [])
  t.equal(cleaned.log.logEndOffset, 100)
  t.equal((await cleaned.log.read({ offset: 40, maxBytes: 1 })).bytes.readBigInt64BE(0), 60n)
  await cleaned.directory.close()
})

t.test("settings come from Kafka's names", t => {
  const settings = logConfigOf([
    ['segment.bytes', '1048576'],
    ['flush.messages', '9223372036854775807'],
    ['cleanup.policy', 'compact,delete'],
    ['message.timestamp.type', 'LogAppendTime'],
    ['retention.ms', '-1'],
  ])
  t.match(settings, {
    segmentBytes: 1048576,
    flushMessages: Number.MAX_SAFE_INTEGER,
    compact: true,
    messageTimestampType: 'LogAppendTime',
    indexIntervalBytes: 4096,
  })
  t.throws(() => logConfigOf([['segment.bytes', 'many']]), {
    code: 'INVALID_CONFIG',
    context: { field: 'segment.bytes' },
  })
  t.throws(() => logConfigOf([['message.timestamp.type', 'x']]), { code: 'INVALID_CONFIG' })
  t.equal(TOPIC_ID.length, 22)
  t.end()
})
