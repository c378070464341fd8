import { VarveError } from '@varve/platform'
import { plantedBugs } from './testing/planted-bugs.ts'

/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/
const FOLDER_NAME = /^(.+)-(0|[1-9]\d{0,9})$/
const PARTITION_MAX = 2 ** 31 - 1

/** The name of a partition's folder, and of the partition in a map: `<topic>-<partition>`. */
export function partitionName(of: TopicPartition): string {
  return `${of.topic}-${of.partition}`
}

/** The partition that a folder's name says, `undefined` when it is no such name. */
export function parsePartitionName(name: string): TopicPartition | undefined {
  const [, topic, digits] = FOLDER_NAME.exec(name) ?? []
  if (topic === undefined || digits === undefined) return undefined
  const partition = Number(digits)
  return isTopicName(topic) && partition <= PARTITION_MAX ? { topic, partition } : undefined
}

/** Whether a name may become part of a path. */
function isTopicName(topic: string): boolean {
  return TOPIC_NAME.test(topic) && topic !== '.' && topic !== '..'
}

/** @throws `INVALID_TOPIC_EXCEPTION`, `INVALID_PARTITIONS` */
export function checkTopicPartition({ topic, partition }: TopicPartition): void {
  if (!isTopicName(topic) && !plantedBugs.topicNameAsPath) {
    throw new VarveError(
      'INVALID_TOPIC_EXCEPTION',
      `'${topic}' is no name of a topic: use 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-', and neither '.' nor '..'.`,
      { context: { topic } },
    )
  }
  if (!Number.isInteger(partition) || partition < 0 || partition > PARTITION_MAX) {
    throw new VarveError(
      'INVALID_PARTITIONS',
      `A partition's number is 0 to ${PARTITION_MAX}, not ${partition}.`,
      {
        context: { topic, partition },
      },
    )
  }
}

const TOPIC_ID = /^[A-Za-z0-9_-]{22}$/

/** @throws `INVALID_ARGUMENT`: the id goes into the partition's files and the notes, where a line is a line. */
export function checkTopicId(topicId: string): void {
  if (TOPIC_ID.test(topicId)) return
  throw new VarveError(
    'INVALID_ARGUMENT',
    `'${topicId}' is no topic id: 22 characters of base64url are wanted.`,
    { context: { field: 'topicId', found: topicId } },
  )
}
