import { nearest } from '@varve/platform'
import { defaultLogConfig, logConfigOf, type LogConfig } from '@varve/log'
import { parseTopicConfig, topicConfigs } from '@varve/protocol'
import type { ConfigEntry } from '../broker.ts'
import { kafkaError } from '../errors.ts'

/** Where Varve's defaults differ from Kafka's: an acknowledged record survives a loss of power. */
const OWN_DEFAULTS: Readonly<Record<string, string>> = { 'flush.messages': '1' }

/**
 * On a directory that a Kafka broker wrote, whose own settings nobody knows: nothing is deleted until retention is given.
 */
const TAKEN_OVER_DEFAULTS: Readonly<Record<string, string>> = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
}

/** The defaults of all topic settings, by Kafka's names, as text. */
export function topicConfigDefaults(options: { takenOver?: boolean } = {}): ReadonlyMap<string, string> {
  const own = { ...OWN_DEFAULTS, ...(options.takenOver === true ? TAKEN_OVER_DEFAULTS : {}) }
  return new Map([...topicConfigs].map(([name, config]) => [name, own[name] ?? config.default]))
}

/**
 * Checks what a topic is to be given.
 *
 * @throws `INVALID_CONFIG` naming the setting, what was wanted and what was found
 */
export function checkTopicConfig(config: Readonly<Record<string, unknown>>): Map<string, string> {
  const checked = new Map<string, string>()
  for (const [name, value] of Object.entries(config)) {
    if (!topicConfigs.has(name)) throw unknownSetting(name)
    if (typeof value !== 'string')
      throw invalid(name, `The topic setting ${name} must be a text, found ${typeof value}.`)
    parseTopicConfig(name, value)
    checked.set(name, value.trim())
  }
  const least = Number(checked.get('min.compaction.lag.ms') ?? 0)
  const most = Number(checked.get('max.compaction.lag.ms') ?? Infinity)
  if (least > most) {
    throw invalid(
      'min.compaction.lag.ms',
      `The topic setting min.compaction.lag.ms (${least}) must not exceed max.compaction.lag.ms (${most}).`,
    )
  }
  if (checked.get('remote.storage.enable')?.toLowerCase() === 'true')
    throw invalid(
      'remote.storage.enable',
      'The topic setting remote.storage.enable must be false: there is no remote storage here.',
    )
  return checked
}

/**
 * What the log of a topic's partitions obeys. A log that is opened by itself keeps everything; here Kafka's default of
 * seven days holds.
 *
 * @param options.keepAll whether nothing goes by a default: internal topics, and all of a directory that was taken over
 */
export function topicLogConfig(
  config: ReadonlyMap<string, string>,
  { keepAll }: { keepAll: boolean },
): LogConfig {
  const retention = Object.entries(TAKEN_OVER_DEFAULTS).map(([name, forever]): [string, string] => [
    name,
    keepAll ? forever : (topicConfigs.get(name)?.default ?? forever),
  ])
  return logConfigOf([...retention, ...config], defaultLogConfig)
}

/** All settings of a topic, its own over the defaults, in the order of their names. */
export function configEntries(
  config: ReadonlyMap<string, string>,
  defaults: ReadonlyMap<string, string>,
): ConfigEntry[] {
  return [...topicConfigs.values()].map(({ name, doc }) => {
    const own = config.get(name)
    return {
      name,
      value: own ?? defaults.get(name) ?? '',
      source: own === undefined ? 'default' : 'topic',
      doc,
    }
  })
}

function unknownSetting(name: string): Error {
  const near = nearest(name, [...topicConfigs.keys()])
  const hint = near === undefined ? "the names are Kafka's, such as retention.ms." : `did you mean ${near}?`
  return invalid(name, `There is no topic setting '${name}': ${hint}`)
}

function invalid(field: string, message: string): Error {
  return kafkaError('INVALID_CONFIG', message, { field })
}
