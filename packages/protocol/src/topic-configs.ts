import { VarveError } from '@varve/platform'
import { TOPIC_CONFIG_ROWS } from './generated/topic-configs.ts'
import { TOPIC_CONFIG_RULES } from './topic-config-rules.ts'

/** One topic setting as a Kafka broker reports it. */
export interface TopicConfigRow {
  readonly name: string
  readonly type: 'BOOLEAN' | 'DOUBLE' | 'INT' | 'LIST' | 'LONG' | 'STRING'
  /** Kafka's default, as text. */
  readonly default: string
  /** The broker settings that stand behind the topic's own. */
  readonly synonyms: readonly string[]
}

/** What a value must keep to, and what the setting does. */
export interface TopicConfigRule {
  /** Smallest value of a number. */
  readonly min?: number
  /** Largest value of a number. */
  readonly max?: number
  /** Numbers within the range that are refused all the same. */
  readonly except?: readonly number[]
  /** The only values of a text, or of each entry of a list. */
  readonly oneOf?: readonly string[]
  /** What each entry of a list looks like. */
  readonly pattern?: RegExp
  readonly doc: string
}

export type TopicConfig = TopicConfigRow & TopicConfigRule

/** The value of a setting by its type: LIST is an array, INT, LONG and DOUBLE are numbers. */
export type TopicConfigValue = boolean | number | string | readonly string[]

const INT_MAX = 0x7fff_ffff

/** All settings of a topic, by name, with Kafka's types, defaults and ranges (`LogConfig`, Kafka 4.3). */
export const topicConfigs: ReadonlyMap<string, TopicConfig> = new Map(
  TOPIC_CONFIG_ROWS.map(row => [row.name, { ...row, ...(TOPIC_CONFIG_RULES[row.name] ?? { doc: '' }) }]),
)

/**
 * The value that `text` means for a setting. A LONG beyond 2^53-1, such as Kafka's "maximum", becomes 2^53-1.
 *
 * @throws `INVALID_CONFIG` when there is no such setting or its text is not within what Kafka accepts
 */
export function parseTopicConfig(name: string, text: string): TopicConfigValue {
  const config = topicConfigs.get(name)
  if (config === undefined) {
    throw new VarveError('INVALID_CONFIG', `There is no topic setting '${name}'; the names are Kafka's.`, {
      context: { field: name },
    })
  }
  const value = text.trim()
  switch (config.type) {
    case 'BOOLEAN':
      if (!/^(?:true|false)$/i.test(value)) refuse(config, 'true or false', text)
      return value.toLowerCase() === 'true'
    case 'STRING':
      return checkText(config, value, text)
    case 'LIST': {
      const entries = value === '' ? [] : value.split(',').map(entry => entry.trim())
      if (new Set(entries).size < entries.length) refuse(config, 'a list without repeats', text)
      return entries.map(entry => checkText(config, entry, text))
    }
    case 'DOUBLE':
    case 'INT':
    case 'LONG':
      return checkNumber(config, value, text)
  }
}

function checkText(config: TopicConfig, entry: string, text: string): string {
  const { oneOf, pattern } = config
  if (oneOf !== undefined && !oneOf.includes(entry)) refuse(config, `one of ${oneOf.join(', ')}`, text)
  if (pattern !== undefined && !pattern.test(entry)) refuse(config, 'partition:broker pairs or *', text)
  return entry
}

function checkNumber(config: TopicConfig, value: string, text: string): number {
  const isDouble = config.type === 'DOUBLE'
  const shape = isDouble ? /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i : /^[+-]?\d+$/
  if (!shape.test(value)) refuse(config, isDouble ? 'a number' : 'a whole number', text)
  const {
    min = config.type === 'INT' ? -INT_MAX - 1 : -Infinity,
    max = config.type === 'INT' ? INT_MAX : Infinity,
  } = config
  const number = Number(value)
  if (config.except?.includes(number) === true) refuse(config, `other than ${number}`, text)
  if (number < min || number > max || !isInType(config.type, value)) {
    refuse(config, max === Infinity ? `at least ${min}` : `a number from ${min} to ${max}`, text)
  }
  return Math.max(Math.min(number, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)
}

/** Whether a LONG fits 64 bits; above 2^53 only a bigint can tell. */
function isInType(type: TopicConfig['type'], value: string): boolean {
  return (
    type !== 'LONG' || BigInt.asIntN(64, BigInt(value.replace('+', ''))) === BigInt(value.replace('+', ''))
  )
}

function refuse(config: TopicConfig, wanted: string, found: string): never {
  throw new VarveError(
    'INVALID_CONFIG',
    `The topic setting ${config.name} must be ${wanted}, found '${found.slice(0, 80)}'.`,
    {
      context: { field: config.name, wanted, found },
    },
  )
}
