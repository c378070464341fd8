// The cases where a behaviour is easily got wrong, each by name.
import { BATCH_HEADER_SIZE } from '../../packages/records/dist/index.js'
import { NOW, Scenario } from './scenario.mjs'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const scenarios = {
  'producer-sequences': s => {
    for (let i = 0; i < 7; i++) s.idempotent(1, 0, i * 2, 2)
    s.idempotent(1, 0, 12, 2).idempotent(1, 0, 4, 2).idempotent(1, 0, 2, 2).idempotent(1, 0, 0, 2)
    s.idempotent(1, 0, 16, 2).idempotent(1, 0, 13, 2).idempotent(1, 0, 12, 1).idempotent(1, 0, 14, 1).state()
    s.idempotent(2, 0, 3)
      .idempotent(3, 5, 0)
      .idempotent(3, 4, 1)
      .idempotent(3, 6, 1)
      .idempotent(3, 6, 0)
      .idempotent(3, 5, 1)
    s.idempotent(4, 0, 0x7ffffffe, 2).idempotent(4, 0, 0, 2).idempotent(4, 0, 2, 1).state()
    s.idempotent(5, 0, 0x7fffffff, 3)
      .idempotent(5, 0, 2, 1)
      .idempotent(5, 0, 0x7fffffff, 3)
      .state()
      .do('batches')
  },
  'producer-without-sequence': s => {
    s.idempotent(1, 0, -1).append(1, { producerId: -1, producerEpoch: 0, baseSequence: 0 })
    s.append(1, { producerId: 1, producerEpoch: -1, baseSequence: -1 })
      .append(1, { producerId: -1, producerEpoch: -1, baseSequence: 3 })
      .state()
    s.state().do('batches')
  },
  'producer-expiry': s => {
    s.idempotent(1, 0, 0)
      .advance(HOUR)
      .idempotent(2, 0, 0)
      .transactional(3, 0, 0)
      .advance(DAY - HOUR - 1)
      .do('expire')
      .state()
    s.advance(1).do('expire').state().advance(1).do('expire').state()
    s.idempotent(1, 0, 1)
      .idempotent(1, 0, 0)
      .advance(2 * DAY)
      .do('expire')
      .state()
    s.marker('commit', 3, 0)
      .do('expire')
      .state()
      .advance(2 * DAY)
      .do('expire')
      .state()
    s.idempotent(3, 0, 7).transactional(4, 2, 9).state()
  },
  'producer-reopen': s => {
    for (let i = 0; i < 8; i++) s.idempotent(1, 0, i, 1).transactional(2, 1, i, 1)
    s.do('reopen', { clean: true })
      .state()
      .idempotent(1, 0, 7)
      .idempotent(1, 0, 3)
      .idempotent(1, 0, 2)
      .idempotent(1, 0, 8)
    s.do('reopen', { clean: false }).state().idempotent(1, 0, 8).idempotent(1, 0, 5).idempotent(1, 0, 10)
    s.marker('abort', 2, 1).do('reopen', { clean: false }).state().consume().transactional(2, 1, 8).state()
  },
  transactions: s => {
    s.transactional(1, 0, 0, 3).append(2).transactional(2, 0, 0, 2).state().consume()
    s.marker('abort', 1, 0)
      .state()
      .consume()
      .transactional(1, 0, 3, 2)
      .marker('commit', 2, 0)
      .state()
      .consume()
    s.marker('commit', 1, 0)
      .state()
      .consume()
      .idempotent(1, 0, 5)
      .state()
      .idempotent(1, 0, 6)
      .transactional(1, 0, 6)
      .state()
    s.idempotent(1, 0, 7)
      .marker('abort', 1, 1)
      .transactional(1, 0, 7)
      .transactional(1, 1, 0)
      .state()
      .consume()
    s.marker('abort', 1, 0).marker('abort', 1, 2).marker('abort', 9, 0).state().consume().do('batches')
  },
  'transactions-coordinator-epoch': s => {
    s.transactional(1, 0, 0).marker('commit', 1, 0, { coordinatorEpoch: 5 }).transactional(1, 0, 1)
    s.marker('commit', 1, 0, { coordinatorEpoch: 4 })
      .state()
      .marker('commit', 1, 0, { coordinatorEpoch: 5 })
      .state()
    s.marker('commit', 1, 0, { coordinatorEpoch: 3 })
      .marker('commit', 1, 0, { coordinatorEpoch: 6 })
      .state()
      .consume()
  },
  'transactions-markers-from-clients': s => {
    s.transactional(1, 0, 0).marker('commit', 1, 0, { origin: 'client' }).state()
    s.append(2, { origin: 'coordinator' }).marker('commit', 1, 0, { transactional: false }).state()
  },
  'transactions-aborted-over-segments': s => {
    for (let i = 0; i < 6; i++)
      s.transactional(1, 0, i * 2, 2)
        .transactional(2, 0, i * 2, 2)
        .append(3)
    s.marker('abort', 2, 0).append(4).marker('abort', 1, 0).append(2).state().consume()
    for (const offset of [0, 5, 12, 20, 30, 44]) s.do('read', { offset, isolation: 'read_committed' })
    s.do('deleteRecords', { offset: 20 }).state().consume().do('reopen', { clean: false }).state().consume()
  },
  'transactions-open-and-delete-records': s => {
    s.append(3)
      .transactional(1, 0, 0, 2)
      .append(4)
      .state()
      .do('deleteRecords', { offset: 4 })
      .state()
      .consume()
    s.do('deleteRecords', { offset: 7 }).state().consume().marker('abort', 1, 0).state().consume()
    s.do('reopen', { clean: true })
      .state()
      .do('deleteRecords', { offset: -1 })
      .state()
      .consume()
      .timestamps(0)
  },
  'delete-records': s => {
    for (let i = 0; i < 8; i++) s.append(4)
    s.state()
      .do('deleteRecords', { offset: 0 })
      .do('deleteRecords', { offset: 5 })
      .state()
      .do('deleteRecords', { offset: 3 })
      .state()
    s.do('read', { offset: 4 })
      .do('read', { offset: 5 })
      .do('read', { offset: 32 })
      .do('read', { offset: 33 })
      .do('read', { offset: -1 })
    s.do('deleteRecords', { offset: 33 })
      .do('deleteRecords', { offset: -2 })
      .do('retention')
      .state()
      .do('files')
    s.advance(60_000)
      .do('files')
      .do('deleteRecords', { offset: 20 })
      .do('retention')
      .state()
      .timestamps(0, NOW, NOW + 1, NOW + 3, NOW + 4)
    s.do('deleteRecords', { offset: -1 })
      .state()
      .do('retention')
      .state()
      .do('read', { offset: 32 })
      .timestamps(0)
    s.append(2)
      .state()
      .do('reopen', { clean: true })
      .state()
      .append(1)
      .do('reopen', { clean: false })
      .state()
      .consume()
  },
  'delete-records-and-leader-epochs': s => {
    for (let i = 0; i < 6; i++) s.append(3, { leaderEpoch: i })
    s.state()
      .do('deleteRecords', { offset: 4 })
      .state()
      .do('deleteRecords', { offset: 9 })
      .state()
      .do('retention')
      .state()
    s.do('deleteRecords', { offset: -1 })
      .state()
      .do('retention')
      .state()
      .append(1, { leaderEpoch: 7 })
      .state()
      .do('reopen')
      .state()
  },
  'retention-by-time': s => {
    for (let i = 0; i < 6; i++) s.append(3).advance(HOUR)
    s.do('retention')
      .state()
      .advance(2 * HOUR)
      .do('retention')
      .state()
      .do('files')
      .advance(60_000)
      .do('files')
    s.advance(DAY).do('retention').state().do('files').append(1).state().do('reopen').state().consume()
  },
  'retention-by-time-of-old-records': s => {
    s.append(2, { timestamp: 1_000_000_000_000 })
      .do('retention')
      .state()
      .append(2, { timestamp: -1 })
      .do('retention')
      .state()
    s.append(2, { timestamp: NOW - 3 * HOUR - 2 })
      .state()
      .append(2, { timestamp: NOW - 3 * HOUR - 1 })
      .do('retention')
      .state()
    s.append(2, { timestamp: NOW - 3 * HOUR })
      .do('retention')
      .state()
      .advance(1)
      .do('retention')
      .state()
    s.advance(1).do('retention').state().advance(1).do('retention').state()
  },
  'retention-by-bytes': s => {
    for (let i = 0; i < 10; i++) s.append(3)
    s.state()
      .do('retention')
      .state()
      .append(3)
      .append(3)
      .do('retention')
      .state()
      .do('configure', { config: { 'retention.bytes': '0' } })
    s.do('retention')
      .state()
      .advance(60_000)
      .do('files')
      .do('configure', { config: { 'retention.bytes': '-1' } })
      .append(2)
      .do('retention')
      .state()
  },
  'retention-keeps-an-open-transaction': s => {
    s.append(2)
      .transactional(1, 0, 0, 2)
      .append(3)
      .append(3)
      .append(3)
      .append(3)
      .state()
      .advance(DAY)
      .do('retention')
      .state()
      .consume()
    s.append(2).marker('abort', 1, 0).state().consume().do('retention').state()
  },
  'retention-compact-only': s => {
    for (let i = 0; i < 4; i++) s.append(3)
    s.advance(DAY).do('retention').state().state()
    s.append([{ value: 'no key' }])
      .append([{ key: 'a', value: 'x' }, { value: 'no key' }])
      .append([{ key: '', value: 'empty key' }])
    s.append([{ key: 'a', value: null }])

      .state()
    s.marker('commit', 1, 0).state()
  },
  'roll-by-bytes': s => {
    const value = 'x'.repeat(100)
    for (let i = 0; i < 4; i++) s.append([{ value: value + '.'.repeat(i) }])
    s.append([{ value: 'x'.repeat(1000 - 61 - 9) }])
      .append([{ value: 'x'.repeat(1000 - 61 - 8) }])
      .append([{ value: 'x'.repeat(2000) }])
    for (let bytes = 925; bytes < 945; bytes++) s.append([{ value: 'y'.repeat(bytes) }])
    s.state()

      .append(1)
      .state()
      .do('batches')
  },
  'roll-by-time': s => {
    s.append(1, { timestamp: NOW - 5 * HOUR })
      .append(1, { timestamp: NOW - 4 * HOUR - 1 })
      .append(1, { timestamp: NOW - 4 * HOUR })
      .state()
    s.append(1, { timestamp: NOW - 4 * HOUR + 1 })
      .state()
      .append(1, { timestamp: NOW })
      .state()
      .append(1, { timestamp: NOW - 9 * HOUR })
      .state()
    s.append(1, { timestamp: NOW + HOUR })
      .append(1, { timestamp: NOW + HOUR + 1 })
      .state()
      .append(1, { timestamp: -1 })
      .state()
    s.advance(3 * HOUR)
      .append(1, { timestamp: NOW + HOUR })
      .state()
      .append(1, { timestamp: -1 })
      .state()
  },
  'roll-by-time-without-timestamps': s => {
    s.append(1, { timestamp: -1 })
      .advance(HOUR)
      .append(1, { timestamp: -1 })
      .state()
      .advance(1)
      .append(1, { timestamp: -1 })
      .state()
    s.append(1, { timestamp: -1 })
      .advance(HOUR + 1)
      .append(2)
      .state()
      .do('reopen')
      .advance(HOUR)
      .append(1, { timestamp: -1 })
      .state()
  },
  'roll-by-time-after-reopen': s => {
    s.append(1)
      .advance(10)
      .append(1)
      .do('reopen', { clean: true })
      .advance(HOUR - 10)
      .append(1)
      .state()
      .advance(1)
      .append(1)
      .state()
    s.append(1).do('reopen', { clean: false }).advance(HOUR).append(1).state().advance(1).append(1).state()
  },
  'roll-by-time-log-append-time': s => {
    s.append(1, { timestamp: NOW - DAY })
      .advance(HOUR)
      .append(1, { timestamp: NOW + DAY })
      .state()
      .advance(1)
      .append(1)
      .state()
    s.timestamps(0, NOW, NOW + 1, NOW + HOUR, NOW + HOUR + 1, NOW + HOUR + 2).do('batches')
  },
  'roll-by-index': s => {
    for (let i = 0; i < 12; i++) s.append(1)
    s.state().do('batches')
  },
  'roll-by-time-index': s => {
    for (let i = 0; i < 12; i++) s.advance(1).append(1)
    s.state().timestamps(NOW, NOW + 3, NOW + 7, NOW + 12, NOW + 13)
  },
  timestamps: s => {
    s.append(3, { timestamp: NOW })
      .append(3, { timestamp: NOW - 100 })
      .append(2, { timestamp: NOW + 50 })
      .append(2, { timestamp: NOW + 50 })
    s.append([
      { value: 'a', timestamp: NOW + 90 },
      { value: 'b', timestamp: NOW + 70 },
      { value: 'c', timestamp: NOW + 91 },
    ])
    s.append(1, { timestamp: -1 }).append(2, { timestamp: NOW + 40 })
    const probes = [
      0,
      NOW - 100,
      NOW - 99,
      NOW - 98,
      NOW,
      NOW + 1,
      NOW + 2,
      NOW + 3,
      NOW + 50,
      NOW + 51,
      NOW + 52,
      NOW + 70,
      NOW + 71,
      NOW + 90,
      NOW + 91,
      NOW + 92,
    ]
    s.timestamps(...probes)
      .do('deleteRecords', { offset: 7 })
      .timestamps(...probes)
      .do('deleteRecords', { offset: 11 })
      .timestamps(...probes)
    s.do('reopen')
      .timestamps(...probes)
      .do('deleteRecords', { offset: -1 })
      .timestamps(...probes)
  },
  'timestamps-of-an-empty-log': s =>
    s.timestamps(0, NOW).do('read', { offset: 0 }).do('read', { offset: 1 }).state(),
  'timestamps-and-transactions': s => {
    s.transactional(1, 0, 0, 2, { timestamp: NOW + 10 })
      .append(1, { timestamp: NOW + 5 })
      .timestamps(NOW, NOW + 6, NOW + 11)
    s.marker('abort', 1, 0, { timestamp: NOW + 100 })
      .timestamps(NOW, NOW + 6, NOW + 12, NOW + 50, NOW + 101)
      .state()
  },
  'timestamps-over-segments': s => {
    for (let i = 0; i < 12; i++) s.append(2, { timestamp: NOW + ((i * 7) % 5) * 1000 + i })
    const probes = [0, ...Array.from({ length: 12 }, (_, i) => NOW + i * 500), NOW + 4005, NOW + 4006]
    s.state()
      .timestamps(...probes)
      .do('deleteRecords', { offset: 9 })
      .timestamps(...probes)
      .do('reopen', { clean: false })
      .timestamps(...probes)
  },
  'validation-magic': s => s.changed(2, b => void b.writeInt8(3, 16)).state(),
  'validation-counts': s => {
    for (const lastDelta of [3, 0, -1]) s.changed(2, b => void b.writeInt32BE(lastDelta, 23))
    for (const count of [3, 1, 0, -1]) s.changed(2, b => void b.writeInt32BE(count, 57))
    s.state()
  },
  'validation-damage': s => {
    const damaged = change => s.changed(2, change, { crc: false })
    damaged(b => void (b[70] ^= 1))
    damaged(b => void (b[18] ^= 1))
    damaged(b => b.subarray(0, b.length - 1))
    damaged(b => void b.writeInt32BE(1 << 30, 8))
    damaged(b => void b.writeInt32BE(20, 8))
    s.state()
  },
  'validation-attributes': s => {
    for (const attributes of [5, 7, 0x20]) s.changed(2, b => void b.writeInt16BE(attributes, 21))
    s.state()
  },
  'validation-unused-attributes': s =>
    s
      .changed(2, b => void b.writeInt16BE(0x4000, 21))
      .state()
      .do('batches'),
  'validation-leader-epoch': s =>
    s
      .changed(2, b => void b.writeInt32BE(77, 12))
      .state()
      .do('batches'),
  'validation-header-timestamps': s => {
    s.changed(2, b => void b.writeBigInt64BE(BigInt(NOW + 99), 35)).changed(
      2,
      b => void b.writeBigInt64BE(-1n, 35),
    )
    s.state()
      .do('batches')
      .timestamps(NOW, NOW + 1, NOW + 2, NOW + 99)
  },
  'validation-records': s => {
    s.changed(2, b => void (b[BATCH_HEADER_SIZE + 1] = 9))
    s.changed(2, b => void (b[BATCH_HEADER_SIZE] = 0x7e)).state()
  },
  'validation-nothing': s => s.bytes(Buffer.alloc(61)).state(),
  'validation-sizes': s => {
    const value = size => [{ value: 'x'.repeat(size) }]
    for (const size of [120, 125, 126, 127, 128, 129, 130, 131, 132, 133, 400]) s.append(value(size))
    s.state()
    s.state()
    s.marker('commit', 1, 0).append(value(300), { origin: 'coordinator' }).state()
  },
  'validation-timestamps': s => {
    for (const at of [NOW + HOUR, NOW + HOUR + 1, NOW - 2 * HOUR, NOW - 2 * HOUR - 1, -1, 0])
      s.append(1, { timestamp: at })
    s.append([{ value: 'a' }, { value: 'b', timestamp: NOW + 2 * HOUR }]).append([
      { value: 'a', timestamp: NOW - 9 * HOUR },
      { value: 'b' },
    ])
    s.append([{ value: 'a' }, { value: 'b', timestamp: -1 }])
      .append(1, { logAppendTime: NOW })
      .do('batches')
      .append(1, { logAppendTime: NOW + 9 * HOUR })
      .state()
    s.append(1, { timestamp: NOW - 9 * HOUR, origin: 'coordinator' }).state()
  },
  'validation-compressed': async s => {
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
      await s.compressed(5, { codec })
      await s.compressed([{ value: 'a' }, { value: 'b', timestamp: NOW + 3 * HOUR }], { codec })
      await s.compressed(2, { codec, producerId: 7, producerEpoch: 0, baseSequence: s.steps.length })
    }
    const bytes = Buffer.from(s.steps[0].bytes, 'base64')
    s.bytes(bytes.subarray(0, bytes.length)).state().do('batches')
  },
  ...Object.fromEntries(
    ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'].map(type => [
      `compression-type-${type}`,
      async s => {
        for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'])
          await s.compressed(3, {
            codec,
            timestamp: NOW - 5,
            producerId: 1,
            producerEpoch: 0,
            baseSequence: s.steps.length * 3,
          })
        await s.compressed(
          [
            { value: 'a', timestamp: NOW },
            { value: 'b', timestamp: NOW - 50 },
            { value: 'c', timestamp: -1 },
          ],
          { codec: 'lz4' },
        )
        s.append(2, { timestamp: NOW + 100 })
          .transactional(2, 0, 0, 2)
          .marker('abort', 2, 0)
          .marker('commit', 1, 0)
        s.append([
          {
            key: null,
            value: null,
            headers: [
              { key: 'h', value: 'x' },
              { key: 'h', value: null },
            ],
          },
        ])
        s.changed(3, b => void b.writeInt32BE(2, 57))
          .state()
          .do('batches')
          .consume()
          .timestamps(0, NOW, NOW + 1, NOW + 100)
      },
    ]),
  ),
  'compression-type-gzip-log-append-time': async s => {
    for (const codec of ['none', 'gzip', 'lz4']) await s.compressed(3, { codec, timestamp: NOW - 5 })
    s.advance(5)

      .state()
      .do('batches')
      .timestamps(0, NOW, NOW + 5)
  },
  'log-append-time': async s => {
    s.append(3, { timestamp: NOW - 50 })
      .advance(10)
      .append(3, { timestamp: NOW + DAY })
      .advance(10)
      .idempotent(1, 0, 0, 2)
      .advance(9)
      .idempotent(1, 0, 0, 2)
    await s.compressed(4, { codec: 'gzip', timestamp: NOW - 5 })
    s.transactional(2, 0, 0)
      .marker('commit', 2, 0, { timestamp: NOW - 77 })
      .state()
      .do('batches')
      .timestamps(0, NOW + 5, NOW + 10, NOW + 11, NOW + 99)
  },
  'offset-and-time-index': s => {
    for (let i = 0; i < 60; i++) s.append(1 + (i % 4), { timestamp: NOW + ((i * 37) % 50) })
    s.state()
  },
  'leader-epochs': s => {
    s.append(1, { leaderEpoch: 0 })
      .append(1, { leaderEpoch: 3 })
      .append(1, { leaderEpoch: 3 })
      .state()
      .append(1, { leaderEpoch: 4 })
    s.do('reopen', { clean: false }).state().append(1, { leaderEpoch: 4 }).do('batches')
  },
}

const configs = {
  'transactions-aborted-over-segments': { 'segment.bytes': '500' },
  'transactions-open-and-delete-records': { 'segment.bytes': '300' },
  'delete-records': { 'segment.bytes': '400' },
  'delete-records-and-leader-epochs': { 'segment.bytes': '300' },
  'retention-by-time': { 'segment.bytes': '300', 'retention.ms': String(4 * HOUR) },
  'retention-by-time-of-old-records': {
    'retention.ms': String(3 * HOUR),
    'message.timestamp.after.max.ms': '9223372036854775807',
  },
  'retention-by-bytes': { 'segment.bytes': '300', 'retention.bytes': '700', 'retention.ms': '-1' },
  'retention-keeps-an-open-transaction': { 'segment.bytes': '300', 'retention.ms': String(HOUR) },
  'retention-compact-only': {
    'segment.bytes': '300',
    'retention.ms': String(HOUR),
    'cleanup.policy': 'compact',
  },
  'roll-by-bytes': { 'segment.bytes': '1000' },
  'roll-by-time': { 'segment.ms': String(HOUR) },
  'roll-by-time-without-timestamps': { 'segment.ms': String(HOUR) },
  'roll-by-time-after-reopen': { 'segment.ms': String(HOUR) },
  'roll-by-time-log-append-time': { 'segment.ms': String(HOUR), 'message.timestamp.type': 'LogAppendTime' },
  'roll-by-index': { 'segment.index.bytes': '16', 'index.interval.bytes': '1' },
  'roll-by-time-index': { 'segment.index.bytes': '40', 'index.interval.bytes': '100' },
  timestamps: { 'index.interval.bytes': '1' },
  'timestamps-over-segments': { 'segment.bytes': '400', 'index.interval.bytes': '150' },
  'validation-sizes': { 'max.message.bytes': '200', 'segment.bytes': '450' },
  'validation-timestamps': {
    'message.timestamp.after.max.ms': String(HOUR),
    'message.timestamp.before.max.ms': String(2 * HOUR),
  },
  'compression-type-gzip-log-append-time': {
    'compression.type': 'gzip',
    'message.timestamp.type': 'LogAppendTime',
  },
  'log-append-time': {
    'message.timestamp.type': 'LogAppendTime',
    'message.timestamp.after.max.ms': String(HOUR),
  },
  'offset-and-time-index': { 'index.interval.bytes': '300', 'segment.bytes': '3000' },
  ...Object.fromEntries(
    ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'].map(type => [
      `compression-type-${type}`,
      { 'compression.type': type },
    ]),
  ),
}

export async function namedScenarios() {
  const made = []
  for (const [name, build] of Object.entries(scenarios)) {
    const scenario = new Scenario(name, configs[name])
    await build(scenario)
    made.push(scenario.json())
  }
  return made
}
