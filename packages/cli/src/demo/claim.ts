import type { TopicDescription, VarveClient } from '@varve/runtime'
import { isVarveError, VarveError } from '@varve/platform'

/** Every record of the demo carries its row in the file under this header. */
export const DEMO_HEADER = 'varve-demo'
export const PARTITIONS = 6

/**
 * The settings of the demo's topic. 2001 is past any default retention, so nothing may expire. The segment size is the
 * mark by which a later run knows the topic: it is written in one step with the topic itself, so that not even a run
 * killed between two steps leaves a topic that nobody knows.
 */
const MARK: readonly (readonly [string, string])[] = [
  ['retention.ms', '-1'],
  ['segment.bytes', '20010103'],
]

export interface ClaimOptions {
  topic: string
  path: string
  signal: AbortSignal
}

/**
 * Makes the demo's topic, empty. One that an earlier run left is deleted first, at whatever point that run ended; a topic
 * that is anyone else's, or into which someone else has appended, is never touched.
 *
 * @returns whether there was one of an earlier run, and the id of the new one
 * @throws ALREADY_EXISTS for a topic that is not the demo's
 */
export async function claimTopic(
  varve: VarveClient,
  { topic, path, signal }: ClaimOptions,
): Promise<{ again: boolean; topicId: string }> {
  const found = await existing(varve, topic)
  if (found !== undefined) {
    const why = (await foreign(varve, found, signal)) ?? ''
    if (why !== '') {
      throw new VarveError(
        'ALREADY_EXISTS',
        `The topic "${topic}" in ${path} is not the demo's (${why}), so it is left alone: use --topic with another name or --data with another folder.`,
        { context: { topic, path } },
      )
    }
    await varve.admin.deleteTopic(topic)
  }
  const made = await varve.admin.createTopic(topic, {
    partitions: PARTITIONS,
    config: Object.fromEntries(MARK),
  })
  return { again: found !== undefined, topicId: made.topicId }
}

async function existing(varve: VarveClient, topic: string): Promise<TopicDescription | undefined> {
  try {
    return await varve.admin.describeTopic(topic)
  } catch (error) {
    if (isVarveError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return undefined
    throw error
  }
}

/** Why the topic cannot be the demo's own. */
async function foreign(
  varve: VarveClient,
  found: TopicDescription,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { topic, partitions, config } = found
  if (partitions.length !== PARTITIONS)
    return `it has ${partitions.length} partitions instead of ${PARTITIONS}`
  for (const [name, value] of MARK) {
    const is = config.find(one => one.name === name && one.source === 'topic')?.value
    if (is !== value) return `its ${name} is ${is ?? 'not set'} instead of ${value}`
  }
  for await (const { headers, partition, offset } of varve.read(topic, { control: true, signal })) {
    if (headers[0]?.[0] !== DEMO_HEADER)
      return `the record at offset ${offset} of partition ${partition} is another's`
  }
  signal.throwIfAborted()
  return undefined
}
