import t from 'tap'
import { FakeClock, MemFs } from '@varve/platform'
import {
  BatchWriter,
  patchCrc,
  patchLogAppendTime,
  patchMaxTimestamp,
  patchProducer,
  readAttributes,
  readLastOffsetDelta,
  readMaxTimestamp,
  recordsOf,
  timestampTypeOf,
} from '@varve/records'
import { batchOf, compressedBatchOf, FaultFs, type RecordSketch } from '@varve/testkit'
import type { LogConfig } from '../src/log-config.ts'
import type { AppendOptions } from '../src/partition/log-appender.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { config, DAY, numbers, openLog, range, valuesFrom } from './helpers.ts'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** A log on a clock that stands at `DAY`. */
async function logWith(
  changes: Partial<LogConfig>,
): Promise<{ log: PartitionLog; close: () => Promise<void> }> {
  const { directory, log } = await openLog({
    vfs: new MemFs(),
    clock: new FakeClock(DAY),
    config: config(changes),
  })
  return { log, close: () => directory.close() }
}

/** The same bytes as if they came from another process: nobody here knows who wrote them. */
const foreign = (batch: Buffer): Buffer => Buffer.from(batch)

const at = (timestamp: number): RecordSketch => ({ key: 'k', value: 'v', timestamp })

t.test('a batch above max.message.bytes, an append above segment.bytes', async t => {
  const batch = numbers(0, 10, { bytes: 50 })
  const { log, close } = await logWith({ maxMessageBytes: batch.length, segmentBytes: 3 * batch.length })
  t.match(await log.append(foreign(batch)), { baseOffset: 0, lastOffset: 9 })
  log.configure({ ...log.config, maxMessageBytes: batch.length - 1 })
  await t.rejects(log.append(foreign(batch)), {
    code: 'MESSAGE_TOO_LARGE',
    context: { topic: 't', partition: 0, found: batch.length, max: batch.length - 1 },
  })
  // Nothing is computed over what is refused for its size.
  const damagedToo = foreign(batch).fill(0xff, 100)
  await t.rejects(log.append(damagedToo), { code: 'MESSAGE_TOO_LARGE' })
  log.configure({ ...log.config, maxMessageBytes: batch.length })
  const four = Buffer.concat([batch, batch, batch, batch])
  await t.rejects(log.append(four), {
    code: 'RECORD_LIST_TOO_LARGE',
    context: { found: four.length, max: 3 * batch.length },
  })
  t.match(await log.append(four.subarray(0, 3 * batch.length)), { baseOffset: 10, lastOffset: 39 })
  t.equal(log.logEndOffset, 40)
  await close()
})

t.test('magic, checksum, length and counts are checked, and nothing stays of what is refused', async t => {
  const { log, close } = await logWith({})
  const wrong = (change: (batch: Buffer) => void, { patch = true } = {}): Buffer => {
    const batch = foreign(numbers(0, 3))
    change(batch)
    if (patch) patchCrc(batch, 0)
    return batch
  }
  const cases: [string, string, Buffer][] = [
    [
      'the checksum differs',
      'CORRUPT_MESSAGE',
      wrong(b => b.writeUInt8(b.readUInt8(90) ^ 4, 90), { patch: false }),
    ],
    ['magic 1', 'UNSUPPORTED_VERSION', wrong(b => b.writeInt8(1, 16))],
    ['magic 3', 'CORRUPT_MESSAGE', wrong(b => b.writeInt8(3, 16))],
    ['a length past the end', 'CORRUPT_MESSAGE', wrong(b => b.writeInt32BE(2 ** 30, 8), { patch: false })],
    ['a length of nothing', 'CORRUPT_MESSAGE', wrong(b => b.writeInt32BE(0, 8), { patch: false })],
    ['fewer records than offsets', 'INVALID_RECORD', wrong(b => b.writeInt32BE(2, 57))],
    ['more offsets than records', 'INVALID_RECORD', wrong(b => b.writeInt32BE(5, 23))],
    [
      'more records than there are',
      'CORRUPT_MESSAGE',
      wrong(b => (b.writeInt32BE(4, 57), b.writeInt32BE(3, 23))),
    ],
    [
      'fewer records than there are',
      'CORRUPT_MESSAGE',
      wrong(b => (b.writeInt32BE(2, 57), b.writeInt32BE(1, 23))),
    ],
    ['no records at all', 'INVALID_RECORD', wrong(b => b.writeInt32BE(0, 57))],
    ['a codec that nobody knows', 'UNSUPPORTED_CODEC', wrong(b => b.writeInt16BE(6, 21))],
    ['a codec that is not used', 'CORRUPT_MESSAGE', wrong(b => b.writeInt16BE(1, 21))],
    ['a record that reaches past its batch', 'CORRUPT_MESSAGE', wrong(b => b.writeUInt8(0x7e, 61))],
  ]
  for (const [name, code, batch] of cases) await t.rejects(log.append(batch), { code }, name)
  // One bad batch among several, wherever it lies.
  await t.rejects(log.append(Buffer.concat([numbers(0, 2), wrong(b => b.writeInt32BE(0, 57))])), {
    code: 'INVALID_RECORD',
  })
  t.equal(log.logEndOffset, 0)
  t.match(await log.append(foreign(numbers(0, 3))), { baseOffset: 0 })
  await close()
})

t.test('offsets in a batch follow each other, in every codec', async t => {
  const { log, close } = await logWith({})
  for (const codec of CODECS) {
    const writer = new BatchWriter({ codec })
    writer.addAt(0, null, 'a', DAY)
    writer.addAt(2, null, 'b', DAY)
    const gap = await writer.finishCompressed()
    await t.rejects(log.append(gap), { code: 'INVALID_RECORD' }, `${codec}, by the counts`)
    // The counts agree, but the second record says offset 2 of two.
    gap.writeInt32BE(1, 23)
    patchCrc(gap, 0)
    await t.rejects(log.append(gap), { code: 'INVALID_RECORD' }, `${codec}, by the records`)
  }
  t.equal(log.logEndOffset, 0)
  await close()
})

t.test('a compacted topic wants a key of every record, in every codec', async t => {
  const { log, close } = await logWith({ compact: true })
  let end = 0
  for (const codec of CODECS) {
    for (const give of [foreign, (batch: Buffer): Buffer => batch]) {
      const keyless = await compressedBatchOf([{ key: 'k', value: '1' }, 'no key'], { codec, timestamp: DAY })
      await t.rejects(log.append(give(keyless)), { code: 'INVALID_RECORD' }, codec)
      const tombstone = await compressedBatchOf([{ key: 'k', value: null }], { codec, timestamp: DAY })
      t.equal((await log.append(give(tombstone))).baseOffset, end++, codec)
    }
  }
  await close()
})

t.test('the time of every record is within the bounds, not only the largest', async t => {
  const { log, close } = await logWith({
    messageTimestampBeforeMaxMs: 5000,
    messageTimestampAfterMaxMs: 1000,
  })
  for (const codec of CODECS) {
    for (const give of [foreign, (batch: Buffer): Buffer => batch]) {
      const send = async (...times: number[]): Promise<unknown> =>
        log.append(give(await compressedBatchOf(times.map(at), { codec })))
      await t.resolves(send(DAY, DAY - 5000, DAY + 1000, -1), codec)
      await t.rejects(send(DAY, DAY - 5001, DAY), {
        code: 'INVALID_TIMESTAMP',
        context: { field: 'message.timestamp.before.max.ms', found: DAY - 5001, min: DAY - 5000 },
      })
      await t.rejects(send(DAY, DAY + 1001, DAY), {
        code: 'INVALID_TIMESTAMP',
        context: { field: 'message.timestamp.after.max.ms', found: DAY + 1001, max: DAY + 1000 },
      })
      await t.resolves(send(-1, -1), 'records without a time')
    }
  }
  log.configure({ ...log.config, messageTimestampType: 'LogAppendTime' })
  await t.resolves(log.append(batchOf([at(0), at(DAY * 2)])), 'with LogAppendTime the bounds do not count')
  await close()
})

t.test(
  'a header that lies about the largest time is put right; an append time is the topic’s to give',
  async t => {
    const { log, close } = await logWith({})
    const lying = foreign(batchOf([at(DAY), at(DAY + 5)]))
    patchMaxTimestamp(lying, 0, DAY + 5000)
    await log.append(lying)
    const stamped = foreign(batchOf([at(5), at(6)]))
    patchLogAppendTime(stamped, 0, DAY + 7)
    await log.append(stamped)
    const first = (await log.read({ offset: 0, maxBytes: 1 })).bytes
    t.equal(readMaxTimestamp(first, 0), DAY + 5)
    const second = (await log.read({ offset: 2, maxBytes: 1 })).bytes
    t.equal(timestampTypeOf(readAttributes(second, 0)), 'CreateTime')
    t.equal(readMaxTimestamp(second, 0), DAY + 7)
    t.match(await log.offsetForTimestamp(DAY + 1), { offset: 1, timestamp: DAY + 5 })
    await close()
  },
)

t.test('what the writer of this process encoded is known, and anything else is not taken for it', async t => {
  const { log, close } = await logWith({ compact: true })
  const memory = Buffer.alloc(4096)
  const writer = new BatchWriter({ memory })
  writer.add('k', '8 bytes.', DAY)
  const batch = writer.finish()
  // Other bytes in the same buffer, with a checksum of their own: the second record has no key.
  writer.reset(memory)
  writer.add('k', 'x', DAY)
  writer.add(null, '', DAY)
  const other = writer.finish()
  t.equal(batch.length, other.length, 'two batches of one size in one memory')
  await t.rejects(log.append(batch), { code: 'INVALID_RECORD' }, 'the buffer of the first holds the second')
  // And a change by hand, checksum included.
  const changed = batchOf([{ key: 'k', value: 'value' }], { timestamp: DAY })
  changed.writeUInt8(0x7e, 61)
  patchCrc(changed, 0)
  await t.rejects(log.append(changed), { code: 'CORRUPT_MESSAGE' })
  const patched = batchOf([{ key: 'k', value: 'value' }], { timestamp: DAY })
  patchProducer(patched, 0, { producerId: 5, producerEpoch: 0, baseSequence: 0 })
  patchProducer(patched, 0, { producerId: -1, producerEpoch: -1, baseSequence: -1 })
  t.equal((await log.append(patched)).baseOffset, 0)
  await close()
})

t.test('whoever says that records were validated is believed, but for headers and checksums', async t => {
  const { log, close } = await logWith({ compact: true, messageTimestampAfterMaxMs: 0 })
  const options: AppendOptions = { validated: true }
  const keyless = foreign(batchOf(['no key'], { timestamp: DAY + 10 }))
  t.match(await log.append(keyless, options), { baseOffset: 0 })
  const damaged = foreign(numbers(1, 1))
  damaged.writeUInt8(damaged.readUInt8(70) ^ 1, 70)
  await t.rejects(log.append(damaged, options), { code: 'CORRUPT_MESSAGE' })
  await t.rejects(log.append(Buffer.alloc(10), options), { code: 'CORRUPT_MESSAGE' })
  await close()
})

t.test('several batches in one append, whatever offsets they bring', async t => {
  const { log, close } = await logWith({})
  const several = Buffer.concat([
    batchOf(['0', '1'], { timestamp: DAY, baseOffset: 700, leaderEpoch: 9 }),
    await compressedBatchOf(['2', '3', '4'], { timestamp: DAY, codec: 'lz4', baseOffset: 3 }),
  ])
  t.match(await log.append(several), { baseOffset: 0, lastOffset: 4 })
  t.same(await valuesFrom(log), range(0, 5))
  t.equal(readLastOffsetDelta(several, 0), 1)
  await close()
})

t.test('a bomb is refused before it is let in', async t => {
  const { log, close } = await logWith({ maxMessageBytes: 2 ** 31 - 1 })
  const zeros = new BatchWriter({ codec: 'zstd' })
  zeros.add(null, Buffer.alloc(257 * 1024 * 1024), DAY)
  const bomb = foreign(await zeros.finishCompressed())
  t.ok(bomb.length < 100_000)
  await t.rejects(log.append(bomb), { code: 'MESSAGE_TOO_LARGE' })
  t.equal(log.logEndOffset, 0)
  await close()
})

t.test('acks: 0 when queued, 1 and -1 when visible', async t => {
  const fs = new FaultFs(new MemFs())
  const { directory, log } = await openLog({ vfs: fs })
  await log.append(numbers(0, 1))
  for (const [acks, visible] of [
    [0, false],
    [1, true],
    [-1, true],
  ] as const) {
    const base = log.logEndOffset
    const hold = fs.hold({ operation: 'datasync', path: '.log' })
    let done = false
    const append = log.append(numbers(base, 1), { acks }).then(() => {
      done = true
    })
    await hold.reached()
    t.equal(done, !visible, `acks ${acks} before the sync`)
    t.equal(log.highWatermark, base)
    hold.release()
    await append
    await log.flush()
    while (log.highWatermark === base) await Promise.resolve()
  }
  await directory.close()
})

t.test('values come back as they were sent after every check', async t => {
  const { log, close } = await logWith({ messageTimestampBeforeMaxMs: 10_000 })
  const records = Array.from({ length: 300 }, (_, index) => ({
    key: index % 3 === 0 ? null : `key-${index}`,
    value: index % 7 === 0 ? null : 'v'.repeat(index % 200),
    headers: index % 5 === 0 ? [{ key: 'h', value: String(index) }] : [],
    timestamp: DAY - (index % 50),
  }))
  for (const codec of CODECS) await log.append(foreign(await compressedBatchOf(records, { codec })))
  const { bytes } = await log.read({ offset: 0, maxBytes: 1 })
  const found = [...recordsOf(bytes, 0)].map(({ key, value, timestamp, headers }) => ({
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: headers.map(header => ({ key: header.key, value: header.value?.toString() })),
    timestamp,
  }))
  t.same(found, records)
  await close()
})
