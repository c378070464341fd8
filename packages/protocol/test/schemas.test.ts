import { isDeepStrictEqual } from 'node:util'
import { SeededRandom } from '@varve/platform'
import t from 'tap'
import { decode, defaultsOf, encode } from '../src/message.ts'
import { propertyName, versionsOf, type MessageSchema } from '../src/schema.ts'
import { readSchemas } from './support/files.ts'
import { randomMessage } from './support/random-message.ts'

const FILES = ['wire', 'metadata', 'group', 'transaction', 'share', 'raft'].map(name => `${name}.ndjson`)

function eachVersion(visit: (schema: MessageSchema<unknown, unknown>, version: number) => void): number {
  let count = 0
  for (const file of FILES) {
    for (const schema of readSchemas(file)) {
      const { first, last } = versionsOf(schema)
      for (let version = first; version <= last; version++, count++) visit(schema, version)
    }
  }
  return count
}

/** What is left when fields that the version lacks or that were left out are dropped from what was read. */
function narrowed(found: unknown, wanted: unknown): unknown {
  if (Array.isArray(found) && Array.isArray(wanted)) {
    return found.length === wanted.length ? found.map((each, index) => narrowed(each, wanted[index])) : found
  }
  if (typeof found !== 'object' || found === null || found instanceof Uint8Array) return found
  if (typeof wanted !== 'object' || wanted === null) return found
  return Object.fromEntries(
    Object.keys(wanted).map(key => [
      key,
      narrowed((found as Record<string, unknown>)[key], (wanted as Record<string, unknown>)[key]),
    ]),
  )
}

t.test('the defaults of every message in every version survive the way there and back', t => {
  let differing = ''
  const count = eachVersion((schema, version) => {
    const defaults = defaultsOf(schema, version)
    const bytes = encode(schema, version, defaults)
    const decoded = decode(schema, version, bytes)
    const isSame = isDeepStrictEqual(decoded, defaults) && encode(schema, version, decoded).equals(bytes)
    if (!isSame) differing ||= `${schema.name} ${version}`
  })
  t.equal(differing, '')
  t.ok(count > 500, `${count} versions of messages`)
  t.end()
})

t.test('random values of every message in every version survive, unknown tagged fields included', t => {
  const seed = Number(process.env['SEED'] ?? 20_261_121)
  t.comment(`seed ${seed}`)
  const random = new SeededRandom(seed)
  let differing = ''
  const count = eachVersion((schema, version) => {
    const value = randomMessage(schema, version, random)
    const bytes = encode(schema, version, value)
    const decoded = decode(schema, version, bytes)
    if (
      !isDeepStrictEqual(narrowed(decoded, value), value) ||
      !encode(schema, version, decoded).equals(bytes)
    )
      differing ||= `${schema.name} ${version}`
  })
  t.equal(differing, '')
  t.ok(count > 500)
  t.end()
})

t.test('a message cut short anywhere is corrupt, never read beyond its end', t => {
  const random = new SeededRandom(7)
  const accepted: string[] = []
  eachVersion((schema, version) => {
    const bytes = encode(schema, version, randomMessage(schema, version, random))
    const size = random.int(bytes.length + 1)
    if (size === bytes.length) return
    try {
      decode(schema, version, bytes.subarray(0, size))
      accepted.push(`${schema.name} ${version} of ${size} bytes`)
    } catch (error) {
      if ((error as { code?: string }).code !== 'CORRUPT_MESSAGE') throw error
    }
  })
  t.strictSame(accepted, [])
  t.end()
})

t.test('a message with any byte changed is read or refused, and nothing else', t => {
  const random = new SeededRandom(8)
  eachVersion((schema, version) => {
    const bytes = encode(schema, version, randomMessage(schema, version, random))
    if (bytes.length === 0) return
    for (let round = 0; round < 3; round++) {
      const damaged = Buffer.from(bytes)
      damaged.writeUInt8(random.int(256), random.int(bytes.length))
      try {
        decode(schema, version, damaged)
      } catch (error) {
        if ((error as { code?: string }).code !== 'CORRUPT_MESSAGE') throw error
      }
    }
  })
  t.pass('nothing else')
  t.end()
})

t.test('names are those of the dumps', t => {
  t.equal(propertyName('TopicId'), 'topicId')
  t.equal(propertyName('ISR'), 'iSR')
  t.end()
})
