import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { errorByCode, errorByName, errors } from '../src/errors.ts'
import { parseTopicConfig, topicConfigs } from '../src/topic-configs.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const generator = join(here, '../../../scripts/generate-messages.mjs')

t.test(
  'the committed files are what the generator writes',
  { skip: !existsSync(generator) && 'no generator here' },
  t => {
    const folder = t.testdir()
    execFileSync(process.execPath, [generator, join(here, '../schemas'), folder], { stdio: 'pipe' })
    const committed = join(here, '../src/generated')
    t.strictSame(readdirSync(folder).sort(), readdirSync(committed).sort())
    for (const name of readdirSync(folder)) {
      const isSame = readFileSync(join(folder, name), 'utf8') === readFileSync(join(committed, name), 'utf8')
      t.ok(isSame, `${name}; if not, run: node scripts/generate-messages.mjs`)
    }
    t.end()
  },
)

t.test('errors are found by code and by name', t => {
  t.strictSame(errorByName('OFFSET_OUT_OF_RANGE'), { code: 1, name: 'OFFSET_OUT_OF_RANGE', retriable: false })
  t.equal(errorByCode(3), errorByName('UNKNOWN_TOPIC_OR_PARTITION'))
  t.equal(errorByCode(3)?.retriable, true)
  t.equal(errorByCode(32000), undefined)
  t.equal(errorByName('CLOSED'), undefined, 'one of our own has no code on the wire')
  t.equal(new Set(errors.map(error => error.code)).size, errors.length)
  t.end()
})

t.test('every topic setting has a doc, and its default is a valid value', t => {
  t.equal(topicConfigs.size, 33)
  for (const config of topicConfigs.values()) {
    t.ok(config.doc.endsWith('.'), config.name)
    t.doesNotThrow(() => parseTopicConfig(config.name, config.default), config.name)
  }
  t.end()
})

t.test('the text of a setting becomes a value of its type', t => {
  t.equal(parseTopicConfig('retention.ms', '-1'), -1)
  t.equal(parseTopicConfig('flush.messages', '9223372036854775807'), Number.MAX_SAFE_INTEGER)
  t.equal(parseTopicConfig('min.cleanable.dirty.ratio', '.25'), 0.25)
  t.equal(parseTopicConfig('preallocate', 'TRUE'), true)
  t.equal(parseTopicConfig('message.timestamp.type', 'LogAppendTime'), 'LogAppendTime')
  t.strictSame(parseTopicConfig('cleanup.policy', 'compact, delete'), ['compact', 'delete'])
  t.strictSame(parseTopicConfig('cleanup.policy', ''), [])
  t.strictSame(parseTopicConfig('leader.replication.throttled.replicas', '0:1,1:2'), ['0:1', '1:2'])
  t.end()
})

t.test('what Kafka would refuse is refused with the name of the setting', t => {
  for (const [name, text] of [
    ['retention.hours', '1'],
    ['constructor', '1'],
    ['retention.ms', '-2'],
    ['retention.ms', ''],
    ['retention.ms', '1.5'],
    ['retention.ms', '0x10'],
    ['retention.ms', '9223372036854775808'],
    ['retention.bytes', '-9223372036854775809'],
    ['segment.bytes', '1048575'],
    ['segment.bytes', '2147483648'],
    ['min.cleanable.dirty.ratio', '1.1'],
    ['min.cleanable.dirty.ratio', 'NaN'],
    ['compression.gzip.level', '0'],
    ['compression.type', 'none'],
    ['cleanup.policy', 'compact,compact'],
    ['cleanup.policy', 'drop'],
    ['preallocate', 'yes'],
    ['leader.replication.throttled.replicas', 'all'],
  ] as const) {
    t.throws(
      () => parseTopicConfig(name, text),
      { code: 'INVALID_CONFIG', context: { field: name } },
      `${name}=${text}`,
    )
  }
  t.end()
})
