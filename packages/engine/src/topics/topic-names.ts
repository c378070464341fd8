import { limits } from '@varve/platform'
import { kafkaError } from '../errors.ts'

export const METADATA_TOPIC = '__cluster_metadata'
export const OFFSETS_TOPIC = '__consumer_offsets'
/** Topics that brokers write for themselves. */
const INTERNAL = new Set([METADATA_TOPIC, OFFSETS_TOPIC, '__transaction_state', '__share_group_state'])

const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/

/** Whether a name may become part of a path. */
export function isTopicName(topic: unknown): topic is string {
  return typeof topic === 'string' && TOPIC_NAME.test(topic) && topic !== '.' && topic !== '..'
}

export function isInternal(topic: string): boolean {
  return INTERNAL.has(topic)
}

/**
 * Whether a topic of this name may be made.
 *
 * @param options.existing the names that are taken
 * @param options.ignoresCase whether the file system takes `A` and `a` for one folder
 * @throws `INVALID_TOPIC_EXCEPTION`, `TOPIC_ALREADY_EXISTS`
 */
export function checkNewTopicName(
  topic: string,
  options: { existing: Iterable<string>; ignoresCase: boolean },
): void {
  if (!isTopicName(topic)) {
    throw invalid(
      topic,
      `'${String(topic).slice(0, 80)}' is no name of a topic: use 1 to ${limits.topicNameCharactersMax.value} of the characters a-z, A-Z, 0-9, '.', '_' and '-', and neither '.' nor '..'.`,
    )
  }
  if (isInternal(topic)) throw invalid(topic, `The topic '${topic}' is internal; use another name.`)
  for (const other of options.existing) {
    if (other === topic) {
      throw kafkaError(
        'TOPIC_ALREADY_EXISTS',
        `The topic '${topic}' exists already; use it, or choose another name.`,
        { topic },
      )
    }
    // Kafka's rule: metrics write '.' as '_', so that two such names could not be told apart.
    if (other.replaceAll('.', '_') === topic.replaceAll('.', '_'))
      throw invalid(
        topic,
        `The name '${topic}' collides with the topic '${other}': '.' and '_' count as one; choose another name.`,
      )
    if (options.ignoresCase && other.toLowerCase() === topic.toLowerCase()) {
      throw invalid(
        topic,
        `The name '${topic}' differs from the topic '${other}' only in case, which this file system does not tell apart.`,
      )
    }
  }
}

function invalid(topic: string, message: string): Error {
  return kafkaError('INVALID_TOPIC_EXCEPTION', message, { topic })
}
