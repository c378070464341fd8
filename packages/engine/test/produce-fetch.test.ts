import t from 'tap'
import { FakeClock, MemFs, NodeFs, type Logger } from '@varve/platform'
import {
  codecOf,
  patchCrc,
  patchLogAppendTime,
  readAttributes,
  readBatchSize,
  recordsOf,
} from '@varve/records'
import { batchOf, compressedBatchOf, FaultFs, numberedRecords } from '@varve/testkit'
import type { FetchRequest, ProduceResult } from '../src/index.ts'
import { brokerWith, codeOf, DAY, openBroker, produce, turn, values } from './harness.ts'

for (const kind of ['memory', 'disk'] as const) {
  t.test(`what is produced is fetched, in ${kind}, also after a reopening`, async t => {
    const vfs = kind === 'memory' ? new MemFs() : new NodeFs()
    const path = kind === 'memory' ? '/data' : t.testdir()
    let broker = await brokerWith({ partitions: 2 }, { vfs, path })
    t.equal(await produce(broker, ['a', 'b']), 0)
    t.equal(await produce(broker, ['c']), 2)
    t.equal(await produce(broker, ['x'], { partition: 1 }), 0)
    await broker.close()
    broker = await openBroker({ vfs, path })
    t.ok(broker.wasClean)
    t.same(await values(broker), ['a', 'b', 'c'])
    t.same(await values(broker, { partition: 1 }), ['x'])
    t.equal(await produce(broker, ['d']), 3)
    await broker.close()
  })
}

t.test('every codec is taken and given back as it was', async t => {
  const broker = await brokerWith()
  const sketches = numberedRecords(50, { bytes: 100 })
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const batches = await compressedBatchOf(sketches, { codec, timestamp: DAY })
    t.match(await broker.produce({ acks: 1, partitions: [{ topic: 't', partition: 0, batches }] }), [
      { error: undefined },
    ])
  }
  t.equal((await values(broker)).length, 200)
  await broker.close()
})

t.test(
  'a topic with a codec of its own re-encodes; a client may not stamp what the broker stamps',
  async t => {
    const stamps = { 'message.timestamp.type': 'LogAppendTime' }
    const broker = await brokerWith({ config: { ...stamps, 'compression.type': 'gzip' } })
    const send = async (batches: Buffer): Promise<ProduceResult | undefined> =>
      (await broker.produce({ acks: -1, partitions: [{ topic: 't', partition: 0, batches }] }))[0]
    t.match(await send(batchOf(['a'], { timestamp: DAY })), { baseOffset: 0, logAppendTime: DAY })
    const stamped = batchOf(['b'], { timestamp: DAY })
    patchLogAppendTime(stamped, 0, DAY)
    t.match(await send(stamped), { error: { code: 'INVALID_TIMESTAMP' } })
    const [fetched] = await broker.fetch({
      partitions: [{ topic: 't', partition: 0, offset: 0 }],
      maxBytes: 1000,
    })
    t.equal(codecOf(readAttributes(fetched?.batches ?? Buffer.alloc(0), 0)), 'gzip')
    t.same(await values(broker), ['a'])
    await broker.close()
  },
)

t.test('each partition of a request fails or succeeds by itself', async t => {
  const broker = await brokerWith({ partitions: 2 })
  const { topics } = await broker.metadata({ topics: ['t'] })
  const batches = (): Buffer => batchOf(['v'], { timestamp: DAY })
  const results = await broker.produce({
    acks: -1,
    partitions: [
      { topic: 't', partition: 0, batches: batches() },
      { topic: 't', partition: 9, batches: batches() },
      { topic: 'no', partition: 0, batches: batches() },
      { topic: '__consumer_offsets', partition: 0, batches: batches() },
      { topic: 't', partition: 1, topicId: 'AAAAAAAAAAAAAAAAAAAAAA', batches: batches() },
      { topic: 't', partition: 1, topicId: topics[0]?.topicId ?? '', batches: batches() },
    ],
  })
  const code = ({ error, baseOffset }: ProduceResult): string | number => error?.code ?? baseOffset
  t.same(results.map(code), [
    0,
    'UNKNOWN_TOPIC_OR_PARTITION',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'INVALID_TOPIC_EXCEPTION',
    'UNKNOWN_TOPIC_ID',
    0,
  ])
  t.equal(await codeOf(() => broker.produce({ acks: 2 as 1, partitions: [] })), 'INVALID_REQUIRED_ACKS')
  await broker.close()
})

t.test('batches that no client may send are refused', async t => {
  const broker = await brokerWith({ config: { 'max.message.bytes': '5000' } })
  await broker.createTopics({ topics: [{ topic: 'compacted', config: { 'cleanup.policy': 'compact' } }] })
  const send = async (batches: Buffer, topic = 't') => {
    const [result] = await broker.produce({ acks: -1, partitions: [{ topic, partition: 0, batches }] })
    return result?.error?.code ?? 'none'
  }
  const at = { timestamp: DAY }
  const flipped = batchOf(['value'], at)
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 3) ^ 1, flipped.length - 3)
  t.equal(await send(flipped), 'CORRUPT_MESSAGE', 'a bit flipped')
  t.equal(await send(batchOf(['value'], at).subarray(0, 60)), 'CORRUPT_MESSAGE', 'cut')
  t.equal(await send(Buffer.alloc(0)), 'INVALID_RECORD', 'empty')
  t.equal(await send(batchOf(['v'], { ...at, control: true })), 'INVALID_RECORD')
  t.equal(
    await send(
      batchOf(['v'], { ...at, transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
    ),
    'UNSUPPORTED_VERSION',
  )
  const gap = batchOf(['a', 'b'], at)
  gap.writeInt32BE(5, 23)
  patchCrc(gap, 0)
  t.equal(await send(gap), 'INVALID_RECORD', 'offsets with a gap')
  t.equal(await send(batchOf(['x'.repeat(6000)], at)), 'MESSAGE_TOO_LARGE')
  t.equal(await send(batchOf(['no key'], at), 'compacted'), 'INVALID_RECORD')
  t.equal(await send(batchOf(['late'], { timestamp: DAY + 7_200_000 })), 'INVALID_TIMESTAMP')
  t.equal(await send(batchOf([{ key: 'k', value: null }], at), 'compacted'), 'none')
  t.same(await values(broker), [])
  await broker.close()
})

t.test('a batch of an idempotent producer that is sent twice is there once', async t => {
  const broker = await brokerWith()
  const send = async (values: string[], baseSequence: number): Promise<number | string | undefined> => {
    const batches = batchOf(values, { timestamp: DAY, producerId: 7, producerEpoch: 0, baseSequence })
    const [result] = await broker.produce({ acks: -1, partitions: [{ topic: 't', partition: 0, batches }] })
    return result?.error?.code ?? result?.baseOffset
  }
  t.equal(await send(['a', 'b'], 0), 0)
  t.equal(await send(['c'], 2), 2)
  t.equal(await send(['a', 'b'], 0), 0)
  t.equal(await send(['e'], 4), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.same(await values(broker), ['a', 'b', 'c'])
  await broker.close()
})

t.test('records older than the retention keeps are warned about once a topic', async t => {
  const warnings: string[] = []
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    error: () => {},
    warn: (_: unknown, text?: string) => warnings.push(text ?? ''),
    child: () => logger,
  }
  const broker = await brokerWith({}, { logger })
  await broker.createTopics({ topics: [{ topic: 'kept', config: { 'retention.ms': '-1' } }] })
  const old = { timestamp: Date.UTC(2001, 0, 1) }
  for (const topic of ['t', 't', 'kept'])
    await broker.produce({ acks: 1, partitions: [{ topic, partition: 0, batches: batchOf(['v'], old) }] })
  t.equal(warnings.length, 1)
  t.match(warnings[0], /retention\.ms=-1/)
  await broker.close()
})

t.test('a fetch gives whole batches from where it was asked, and says where it is', async t => {
  const broker = await brokerWith()
  await produce(broker, ['a', 'b', 'c'])
  await produce(broker, ['d'])
  const fetch = async (offset: number, maxBytes = 100_000) =>
    (await broker.fetch({ partitions: [{ topic: 't', partition: 0, offset }], maxBytes }))[0]
  const middle = await fetch(1)
  t.match(middle, { highWatermark: 4, logStartOffset: 0, lastStableOffset: 4 })
  t.same(
    [...recordsOf(middle?.batches ?? Buffer.alloc(0))].map(({ offset }) => offset),
    [0, 1, 2],
  )
  t.equal(
    (await fetch(0, 1))?.batches.length,
    readBatchSize(middle?.batches ?? Buffer.alloc(0), 0),
    'the first batch always comes',
  )
  t.equal((await fetch(4))?.batches.length, 0)
  t.equal((await fetch(5))?.error?.code, 'OFFSET_OUT_OF_RANGE')
  t.equal((await fetch(-1))?.error?.code, 'OFFSET_OUT_OF_RANGE')
  t.equal(await codeOf(() => fetch(0, 0)), 'INVALID_ARGUMENT')
  await broker.close()
})

t.test('the bytes of a fetch are shared out fairly', async t => {
  const broker = await brokerWith({ partitions: 4 })
  for (const partition of [0, 1, 2])
    for (let batch = 0; batch < 20; batch++) await produce(broker, ['x'.repeat(900)], { partition })
  const partitions = [0, 1, 2, 3].map(partition => ({ topic: 't', partition, offset: 0 }))
  const results = await broker.fetch({ partitions, maxBytes: 12_000 })
  t.same(
    results.map(({ partition }) => partition),
    [0, 1, 2, 3],
    'answers come in the order of the request',
  )
  for (const { partition, batches } of results.slice(0, 3))
    t.ok(batches.length > 2500, `${partition}: ${batches.length}`)
  t.ok(results.reduce((sum, { batches }) => sum + batches.length, 0) <= 12_000)
  const limited = await broker.fetch({
    partitions: partitions.map(one => ({ ...one, maxBytes: 1000 })),
    maxBytes: 12_000,
  })
  t.same(
    limited.map(({ batches }) => batches.length > 0),
    [true, true, true, false],
  )
  await broker.close()
})

t.test('one partition that cannot be read does not hurt the others', async t => {
  const broker = await brokerWith()
  await produce(broker, ['a'])
  const results = await broker.fetch({
    partitions: [
      { topic: 'no', partition: 0, offset: 0 },
      { topic: 't', partition: 0, offset: 0 },
      { topic: 't', partition: 7, offset: 0 },
    ],
    maxBytes: 1000,
    maxWaitMs: 1000,
  })
  t.same(
    results.map(({ error, batches }) => error?.code ?? batches.length > 0),
    ['UNKNOWN_TOPIC_OR_PARTITION', true, 'UNKNOWN_TOPIC_OR_PARTITION'],
  )
  await broker.close()
})

t.test('a waiting fetch is woken by an append, without polling', async t => {
  const clock = new FakeClock(DAY)
  const broker = await brokerWith({ partitions: 2 }, { clock })
  const request: FetchRequest = {
    partitions: [0, 1].map(partition => ({ topic: 't', partition, offset: 0 })),
    maxBytes: 1000,
    maxWaitMs: 60_000,
  }
  const waiting = broker.fetch(request)
  await turn()
  await produce(broker, ['a'], { partition: 1 })
  const results = await waiting
  t.same(
    results.map(({ batches }) => batches.length > 0),
    [false, true],
  )
  t.equal(clock.now(), DAY, 'no time has passed')
  await clock.advanceAsync(10_000)
  t.equal(clock.timers, 1, 'no timer of the fetch is left, only the schedule of the directory')
  await broker.close()
})

t.test('many fetches may wait, and all are told when the partition fails', async t => {
  const warnings: Error[] = []
  const warn = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  const vfs = new FaultFs(new MemFs())
  const broker = await brokerWith({}, { vfs })
  await produce(broker, ['a'])
  const request = { partitions: [{ topic: 't', partition: 0, offset: 1 }], maxBytes: 1000, maxWaitMs: 60_000 }
  const waiting = Array.from({ length: 20 }, () => broker.fetch(request))
  vfs.fail({ operation: 'datasync', path: /t-0.*\.log$/ })
  t.equal(await codeOf(() => produce(broker, ['b'])), 'KAFKA_STORAGE_ERROR')
  for (const [result] of await Promise.all(waiting)) t.equal(result?.error?.code, 'KAFKA_STORAGE_ERROR')
  await turn()
  t.same(warnings, [])
  await broker.close().catch(() => undefined)
})

t.test('a waiting fetch waits for its minBytes, and ends with what is there when the time is up', async t => {
  const clock = new FakeClock(DAY)
  const broker = await brokerWith({}, { clock })
  let done = false
  const waiting = broker
    .fetch({
      partitions: [{ topic: 't', partition: 0, offset: 0 }],
      maxBytes: 10_000,
      minBytes: 150,
      maxWaitMs: 500,
    })
    .finally(() => {
      done = true
    })
  await produce(broker, ['a'])
  await turn()
  t.notOk(done, 'one small batch is not enough')
  await clock.advanceAsync(499)
  t.notOk(done)
  await clock.advanceAsync(1)
  t.equal([...recordsOf((await waiting)[0]?.batches ?? Buffer.alloc(0))].length, 1)
  await broker.close()
})

t.test('an append between the read and the wait is not missed', async t => {
  const vfs = new FaultFs(new MemFs())
  const broker = await brokerWith({ partitions: 2 }, { vfs })
  await produce(broker, ['old'], { partition: 1 })
  const hold = vfs.hold({ operation: 'read', path: 't-1' })
  // Partition 0 is read first or last; while partition 1 is being read, partition 0 gets its record.
  const waiting = broker.fetch({
    partitions: [
      { topic: 't', partition: 0, offset: 0 },
      { topic: 't', partition: 1, offset: 0 },
    ],
    maxBytes: 1000,
    minBytes: 100,
    maxWaitMs: 60_000,
  })
  await Promise.race([hold.reached(), turn()])
  await produce(broker, ['new'], { partition: 0 })
  hold.release()
  const results = await waiting
  t.same(
    results.map(({ batches }) => batches.length > 0),
    [true, true],
  )
  await broker.close()
})

t.test('aborting, deleting the topic and closing end a waiting fetch', async t => {
  const broker = await brokerWith()
  await broker.createTopics({ topics: [{ topic: 'doomed' }] })
  const wait = (topic: string, signal?: AbortSignal) =>
    broker.fetch({
      partitions: [{ topic, partition: 0, offset: 0 }],
      maxBytes: 1000,
      maxWaitMs: 60_000,
      ...(signal === undefined ? {} : { signal }),
    })
  const end = new AbortController()
  const aborted = codeOf(() => wait('t', end.signal))
  const deleted = wait('doomed')
  const closed = codeOf(() => wait('t'))
  await turn()
  end.abort()
  t.equal(await aborted, 'ABORTED')
  t.equal(await codeOf(() => wait('t', end.signal)), 'ABORTED', 'also one that has not begun')
  await broker.deleteTopics({ topics: ['doomed'] })
  t.equal((await deleted)[0]?.error?.code, 'UNKNOWN_TOPIC_OR_PARTITION')
  await broker.close()
  t.equal(await closed, 'CLOSED')
  t.equal(await codeOf(() => wait('t')), 'CLOSED')
})

t.test('offsets are found by position and by time', async t => {
  const broker = await brokerWith()
  const at = (value: string, ms: number) => ({ value, timestamp: DAY + ms })
  await produce(broker, [at('a', 10), at('b', 50), at('c', 30)])
  await produce(broker, [at('d', 50), at('e', 20)])
  const offset = async (query: number | 'earliest' | 'latest' | 'max-timestamp') => {
    const [result] = await broker.listOffsets({ partitions: [{ topic: 't', partition: 0, query }] })
    return result?.error?.code ?? result?.offset
  }
  t.equal(await offset('earliest'), 0)
  t.equal(await offset('latest'), 5)
  t.equal(await offset('max-timestamp'), 1)
  t.equal(await offset(0), 0)
  t.equal(await offset(DAY + 11), 1)
  t.equal(await offset(DAY + 51), -1)
  t.equal(await offset(Number.NaN), 'INVALID_ARGUMENT')
  const [unknown] = await broker.listOffsets({ partitions: [{ topic: 'no', partition: 0, query: 'latest' }] })
  t.equal(unknown?.error?.code, 'UNKNOWN_TOPIC_OR_PARTITION')
  await broker.createTopics({ topics: [{ topic: 'empty' }] })
  t.match(
    await broker.listOffsets({ partitions: [{ topic: 'empty', partition: 0, query: 'max-timestamp' }] }),
    [{ offset: -1 }],
  )
  await broker.close()
})

t.test(
  'a full disk fails the append, keeps what was acknowledged, and goes on when there is room',
  async t => {
    const vfs = new FaultFs(new MemFs())
    const broker = await brokerWith({}, { vfs })
    await produce(broker, ['kept'])
    vfs.fail({ operation: 'write', path: 't-0', shortBytes: 10 })
    t.equal(await codeOf(() => produce(broker, ['lost'])), 'DISK_FULL')
    vfs.assertFired()
    t.equal(await produce(broker, ['next']), 1)
    t.same(await values(broker), ['kept', 'next'])
    await broker.close()
  },
)

t.test('what is on its way to a topic that is deleted ends with the right word', async t => {
  const vfs = new FaultFs(new MemFs())
  const broker = await brokerWith({}, { vfs })
  const hold = vfs.hold({ operation: 'datasync', path: '__cluster_metadata' })
  const deleting = broker.deleteTopics({ topics: ['t'] })
  await hold.reached()
  t.equal(await produce(broker, ['before']), 0, 'it is there until the deletion is durable')
  hold.release()
  const late = Array.from({ length: 20 }, () => codeOf(() => produce(broker, ['x'])))
  await deleting
  for (const code of await Promise.all(late)) t.match(code, /^(none|UNKNOWN_TOPIC_OR_PARTITION)$/)
  t.equal(await codeOf(() => produce(broker, ['x'])), 'UNKNOWN_TOPIC_OR_PARTITION')
  await broker.close()
})

t.test(
  'a lookup in a topic that is deleted and made anew meanwhile finds no files, and says what happened',
  async t => {
    const vfs = new FaultFs(new MemFs())
    let broker = await brokerWith({ config: { 'segment.bytes': '1048576' } }, { vfs })
    for (let count = 0; count < 3; count++) await produce(broker, ['x'.repeat(600_000)])
    await broker.close()
    broker = await openBroker({ vfs })
    const hold = vfs.hold({ operation: 'read', path: /t-0\/0*1\.timeindex$/ })
    const looking = broker.listOffsets({ partitions: [{ topic: 't', partition: 0, query: DAY + 1 }] })
    await hold.reached()
    await broker.deleteTopics({ topics: ['t'] })
    await broker.createTopics({ topics: [{ topic: 't' }] })
    hold.release()
    t.equal((await looking)[0]?.error?.code, 'UNKNOWN_TOPIC_OR_PARTITION')
    t.equal(await produce(broker, ['new']), 0)
    await broker.close()
  },
)
