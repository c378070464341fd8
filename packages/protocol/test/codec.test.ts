import t from 'tap'
import { decode, encode, latestVersion, readMessage, writeMessage } from '../src/message.ts'
import { ByteReader } from '../src/reader.ts'
import { parseVersions, type MessageSchema } from '../src/schema.ts'
import { ByteWriter } from '../src/writer.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** A message of one field in a version that is not flexible (0) and one that is (1). */
function messageOf(type: string, more: object = {}): MessageSchema<{ f: unknown }> {
  const field = { name: 'F', type, versions: '0+', ...more }
  return { name: 'Test', validVersions: '0-1', flexibleVersions: '1+', fields: [field] }
}

t.test('each type has the bytes that Kafka gives it', t => {
  const id = 'AAECAwQFBgcICQoLDA0ODw'
  const idBytes = '000102030405060708090a0b0c0d0e0f'
  for (const [type, value, plain, flexible] of [
    ['bool', true, '01', '01 00'],
    ['int8', -2, 'fe', 'fe 00'],
    ['int16', -2, 'fffe', 'fffe 00'],
    ['uint16', 65535, 'ffff', 'ffff 00'],
    ['int32', -2, 'fffffffe', 'fffffffe 00'],
    ['uint32', 4294967295, 'ffffffff', 'ffffffff 00'],
    ['int64', -2, 'fffffffffffffffe', 'fffffffffffffffe 00'],
    ['int64', 4294967296, '0000000100000000', '0000000100000000 00'],
    ['int64', Number.MAX_SAFE_INTEGER, '001fffffffffffff', '001fffffffffffff 00'],
    ['int64', Number.MIN_SAFE_INTEGER, 'ffe0000000000001', 'ffe0000000000001 00'],
    ['float64', 1.5, '3ff8000000000000', '3ff8000000000000 00'],
    ['uuid', id, idBytes, `${idBytes} 00`],
    ['string', 'né', '0003 6ec3a9', '04 6ec3a9 00'],
    ['bytes', hex('0102'), '00000002 0102', '03 0102 00'],
    ['records', hex('0102'), '00000002 0102', '03 0102 00'],
    ['[]int32', [1, 2], '00000002 00000001 00000002', '03 00000001 00000002 00'],
    ['[]string', ['a', ''], '00000002 0001 61 0000', '03 02 61 01 00'],
  ] as const) {
    const schema = messageOf(type)
    for (const [version, bytes] of [plain, flexible].entries()) {
      t.strictSame(encode(schema, version, { f: value }), hex(bytes), `${type} version ${version}`)
      t.strictSame(decode(schema, version, hex(bytes)), { f: value }, `${type} version ${version}`)
    }
  }
  t.end()
})

t.test('null is -1 in old versions and 0 in flexible ones', t => {
  for (const [type, plain] of [
    ['string', 'ffff'],
    ['bytes', 'ffffffff'],
    ['[]int32', 'ffffffff'],
  ] as const) {
    const nullable = messageOf(type, { nullableVersions: '0+' })
    t.strictSame(encode(nullable, 0, { f: null }), hex(plain))
    t.strictSame(encode(nullable, 1, { f: null }), hex('00 00'))
    t.strictSame(decode(nullable, 0, hex(plain)), { f: null })
    t.strictSame(decode(nullable, 1, hex('00 00')), { f: null })
    const strict = messageOf(type)
    t.throws(() => encode(strict, 0, { f: null }), { code: 'INVALID_ARGUMENT', context: { field: 'Test.f' } })
    t.throws(() => decode(strict, 0, hex(plain)), { code: 'CORRUPT_MESSAGE' })
    t.throws(() => decode(strict, 1, hex('00 00')), { code: 'CORRUPT_MESSAGE' })
  }
  t.end()
})

t.test('a struct that may be null has a byte in front, which is another one in the tagged section', t => {
  const fields = [{ name: 'A', type: 'int8', versions: '0+' }]
  const placed = messageOf('S', { nullableVersions: '0+', fields })
  t.strictSame(encode(placed, 1, { f: null }), hex('ff 00'))
  t.strictSame(encode(placed, 1, { f: { a: 5 } }), hex('01 05 00 00'))
  t.strictSame(decode(placed, 1, hex('ff 00')), { f: null })
  const tagged = messageOf('S', {
    versions: '1+',
    nullableVersions: '1+',
    taggedVersions: '1+',
    tag: 0,
    fields,
  })
  t.strictSame(encode(tagged, 1, { f: null }), hex('01 00 01 00'))
  t.strictSame(encode(tagged, 1, { f: { a: 5 } }), hex('01 00 03 01 05 00'))
  t.strictSame(decode(tagged, 1, hex('01 00 01 00')), { f: null })
  t.strictSame(decode(tagged, 1, hex('01 00 03 01 05 00')), { f: { a: 5 } })
  t.end()
})

t.test('values that do not fit their type are refused by name, and nothing is cut off', t => {
  for (const [type, value] of [
    ['bool', 1],
    ['int8', 128],
    ['int16', -32769],
    ['uint16', -1],
    ['int32', 2147483648],
    ['int32', 1.5],
    ['int32', '1'],
    ['uint32', 4294967296],
    ['int64', 2 ** 53],
    ['int64', 1n],
    ['float64', '1'],
    ['uuid', 'flights'],
    ['uuid', 'AAECAwQFBgcICQoLDA0ODx'],
    ['string', 5],
    ['bytes', 'text'],
    ['[]int32', 5],
    ['S', 5],
  ] as const) {
    const schema = messageOf(type, type === 'S' ? { fields: [] } : {})
    t.throws(
      () => encode(schema, 0, { f: value }),
      {
        code: 'INVALID_ARGUMENT',
        message: /^Test\.f must be .+, found: .+\.$/,
        context: { field: 'Test.f' },
      },
      `${type} ${value}`,
    )
  }
  t.throws(() => encode(messageOf('string'), 1, { f: 'x'.repeat(32768) }), { code: 'TOO_LARGE' })
  t.throws(() => encode(messageOf('int8'), 0, {} as { f: unknown }), { code: 'INVALID_ARGUMENT' })
  t.end()
})

t.test('an int64 beyond 2^53-1 is refused rather than rounded, and a hash is a bigint', t => {
  t.throws(() => decode(messageOf('int64'), 0, hex('0020000000000000')), {
    code: 'CORRUPT_MESSAGE',
    message: /9007199254740992/,
  })
  const hash: MessageSchema = {
    name: 'Test',
    validVersions: '0',
    flexibleVersions: 'none',
    fields: [{ name: 'MetadataHash', type: 'int64', versions: '0' }],
  }
  t.strictSame(decode(hash, 0, hex('8000000000000001')), { metadataHash: -(2n ** 63n) + 1n })
  t.strictSame(encode(hash, 0, { metadataHash: -(2n ** 63n) + 1n }), hex('8000000000000001'))
  t.throws(() => encode(hash, 0, { metadataHash: 2n ** 63n }), { code: 'INVALID_ARGUMENT' })
  t.end()
})

t.test('no length or count is believed beyond the bytes that are there', t => {
  for (const [type, version, bytes] of [
    ['string', 0, '7fff 61'],
    ['string', 0, 'fffe'],
    ['string', 1, 'ffffffff0f 61'],
    ['bytes', 0, '7fffffff 00'],
    ['bytes', 1, 'ffffffff0f'],
    ['[]int32', 0, '7fffffff 00000001'],
    ['[]int32', 0, '80000000'],
    ['[]int32', 1, 'ffffffff0f 00000001'],
    ['[]S', 0, '7fffffff'],
    ['[]S', 1, 'ffffffff0f 00'],
    ['int8', 1, '01 ffffffff0f'],
    ['int8', 1, '01 01 00 ffffffff0f'],
    ['string', 1, 'ffffffff10'],
    ['string', 1, '8080808080 01'],
    ['string', 1, 'ff'],
  ] as const) {
    const schema = messageOf(type, type === '[]S' ? { fields: [] } : {})
    t.throws(() => decode(schema, version, hex(bytes)), { code: 'CORRUPT_MESSAGE' }, `${type} ${bytes}`)
  }
  t.throws(() => decode(messageOf('int8'), 0, hex('01 02')), {
    code: 'CORRUPT_MESSAGE',
    message: /1 bytes follow/,
  })
  t.end()
})

t.test('tagged fields: a default is left out, what is unknown is kept or stepped over', t => {
  const schema: MessageSchema<{
    a: number
    t: number
    unknownTaggedFields?: { tag: number; bytes: Buffer }[]
  }> = {
    name: 'Test',
    validVersions: '0-2',
    flexibleVersions: '1+',
    fields: [
      { name: 'A', type: 'int8', versions: '0+' },
      { name: 'T', type: 'int16', versions: '1+', taggedVersions: '1+', tag: 3, default: '7' },
    ],
  }
  t.strictSame(encode(schema, 1, { a: 1, t: 7 }), hex('01 00'))
  t.strictSame(encode(schema, 1, { a: 1, t: 8 }), hex('01 01 03 02 0008'))
  const bytes = hex('01 03 00 01 aa 03 02 0008 8001 00')
  const unknownTaggedFields = [
    { tag: 0, bytes: hex('aa') },
    { tag: 128, bytes: hex('') },
  ]
  t.strictSame(decode(schema, 1, bytes), { a: 1, t: 8, unknownTaggedFields })
  t.strictSame(encode(schema, 1, { a: 1, t: 8, unknownTaggedFields }), bytes, 'in the order of their tags')
  t.strictSame(decode(schema, 1, bytes, { unknownTags: 'skip' }), { a: 1, t: 8 })
  t.strictSame(decode(schema, 0, hex('01')), { a: 1, t: 7 }, 'a version without it has the default')
  t.throws(() => decode(schema, 1, hex('01 02 03 02 0008 00 00')), { code: 'CORRUPT_MESSAGE' }, 'downwards')
  t.throws(() => decode(schema, 1, hex('01 02 03 02 0008 03 02 0008')), { code: 'CORRUPT_MESSAGE' }, 'twice')
  t.throws(() => decode(schema, 1, hex('01 01 03 03 000800')), { code: 'CORRUPT_MESSAGE' }, 'too long')
  t.throws(() => decode(schema, 1, hex('01 01 03 01 0008')), { code: 'CORRUPT_MESSAGE' }, 'too short')
  t.throws(() => encode(schema, 1, { a: 1, t: 8, unknownTaggedFields: [{ tag: 3, bytes: hex('00') }] }), {
    code: 'INVALID_ARGUMENT',
  })
  t.end()
})

t.test('a value that the version cannot carry is refused unless the schema lets it go', t => {
  const schema = (ignorable: boolean): MessageSchema => ({
    name: 'Test',
    validVersions: '0-1',
    flexibleVersions: 'none',
    fields: [
      { name: 'A', type: 'int8', versions: '0+' },
      { name: 'B', type: 'string', versions: '1+', ignorable },
    ],
  })
  t.throws(() => encode(schema(false), 0, { a: 1, b: 'x' }), { code: 'UNSUPPORTED_VERSION' })
  t.strictSame(encode(schema(false), 0, { a: 1, b: '' }), hex('01'))
  t.strictSame(encode(schema(false), 0, { a: 1 }), hex('01'))
  t.strictSame(encode(schema(true), 0, { a: 1, b: 'x' }), hex('01'))
  t.strictSame(encode(schema(false), 1, { a: 1 }), hex('01 0000'), 'and one that is left out is empty')
  t.throws(() => encode(schema(false), 2, { a: 1 }), {
    code: 'UNSUPPORTED_VERSION',
    context: { min: 0, max: 1 },
  })
  t.throws(() => decode(schema(false), -1, hex('01')), { code: 'UNSUPPORTED_VERSION' })
  t.equal(latestVersion(schema(false)), 1)
  t.end()
})

t.test('a field may stay inflexible in a flexible message', t => {
  const header = messageOf('string', { flexibleVersions: 'none' })
  t.strictSame(encode(header, 1, { f: 'a' }), hex('0001 61 00'))
  t.strictSame(decode(header, 1, hex('0001 61 00')), { f: 'a' })
  t.end()
})

t.test('messages stand one after the other in one buffer', t => {
  const writer = new ByteWriter(1)
  for (const text of ['a', 'x'.repeat(1000), '']) writeMessage(writer, messageOf('string'), 1, { f: text })
  const reader = new ByteReader(writer.finish())
  t.strictSame(readMessage(reader, messageOf('string'), 1), { f: 'a' })
  t.strictSame(readMessage(reader, messageOf('string'), 1), { f: 'x'.repeat(1000) })
  t.strictSame(readMessage(reader, messageOf('string'), 1), { f: '' })
  t.equal(reader.remaining, 0)
  t.equal(writer.size, reader.at)
  t.end()
})

t.test('bytes are views, so nothing is copied', t => {
  const bytes = hex('00000002 0102')
  const { f } = decode(messageOf('bytes'), 0, bytes)
  bytes.writeUInt8(9, 4)
  t.strictSame(f, hex('0902'))
  t.end()
})

t.test('ranges of versions', t => {
  t.strictSame(parseVersions('3'), { first: 3, last: 3 })
  t.strictSame(parseVersions('1-3'), { first: 1, last: 3 })
  t.strictSame(parseVersions('4+'), { first: 4, last: 32767 })
  const none = parseVersions('none')
  t.ok(none.first > none.last)
  t.throws(() => parseVersions('4-'), { code: 'INVALID_ARGUMENT' })
  t.throws(() => encode(messageOf('Nowhere'), 0, { f: 1 }), { code: 'INVALID_ARGUMENT', message: /Nowhere/ })
  t.end()
})
