import t from 'tap'
import { FakeClock, MemFs } from '@varve/platform'
import {
  BATCH_HEADER_SIZE,
  BatchWriter,
  checkBatch,
  codecOf,
  isCodecLoaded,
  readAttributes,
  readBatchHeader,
  recordsOf,
  writeControlRecord,
  type CodecName,
} from '@varve/records'
import { batchOf, compressedBatchOf, numberedRecords } from '@varve/testkit'
import { logConfigOf, type LogConfig } from '../src/log-config.ts'
import type { PartitionLog } from '../src/partition/partition-log.ts'
import { config, DAY, numbers, openLog, range, valuesFrom } from './helpers.ts'

const CODECS: readonly CodecName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

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

const codecAt = async (log: PartitionLog, offset: number): Promise<CodecName> =>
  codecOf(readAttributes((await log.read({ offset, maxBytes: 1 })).bytes, 0))

/** What a reader sees of a batch. */
const seen = (batch: Buffer): unknown[] =>
  [...recordsOf(batch, 0)].map(({ key, value, timestamp, headers }) => ({
    key: key?.toString(),
    value: value?.toString(),
    timestamp,
    headers: headers.map(header => [header.key, header.value?.toString()]),
  }))

// First of all, while no codec is loaded in this process.
t.test('calls keep their order while a codec is loaded', async t => {
  t.notOk(isCodecLoaded('zstd'))
  const { log, close } = await logWith({ compressionType: 'zstd' })
  const first = log.append(numbers(0, 3))
  log.configure({ ...log.config, compressionType: 'snappy' })
  const second = log.append(numbers(3, 2), { acks: 0 })
  log.configure({ ...log.config, compressionType: 'producer' })
  const third = log.append(numbers(5, 1))
  t.match(await Promise.all([first, second, third]), [
    { baseOffset: 0 },
    { baseOffset: 3 },
    { baseOffset: 5 },
  ])
  t.same(await valuesFrom(log), range(0, 6))
  await close()
})

t.test('a log that is closed while a codec is loaded says so', async t => {
  const { log, close } = await logWith({ compressionType: 'lz4' })
  t.notOk(isCodecLoaded('lz4'))
  const append = log.append(numbers(0, 1))
  await Promise.all([t.rejects(append, { code: 'CLOSED' }), close()])
})

t.test('a topic’s own codec, out of every other one', async t => {
  const records = [
    {
      key: 'a',
      value: 'x'.repeat(500),
      timestamp: DAY + 9,
      headers: [{ key: 'h', value: 'y' }, { key: 'n' }],
    },
    { key: null, value: null, timestamp: DAY },
    { key: '', value: '', timestamp: DAY + 3 },
  ]
  const producer = { producerId: 77, producerEpoch: 3, baseSequence: 0 }
  for (const from of CODECS) {
    for (const to of CODECS) {
      const { log, close } = await logWith({ compressionType: to })
      const batch = await compressedBatchOf(records, { codec: from, ...producer })
      const before = Buffer.from(batch)
      t.match(await log.append(batch), { baseOffset: 0, lastOffset: 2 })
      const { bytes } = await log.read({ offset: 0 })
      t.equal(checkBatch(bytes, 0), bytes.length)
      const wanted = readBatchHeader(before, 0)
      const found = readBatchHeader(bytes, 0)
      t.equal(codecOf(found.attributes), to, `${from} to ${to}`)
      t.match(found, {
        ...producer,
        recordsCount: 3,
        lastOffsetDelta: 2,
        baseTimestamp: wanted.baseTimestamp,
        maxTimestamp: DAY + 9,
      })
      t.same(seen(bytes), seen(before), `${from} to ${to}`)
      if (from === to) t.ok(bytes.subarray(21).equals(before.subarray(21)), `${from} stays as it was sent`)
      await close()
    }
  }
})

t.test('producer keeps what was sent', async t => {
  const { log, close } = await logWith({})
  for (const [offset, codec] of CODECS.entries()) {
    const batch = await compressedBatchOf(['value'], { codec, timestamp: DAY })
    const sent = Buffer.from(batch)
    await log.append(batch)
    const { bytes } = await log.read({ offset, maxBytes: 1 })
    t.ok(bytes.subarray(21).equals(sent.subarray(21)), codec)
  }
  await close()
})

t.test('each batch of an append is looked at by itself', async t => {
  const { log, close } = await logWith({ compressionType: 'gzip' })
  const packed = await compressedBatchOf(['1', '2'], { codec: 'gzip', timestamp: DAY })
  const payload = Buffer.from(packed.subarray(BATCH_HEADER_SIZE))
  const several = [
    batchOf(['0'], { timestamp: DAY }),
    packed,
    await compressedBatchOf(['3'], { codec: 'lz4', timestamp: DAY }),
  ]
  t.match(await log.append(Buffer.concat(several)), { baseOffset: 0, lastOffset: 3 })
  t.same(await valuesFrom(log), range(0, 4))
  for (const offset of [0, 1, 3]) t.equal(await codecAt(log, offset), 'gzip')
  const middle = (await log.read({ offset: 1, maxBytes: 1 })).bytes
  t.ok(middle.subarray(BATCH_HEADER_SIZE).equals(payload), 'what is in the codec already is not touched')
  await close()
})

t.test('control batches stay as they were written', async t => {
  const { log, close } = await logWith({ compressionType: 'zstd' })
  const { key, value } = writeControlRecord({ type: 'commit', version: 0, coordinatorEpoch: 0 })
  const marker = batchOf([{ key, value, timestamp: DAY }], {
    producerId: 5,
    producerEpoch: 0,
    transactional: true,
    control: true,
  })
  const { length } = marker
  await log.append(marker, { origin: 'coordinator' })
  t.equal(await codecAt(log, 0), 'none')
  t.equal((await log.read({ offset: 0 })).bytes.length, length)
  await close()
})

t.test('the size counts again when the codec is another', async t => {
  const records = numberedRecords(50, { bytes: 100 })
  const small = await compressedBatchOf(records, { codec: 'gzip', timestamp: DAY })
  const { log, close } = await logWith({ compressionType: 'none', maxMessageBytes: small.length })
  await t.rejects(log.append(small), { code: 'MESSAGE_TOO_LARGE', context: { max: small.length } })
  log.configure({ ...log.config, maxMessageBytes: 10_000, segmentBytes: small.length })
  await t.rejects(log.append(small), { code: 'RECORD_LIST_TOO_LARGE' })
  log.configure({ ...log.config, segmentBytes: 10_000 })
  await log.append(small)
  t.equal(await codecAt(log, 0), 'none')
  await close()
})

t.test('the append time goes into what was re-encoded', async t => {
  const { log, close } = await logWith({ compressionType: 'lz4', messageTimestampType: 'LogAppendTime' })
  t.match(await log.append(numbers(0, 3, { timestamp: 5 })), { logAppendTime: DAY })
  const { bytes } = await log.read({ offset: 0 })
  t.equal(checkBatch(bytes, 0), bytes.length)
  t.same(
    [...recordsOf(bytes, 0)].map(({ timestamp }) => timestamp),
    [DAY, DAY, DAY],
  )
  await close()
})

t.test('levels are handed to the codecs that have them', async t => {
  const text = Array.from(
    { length: 400 },
    (_, index) => `${(index * 7919) % 1000} ${(index * 104729) % 997}`,
  ).join(' ')
  const sizeOf = async (settings: [string, string][]): Promise<number> => {
    const { log, close } = await logWith(logConfigOf(settings, config()))
    await log.append(batchOf([text], { timestamp: DAY }))
    const { length } = (await log.read({ offset: 0 })).bytes
    await close()
    return length
  }
  for (const [codec, low, high] of [
    ['gzip', '1', '9'],
    ['zstd', '1', '19'],
  ] as const) {
    const fast = await sizeOf([
      ['compression.type', codec],
      [`compression.${codec}.level`, low],
    ])
    const small = await sizeOf([
      ['compression.type', codec],
      [`compression.${codec}.level`, high],
    ])
    t.ok(small < fast, `${codec}: ${small} bytes at ${high}, ${fast} at ${low}`)
  }
  t.ok(
    (await sizeOf([
      ['compression.type', 'lz4'],
      ['compression.lz4.level', '17'],
    ])) < text.length,
  )
  t.throws(() => logConfigOf([['compression.gzip.level', '10']]), { code: 'INVALID_CONFIG' })
  t.throws(() => logConfigOf([['compression.zstd.level', '1.5']]), { code: 'INVALID_CONFIG' })
})

t.test('what was compressed by another process is checked before it is let in', async t => {
  const { log, close } = await logWith({ compressionType: 'zstd' })
  const writer = new BatchWriter({ codec: 'gzip' })
  writer.add('k', 'v'.repeat(1000), DAY)
  const damaged = Buffer.from(await writer.finishCompressed())
  damaged.fill(0, BATCH_HEADER_SIZE + 10)
  await t.rejects(log.append(damaged), { code: 'CORRUPT_MESSAGE' })
  t.equal(log.logEndOffset, 0)
  await close()
})
