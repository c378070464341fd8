import { SeededRandom } from '@varve/platform'
import t from 'tap'
import {
  readAssignment,
  readSubscription,
  writeAssignment,
  writeSubscription,
} from '../src/consumer-protocol.ts'
import { readGroupRecord, writeGroupRecord } from '../src/group-record.ts'
import { readMetadataRecord, writeMetadataRecord } from '../src/metadata-record.ts'
import { readTransactionRecord, writeTransactionRecord } from '../src/transaction-record.ts'
import { isUuid, randomUuid, uuidBytes, uuidText, ZERO_UUID } from '../src/uuid.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

t.test('a metadata record is a frame and a message', t => {
  const bytes = writeMetadataRecord('TopicRecord', 0, { name: 'a', topicId: ZERO_UUID })
  t.strictSame(bytes, hex(`01 02 00 02 61 ${'00'.repeat(16)} 00`))
  t.strictSame(readMetadataRecord(bytes), {
    known: true,
    name: 'TopicRecord',
    type: 2,
    version: 0,
    message: { name: 'a', topicId: ZERO_UUID },
  })
  t.end()
})

t.test('a metadata record of an unknown type or version is kept as bytes', t => {
  const type = hex('01 e707 00 aabb')
  t.strictSame(readMetadataRecord(type), { known: false, type: 999, version: 0, bytes: type })
  const version = hex('01 02 09 aabb')
  t.strictSame(readMetadataRecord(version), { known: false, type: 2, version: 9, bytes: version })
  t.end()
})

t.test('a damaged metadata record is corrupt', t => {
  for (const bytes of ['', '02 02 00', '01', '01 02', '01 02 00', '01 14 00 00 00']) {
    t.throws(() => readMetadataRecord(hex(bytes)), { code: 'CORRUPT_MESSAGE' }, bytes)
  }
  t.end()
})

t.test('a committed offset in the versions of its value', t => {
  const key = { group: 'g', topic: 't', partition: 1 }
  const value = { offset: 5, metadata: 'm', commitTimestamp: 9 }
  const keyBytes = hex('0001 0001 67 0001 74 00000001')
  t.strictSame(
    writeGroupRecord({ name: 'OffsetCommit', key, version: 3, value: { ...value, leaderEpoch: 2 } }),
    {
      key: keyBytes,
      value: hex('0003 0000000000000005 00000002 0001 6d 0000000000000009'),
    },
  )
  for (let version = 0; version <= 4; version++) {
    const bytes = writeGroupRecord({ name: 'OffsetCommit', key, version, value })
    t.match(readGroupRecord(bytes.key, bytes.value), {
      known: true,
      name: 'OffsetCommit',
      type: 1,
      version,
      key,
      value,
    })
  }
  const later = { name: 'OffsetCommit', key, version: 3, value: { ...value, expireTimestamp: 1 } } as const
  t.strictSame(
    writeGroupRecord(later).value?.length,
    25,
    'the time of expiry was taken out again and may be dropped',
  )
  t.end()
})

t.test('a tombstone has no value and no version', t => {
  const key = { group: 'g' }
  const bytes = writeGroupRecord({ name: 'GroupMetadata', key, value: null })
  t.equal(bytes.value, null)
  t.strictSame(readGroupRecord(bytes.key, null), {
    known: true,
    name: 'GroupMetadata',
    type: 2,
    key,
    version: -1,
    value: null,
  })
  t.end()
})

t.test('group records of unknown types, versions and shapes are kept as bytes', t => {
  const key = hex('0063 aabb')
  const value = hex('0001 cc')
  t.strictSame(readGroupRecord(key, value), { known: false, type: 99, version: 1, key, value })
  const known = hex('0002 0001 67')
  t.strictSame(readGroupRecord(known, hex('0009 00')), {
    known: false,
    type: 2,
    version: 9,
    key: known,
    value: hex('0009 00'),
  })
  t.strictSame(readGroupRecord(null, value), { known: false, type: -1, version: 1, key: null, value })
  t.strictSame(readGroupRecord(hex('00'), null), {
    known: false,
    type: -1,
    version: -1,
    key: hex('00'),
    value: null,
  })
  t.throws(() => readGroupRecord(known, hex('00')), { code: 'CORRUPT_MESSAGE' })
  t.match(readGroupRecord(known, hex('ffff')), { known: false, type: 2, version: -1 })
  t.throws(() => readGroupRecord(hex('0002 0002 67'), null), { code: 'CORRUPT_MESSAGE' })
  t.throws(() => readGroupRecord(hex('0002 0001 67 00'), null), { code: 'CORRUPT_MESSAGE' })
  t.end()
})

t.test('a transaction in both versions of its value', t => {
  const key = { transactionalId: 'tx' }
  const value = {
    producerId: 1,
    producerEpoch: 2,
    transactionTimeoutMs: 60_000,
    transactionStatus: 1,
    transactionPartitions: [{ topic: 't', partitionIds: [0, 1] }],
    transactionLastUpdateTimestampMs: 3,
    transactionStartTimestampMs: 4,
  }
  for (const version of [0, 1]) {
    const bytes = writeTransactionRecord({ name: 'TransactionLog', key, version, value })
    const record = readTransactionRecord(bytes.key, bytes.value)
    t.match(record, { known: true, name: 'TransactionLog', type: 0, version, key, value })
  }
  t.equal(readTransactionRecord(hex('0001 00'), null).known, false)
  t.end()
})

t.test('what members of a group subscribe to and are assigned', t => {
  for (let version = 0; version <= 3; version++) {
    const bytes = writeSubscription(version, { topics: ['a', 'b'], userData: null })
    t.match(readSubscription(bytes), { topics: ['a', 'b'], userData: null, generationId: -1 })
  }
  const assignedPartitions = [{ topic: 'a', partitions: [0, 2] }]
  const bytes = writeAssignment(0, { assignedPartitions })
  t.strictSame(bytes, hex('0000 00000001 0001 61 00000002 00000000 00000002 ffffffff'))
  t.strictSame(readAssignment(bytes), { assignedPartitions, userData: null })
  const newer = Buffer.concat([hex('0009'), bytes.subarray(2), hex('aabb')])
  t.strictSame(
    readAssignment(newer),
    { assignedPartitions, userData: null },
    'a newer version adds at the end',
  )
  t.throws(() => readAssignment(hex('ffff')), { code: 'CORRUPT_MESSAGE' })
  t.throws(() => readAssignment(hex('')), { code: 'CORRUPT_MESSAGE' })
  t.end()
})

t.test('ids are 16 bytes and 22 characters', t => {
  const random = new SeededRandom(1)
  for (let round = 0; round < 200; round++) {
    const id = randomUuid(count => random.bytes(count))
    if (id.startsWith('-')) t.fail(id)
    if (!isUuid(id) || uuidText(uuidBytes(id)) !== id || (uuidBytes(id).readUInt8(6) & 0xf0) !== 0x40)
      t.fail(id)
  }
  t.strictSame(uuidBytes(ZERO_UUID), Buffer.alloc(16))
  t.notOk(isUuid('AAAAAAAAAAAAAAAAAAAAAB'), 'bits beyond the sixteenth byte')
  t.notOk(isUuid('flights'))
  t.throws(() => uuidBytes('flights'), { code: 'INVALID_ARGUMENT' })
  t.throws(() => uuidText(Buffer.alloc(15)), { code: 'CORRUPT_MESSAGE' })
  t.end()
})
