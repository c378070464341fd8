// Writes packages/protocol/src/generated from Kafka's schemas, errors and topic settings (one JSON object a line).
//
//   node scripts/generate-messages.mjs [folder of .ndjson] [folder to write]
//
// The schemas stay data, field by field as Kafka has them; beside each stand two interfaces: what decoding gives, and
// what encoding takes, where fields with a default may be left out.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'

const here = fileURLToPath(new URL('.', import.meta.url))
const from = resolve(process.argv[2] ?? join(here, '../packages/protocol/schemas'))
const to = resolve(process.argv[3] ?? join(here, '../packages/protocol/src/generated'))

const HEAD =
  '// Written by scripts/generate-messages.mjs from packages/protocol/schemas. Change those, then run it again.\n\n'
const STYLE = {
  parser: 'typescript',
  semi: false,
  singleQuote: true,
  printWidth: 110,
  trailingComma: 'all',
  arrowParens: 'avoid',
}

const PRIMITIVES = {
  bool: 'boolean',
  int8: 'number',
  int16: 'number',
  uint16: 'number',
  int32: 'number',
  uint32: 'number',
  int64: 'number',
  float64: 'number',
  string: 'string',
  uuid: 'string',
  bytes: 'Buffer',
  records: 'Buffer',
}

/** What the codec reads; `entityType`, `listeners` and the like are left behind. */
const FIELD_KEYS = [
  'name',
  'type',
  'versions',
  'nullableVersions',
  'taggedVersions',
  'flexibleVersions',
  'tag',
  'default',
  'ignorable',
]
const MESSAGE_KEYS = ['name', 'apiKey', 'type', 'validVersions', 'flexibleVersions']

function readLines(name) {
  return readFileSync(join(from, name), 'utf8')
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => JSON.parse(line))
}

function pick(object, keys) {
  return Object.fromEntries(keys.filter(key => key in object).map(key => [key, object[key]]))
}

function plainField(field) {
  return { ...pick(field, FIELD_KEYS), ...(field.fields && { fields: field.fields.map(plainField) }) }
}

function plainMessage(message) {
  return {
    ...pick(message, MESSAGE_KEYS),
    fields: message.fields.map(plainField),
    ...(message.commonStructs && {
      commonStructs: message.commonStructs.map(({ name, fields }) => ({
        name,
        fields: fields.map(plainField),
      })),
    }),
  }
}

const small = name => name.charAt(0).toLowerCase() + name.slice(1)
const firstOf = versions => Number(/^\d+/.exec(versions)?.[0] ?? Infinity)
const lastOf = versions => (versions.endsWith('+') ? Infinity : Number(/\d+$/.exec(versions)?.[0] ?? -1))

/** The same rule as in the codec: hashes and what starts beyond 2^53-1 are bigint. */
function isBigint({ name, type, default: initial = 0 }) {
  return type === 'int64' && (name === 'MetadataHash' || !Number.isSafeInteger(Number(initial)))
}

function isRequired(field, message) {
  const always =
    firstOf(field.versions ?? 'none') <= firstOf(message.validVersions) &&
    lastOf(field.versions ?? 'none') >= lastOf(message.validVersions)
  return (
    always && !('default' in field) && !field.taggedVersions && !field.nullableVersions && !field.ignorable
  )
}

function typeOf(field, message, input) {
  const isArray = field.type.startsWith('[]')
  const name = isArray ? field.type.slice(2) : field.type
  let type = isBigint(field) ? 'bigint' : PRIMITIVES[name]
  if (input && type === 'Buffer') type = 'Uint8Array'
  if (type === undefined) {
    const fields = field.fields ?? message.commonStructs?.find(struct => struct.name === name)?.fields
    if (fields === undefined) throw new Error(`${message.name}.${field.name} has the unknown type ${name}`)
    type = bodyOf(fields, message, input)
  }
  if (isArray) type = input ? `readonly (${type})[]` : `(${type})[]`
  return field.nullableVersions ? `${type} | null` : type
}

function bodyOf(fields, message, input) {
  const lines = fields.map(field => {
    const type = typeOf(field, message, input)
    return input && !isRequired(field, message)
      ? `${small(field.name)}?: (${type}) | undefined`
      : `${small(field.name)}: ${type}`
  })
  if (message.flexibleVersions !== 'none') {
    lines.push(
      input
        ? 'unknownTaggedFields?: readonly RawTaggedField[] | undefined'
        : 'unknownTaggedFields?: RawTaggedField[]',
    )
  }
  return `{ ${lines.join('\n')} }`
}

function messageSource(message) {
  const { name, validVersions } = message
  const body = bodyOf(message.fields, message, false)
  const inputBody = bodyOf(message.fields, message, true)
  const value =
    body === '{  }' ? `export type ${name} = Record<string, never>` : `export interface ${name} ${body}`
  const input =
    inputBody === '{  }'
      ? `export type ${name}Input = Record<string, never>`
      : `export interface ${name}Input ${inputBody}`
  const versions = /^\d+$/.test(validVersions) ? `Version ${validVersions}.` : `Versions ${validVersions}.`
  return [
    `/** ${versions} */\n${value}`,
    `/** What is written as a {@link ${name}}. */\n${input}`,
    `export const ${name}: MessageSchema<${name}, ${name}Input> = ${JSON.stringify(plainMessage(message))}`,
  ].join('\n\n')
}

/** A schema by the type that stands in front of a record, for lookups while reading. */
function tableSource(name, entries) {
  const rows = entries.map(([key, value]) => `${key}: ${value},`)
  return `export const ${name} = {\n${rows.join('\n')}\n} as const`
}

function schemaImports(messages) {
  const raw = messages.some(message => message.flexibleVersions !== 'none') ? ', RawTaggedField' : ''
  return `import type { MessageSchema${raw} } from '../schema.ts'\n\n`
}

async function write(name, source) {
  writeFileSync(join(to, name), await format(HEAD + source, STYLE))
}

async function writeMetadataRecords() {
  const records = readLines('metadata.ndjson')
  const table = tableSource(
    'METADATA_RECORDS',
    records.map(({ name }) => [name, name]),
  )
  await write(
    'metadata-records.ts',
    [schemaImports(records) + records.map(messageSource).join('\n\n'), table].join('\n\n'),
  )
}

/** Keys and values that belong together, by the name they share. */
async function writeCoordinatorRecords(input, output, tableName) {
  const messages = readLines(input)
  const pairs = messages
    .filter(message => message.type === 'coordinator-key')
    .map(key => {
      const value = messages.find(each => each.type === 'coordinator-value' && each.apiKey === key.apiKey)
      if (value === undefined) throw new Error(`${key.name} has no value`)
      return [key.name.replace(/Key$/, ''), `{ key: ${key.name}, value: ${value.name} }`]
    })
  const body = schemaImports(messages) + messages.map(messageSource).join('\n\n')
  await write(output, [body, tableSource(tableName, pairs)].join('\n\n'))
}

async function writeChosen(input, output, names) {
  const messages = readLines(input)
  const chosen = names.map(name => {
    const message = messages.find(each => each.name === name)
    if (message === undefined) throw new Error(`${input} has no ${name}`)
    return message
  })
  await write(output, schemaImports(chosen) + chosen.map(messageSource).join('\n\n'))
}

async function writeErrors() {
  const rows = readLines('errors.ndjson').map(({ code, name, retriable }) =>
    JSON.stringify({ code, name, retriable }),
  )
  const type = "import type { KafkaError } from '../errors.ts'\n\n"
  await write('errors.ts', `${type}export const ERRORS: readonly KafkaError[] = [${rows.join(',\n')}]`)
}

async function writeTopicConfigs() {
  const rows = readLines('topic-configs.ndjson').map(({ name, type, default: initial, synonyms }) => {
    // The broker that was asked repeats the name where a setting of the whole cluster stands above it.
    return JSON.stringify({ name, type, default: initial, synonyms: [...new Set(synonyms)] })
  })
  const type = "import type { TopicConfigRow } from '../topic-configs.ts'\n\n"
  await write(
    'topic-configs.ts',
    `${type}export const TOPIC_CONFIG_ROWS: readonly TopicConfigRow[] = [${rows.join(',\n')}]`,
  )
}

mkdirSync(to, { recursive: true })
await writeMetadataRecords()
await writeCoordinatorRecords('group.ndjson', 'group-records.ts', 'GROUP_RECORDS')
await writeCoordinatorRecords('transaction.ndjson', 'transaction-records.ts', 'TRANSACTION_RECORDS')
await writeChosen('wire.ndjson', 'consumer-protocol.ts', [
  'ConsumerProtocolSubscription',
  'ConsumerProtocolAssignment',
])
await writeChosen('wire.ndjson', 'control-records.ts', [
  'LeaderChangeMessage',
  'SnapshotHeaderRecord',
  'SnapshotFooterRecord',
  'KRaftVersionRecord',
  'VotersRecord',
])
await writeErrors()
await writeTopicConfigs()
