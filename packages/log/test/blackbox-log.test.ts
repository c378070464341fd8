import t from 'tap'
import { FakeClock, isVarveError, MemFs } from '@varve/platform'
import { readBatchSize, readLastOffset, recordsOf } from '@varve/records'
import { batchOf, FaultFs } from '@varve/testkit'
import { logConfigOf } from '../src/log-config.ts'
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

// What a stranger can check of the log with nothing but its public face.

const NEVER = Number.MAX_SAFE_INTEGER
function batchesOf(bytes: Buffer): [base: number, last: number][] {
  const found: [number, number][] = []
  for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at))
    found.push([Number(bytes.readBigInt64BE(at)), readLastOffset(bytes, at)])
  return found
}

t.test('appends of one moment get offsets in the order of the calls, whatever their sizes', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs(), config: config({ segmentBytes: 3000 }) })
  const sizes = [3, 1, 7, 2, 1, 1, 20, 1]
  const appends = sizes.map((count, i) =>
    log.append(numbers(i * 100, count, { bytes: i % 2 === 0 ? 50 : 0 })),
  )
  const answers = await Promise.all(appends)
  let next = 0
  for (const [i, { baseOffset, lastOffset }] of answers.entries()) {
    t.same([baseOffset, lastOffset], [next, next + (sizes[i] ?? 0) - 1])
    next = lastOffset + 1
  }
  t.equal(log.highWatermark, next)
  await directory.close()
})

t.test('64 appends of one moment take a few writes and syncs, not 64', async t => {
  const vfs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs })
  await log.append(numbers(0, 1))
  const before = vfs.operations
  await Promise.all(range(1, 65).map(number => log.append(numbers(Number(number), 1))))
  t.ok(vfs.operations - before <= 12, `${vfs.operations - before} operations`)
  t.same(await valuesFrom(log), range(0, 65))
  await directory.close()
})

t.test(
  'what is visible with flush.messages=1 is durable, and what is durable is there after a power cut',
  async t => {
    const vfs = new MemFs({ crashable: true })
    const settings = config({ segmentBytes: 500 })
    const { directory, log } = await openLog({ vfs, config: settings })
    const cuts: [acknowledged: number, left: MemFs][] = []
    log.onVisible(() => {
      t.ok(
        log.highWatermark <= log.durableOffset,
        `${log.highWatermark} visible, ${log.durableOffset} durable`,
      )
      cuts.push([log.highWatermark, crashed(vfs, log.highWatermark, 0)])
    })
    for (let i = 0; i < 12; i++) await log.append(numbers(i * 2, 2))
    await directory.close()
    t.ok(cuts.length >= 12)
    for (const [acknowledged, left] of cuts) {
      const again = await openLog({ vfs: left, config: settings })
      t.same(
        (await valuesFrom(again.log)).slice(0, acknowledged),
        range(0, acknowledged),
        `${acknowledged} acknowledged`,
      )
      await again.directory.close()
    }
  },
)

t.test('with flush.messages at its maximum an acknowledgement survives the death of the process', async t => {
  const vfs = new MemFs({ crashable: true })
  const settings = config({ flushMessages: NEVER, segmentBytes: 500 })
  const { directory, log } = await openLog({ vfs, config: settings })
  for (let i = 0; i < 12; i++) await log.append(numbers(i, 1), { acks: i % 2 === 0 ? 1 : -1 })
  const again = await openLog({ vfs: crashed(vfs, 1, 100), config: settings })
  t.same(await valuesFrom(again.log), range(0, 12))
  await again.directory.close()
  await directory.close()
})

t.test('flush.messages=n syncs by the n-th record at the latest', async t => {
  const vfs = new MemFs({ crashable: true })
  const { directory, log } = await openLog({ vfs, config: config({ flushMessages: 5 }) })
  for (let i = 0; i < 23; i++) {
    await log.append(numbers(i, 1))
    // The sync goes on in the background.
    for (let turn = 0; turn < 50 && log.logEndOffset - log.durableOffset >= 5; turn++)
      await new Promise(resolve => setImmediate(resolve))
    t.ok(
      log.logEndOffset - log.durableOffset < 5,
      `${log.logEndOffset} written, ${log.durableOffset} durable`,
    )
  }
  await directory.close()
})

t.test('acks=0 resolves without the sync', async t => {
  const vfs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs })
  const held = vfs.hold({ operation: 'datasync' })
  const bytes = numbers(0, 2)
  await log.append(bytes, { acks: 0 })
  bytes.fill(0)
  t.equal(log.highWatermark, 0, 'not visible before it is durable')
  held.release()
  await log.append(numbers(2, 1))
  t.same(await valuesFrom(log), range(0, 3), 'its bytes are its own')
  await directory.close()
})

t.test('a reader gets whole batches, from inside one too, and at least one', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs(), config: config({ segmentBytes: 700 }) })
  for (let i = 0; i < 9; i++) await log.append(numbers(i * 5, 5))
  for (let offset = 0; offset < 45; offset++) {
    for (const maxBytes of [0, 1, 200, 100_000]) {
      const { bytes } = await log.read({ offset, maxBytes })
      const [first] = batchesOf(bytes)
      t.same(first, [offset - (offset % 5), offset - (offset % 5) + 4], `${offset} in ${maxBytes}`)
      t.ok(bytes.length <= Math.max(maxBytes, readBatchSize(bytes, 0)))
    }
    const none = await log.read({ offset, maxBytes: 1, minOneBatch: false })
    t.equal(none.bytes.length, 0)
  }
  t.equal((await log.read({ offset: 45 })).bytes.length, 0, 'nothing at the end')
  for (const offset of [-1, 46, 2 ** 52, Number.NaN])
    await t.rejects(log.read({ offset }), { code: /OFFSET_OUT_OF_RANGE|INVALID_ARGUMENT/ }, String(offset))
  await directory.close()
})

t.test('bytes that were read never change afterwards', async t => {
  const { directory, log } = await openLog({ vfs: new MemFs(), config: config({ segmentBytes: 2000 }) })
  const kept: [bytes: Buffer, copy: Buffer][] = []
  for (let i = 0; i < 40; i++) {
    const bytes = numbers(i * 2, 2, { bytes: 40 })
    await log.append(bytes)
    bytes.fill(0xee)
    const read = await log.read({ offset: Math.max(0, i * 2 - 20), maxBytes: 1500 })
    kept.push([read.bytes, Buffer.from(read.bytes)])
  }
  t.ok(kept.every(([bytes, copy]) => bytes.equals(copy)))
  await directory.close()
  t.ok(
    kept.every(([bytes, copy]) => bytes.equals(copy)),
    'also after closing',
  )
})

t.test('an append wakes who waits; nothing polls', async t => {
  const clock = new FakeClock(DAY)
  const { directory, log } = await openLog({ vfs: new MemFs(), clock })
  const timers = clock.timers
  let woken = 0
  const stop = log.onVisible(() => woken++)
  await log.append(numbers(0, 1))
  t.ok(woken >= 1)
  t.equal(clock.timers, timers, 'no timer for a reader')
  stop()
  const before = woken
  await log.append(numbers(1, 1))
  t.equal(woken, before, 'and none is woken that has left')
  await directory.close()
})

t.test('a hundred partitions with flush.ms and retention have no timer each', async t => {
  const clock = new FakeClock(DAY)
  const settings = config({ flushMessages: NEVER, flushMs: 1000, retentionMs: 5000, segmentMs: 1000 })
  const directory = await openDirectory({ vfs: new MemFs(), clock, configOf: () => settings })
  for (let partition = 0; partition < 100; partition++) {
    const log = await directory.createPartition({
      topic: 't',
      partition,
      topicId: TOPIC_ID,
      config: settings,
    })
    await log.append(numbers(0, 1))
  }
  t.ok(clock.timers <= 8, `${clock.timers} timers`)
  await clock.advanceAsync(3000)
  const late = [...directory.partitions.values()].filter(log => log.durableOffset < log.logEndOffset)
  t.equal(late.length, 0, 'all were synced by flush.ms')
  await directory.close()
  t.equal(clock.timers, 0, 'and none is left')
})

t.test('a segment rolls before a relative offset outgrows its index', async t => {
  const far = 2 ** 31 - 3
  const vfs = new MemFs()
  const settings = config({ compact: true, delete: false })
  const first = await openLog({ vfs, config: settings })
  await first.log.append(batchOf([{ key: 'a', value: '0' }], { timestamp: DAY }))
  await first.directory.close()
  // What compaction leaves: a gap of two thousand million offsets within one segment.
  const file = vfs.sync.open('/data/t-0/00000000000000000000.log', 'write')
  const batch = batchOf([{ key: 'b', value: '1' }], { timestamp: DAY, baseOffset: far, leaderEpoch: 0 })
  file.write([batch], file.stat().size)
  file.close()
  for (const name of [
    '00000000000000000000.index',
    '00000000000000000000.timeindex',
    '00000000000000000001.snapshot',
  ])
    if (vfs.sync.stat(`/data/t-0/${name}`) !== undefined) vfs.sync.unlink(`/data/t-0/${name}`)
  for (const name of vfs.sync.list('/data').map(({ name }) => name))
    if (/durable|recovery-point|kafka_cleanshutdown/.test(name)) vfs.sync.unlink(`/data/${name}`)
  const { directory, log } = await openLog({ vfs, config: settings, recover: true })
  t.equal(log.logEndOffset, far + 1)
  for (let i = 0; i < 4; i++) await log.append(numbers(i, 1))
  t.equal(log.logEndOffset, far + 5)
  t.equal(log.segments.length, 2)
  const start = log.segments[1]?.baseOffset ?? 0
  t.ok(start > far && start <= 2 ** 31, `rolled at ${start}`)
  const { bytes } = await log.read({ offset: far + 4 })
  t.same(
    [...recordsOf(bytes, 0)].map(({ offset }) => offset),
    [far + 4],
  )
  await directory.close()
})

t.test('segment.jitter.ms rolls segments at different ages, none older than segment.ms', async t => {
  const HOUR = 3_600_000
  const settings = config({ segmentMs: HOUR, segmentJitterMs: HOUR / 2 })
  const directory = await openDirectory({ vfs: new MemFs(), configOf: () => settings })
  const ages: number[] = []
  for (let partition = 0; partition < 12; partition++) {
    const log = await directory.createPartition({
      topic: 't',
      partition,
      topicId: TOPIC_ID,
      config: settings,
    })
    for (let minute = 0; minute <= 61 && ages.length === partition; minute++) {
      await log.append(numbers(0, 1, { timestamp: DAY + minute * 60_000 }))
      if (log.segments.length > 1) ages.push(minute)
    }
  }
  t.equal(ages.length, 12, 'all rolled')
  t.ok(
    ages.every(age => age >= 29 && age <= 61),
    ages.join(' '),
  )
  t.ok(new Set(ages).size > 2, `not all at once: ${ages.join(' ')}`)
  await directory.close()
})

t.test(
  'preallocate gives a segment its size at once, and neither readers, recovery nor closing mind',
  async t => {
    const vfs = new MemFs({ crashable: true })
    const settings = config({ preallocate: true, segmentBytes: 64 * 1024 })
    const { directory, log } = await openLog({ vfs, config: settings })
    await log.append(numbers(0, 3))
    const path = log.segments[0]?.path ?? ''
    t.equal(vfs.sync.stat(path)?.size, 64 * 1024)
    t.same(await valuesFrom(log), range(0, 3))
    const readOnly = await openLog({ vfs, config: settings, readOnly: true })
    t.same(await valuesFrom(readOnly.log), range(0, 3), 'beside its owner')
    await readOnly.directory.close()
    for (const unsynced of [0, 50, 100]) {
      const again = await openLog({ vfs: crashed(vfs, unsynced, unsynced), config: settings })
      t.same(await valuesFrom(again.log), range(0, 3), `after a power cut, ${unsynced} %`)
      await again.log.append(numbers(3, 1))
      t.same(await valuesFrom(again.log), range(0, 4))
      await again.directory.close()
    }
    await directory.close()
    t.ok((vfs.sync.stat(path)?.size ?? 0) < 1000, 'closed without its empty tail')
    t.equal(config().preallocate, false, 'off by default')
  },
)

t.test('a disk that fills refuses early, goes on reading, and heals', async t => {
  const inner = new MemFs({ bytesMax: 24 * 1024 * 1024 })
  const { directory, log } = await openLog({
    vfs: inner,
    config: config({ flushMessages: NEVER, maxMessageBytes: 2 ** 21 }),
  })
  const big = (number: number): Buffer =>
    batchOf([{ key: 'k', value: Buffer.alloc(2 ** 20, number) }], { timestamp: DAY })
  let written = 0
  let refusal: unknown
  while (refusal === undefined && written < 64)
    await log.append(big(written)).then(
      () => written++,
      (error: unknown) => (refusal = error),
    )
  t.match(refusal, { code: 'DISK_FULL', retriable: true })
  t.ok(isVarveError(refusal) && refusal.message.includes('t-0'), 'it names the partition')
  t.equal(log.offline, undefined, 'the partition is not offline')
  t.ok(log.highWatermark >= written)
  for (let offset = 0; offset < written; offset++)
    t.ok((await log.read({ offset, maxBytes: 1 })).bytes.length > 2 ** 20)
  await directory.close()
})

t.test('too many open files is an error to try again, and harms nothing', async t => {
  const vfs = new FaultFs(new MemFs())
  const settings = config({ segmentBytes: 300 })
  const { directory, log } = await openLog({ vfs, config: settings })
  await log.append(numbers(0, 4))
  const fault = vfs.fail({ operation: 'open', path: '.log', errno: 'EMFILE', times: 2 })
  let next = 4
  for (let i = 0; i < 20; i++) {
    const done = await log.append(numbers(next, 4)).then(
      () => true,
      (error: unknown) => t.match(error, { code: 'TOO_MANY_OPEN_FILES', retriable: true }) && false,
    )
    if (done) next += 4
  }
  t.ok(fault.fired > 0)
  t.equal(log.offline, undefined)
  t.same(await valuesFrom(log), range(0, next))
  await directory.close()
})

t.test("settings by Kafka's names, and what is no value of one", async t => {
  const long = '9223372036854775807'
  t.match(
    logConfigOf([
      ['segment.bytes', '1048576'],
      ['segment.ms', '1'],
      ['segment.jitter.ms', '2'],
      ['segment.index.bytes', '4096'],
      ['index.interval.bytes', '0'],
      ['flush.messages', long],
      ['flush.ms', long],
      ['max.message.bytes', '0'],
      ['message.timestamp.type', 'LogAppendTime'],
      ['message.timestamp.before.max.ms', long],
      ['message.timestamp.after.max.ms', '0'],
      ['compression.type', 'uncompressed'],
      ['cleanup.policy', 'compact,delete'],
      ['retention.ms', '-1'],
      ['retention.bytes', '-1'],
      ['file.delete.delay.ms', '0'],
      ['preallocate', 'true'],
    ]),
    {
      segmentMs: 1,
      flushMessages: NEVER,
      flushMs: NEVER,
      compressionType: 'none',
      compact: true,
      delete: true,
      retentionMs: NEVER,
      retentionBytes: NEVER,
      preallocate: true,
    },
  )
  for (const [name, value] of [
    ['segment.bytes', '-1'],
    ['segment.bytes', 'x'],
    ['segment.ms', '1.5'],
    ['retention.ms', '-2'],
    ['compression.type', 'brotli'],
    ['message.timestamp.type', 'Never'],
    ['preallocate', 'yes'],
  ] as const)
    t.throws(() => logConfigOf([[name, value]]), { code: 'INVALID_CONFIG' }, `${name}=${value}`)
  t.end()
})
