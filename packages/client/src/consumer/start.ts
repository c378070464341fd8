import type { TopicPartition } from '@varve/engine'
import { ByPartition } from '../by-partition.ts'
import type { ClientContext } from '../context.ts'
import { boundsOf, outOfRange, resolvePosition } from '../reader/resolve.ts'
import { AssignedPartition } from './assigned-partition.ts'
import type { GroupEnd } from './group-end.ts'
import type { CheckedConsumerOptions } from './options.ts'

/** Where reading begins: at the group's offsets where it has some, at `from` elsewhere. */
export async function startPartitions<K, V>(
  context: ClientContext,
  options: CheckedConsumerOptions,
  partitions: readonly TopicPartition[],
  groupEnd?: GroupEnd,
): Promise<AssignedPartition<K, V>[]> {
  if (partitions.length === 0) return []
  const [bounds, committed] = await Promise.all([
    boundsOf(context, partitions, options.isolation),
    options.group === undefined ? [] : committedOffsets(context, options.group, partitions),
  ])
  const missing = bounds.filter((_, index) => (committed[index] ?? -1) < 0)
  const resolved = new ByPartition(await resolvePosition(context, options.from, missing, options.isolation))
  const started: AssignedPartition<K, V>[] = []
  for (const [index, { topic, partition, highWatermark }] of bounds.entries()) {
    const offset = committed[index] ?? -1
    const from = resolved.get({ topic, partition })
    const info = await context.metadata.get(topic)
    started.push(
      new AssignedPartition({
        topic,
        partition,
        topicId: info.topicId,
        position: from?.offset ?? offset,
        committed: offset,
        highWatermark,
        until: options.untilEnd ? (groupEnd?.endOf({ topic, partition }) ?? highWatermark) : Infinity,
      }),
    )
  }
  return started
}

/**
 * The offset to go on from when the one that was wanted is not there: `from`, where the user has given it. Otherwise
 * the gap is told: records that retention has taken are gone without having been read.
 *
 * @throws `OFFSET_OUT_OF_RANGE`
 */
export async function resetPosition<K, V>(
  context: ClientContext,
  options: CheckedConsumerOptions,
  one: AssignedPartition<K, V>,
): Promise<number> {
  const { from, isolation } = options
  const [bounds] = await boundsOf(context, [one], isolation)
  const [resolved] = bounds === undefined ? [] : await resolvePosition(context, from, [bounds], isolation)
  if (bounds === undefined || resolved === undefined) return one.fetchPosition
  const { offset } = resolved
  const there = offset >= bounds.logStartOffset && offset <= bounds.highWatermark
  if (!options.fromGiven || !there) {
    throw outOfRange(
      bounds,
      one.fetchPosition,
      "give the consumer the option from ('start' or 'end') to go on there",
    )
  }
  context.logger.warn(
    { topic: one.topic, partition: one.partition, offset: one.fetchPosition, to: offset },
    'the offset is out of range, the consumer goes on elsewhere',
  )
  return offset
}

async function committedOffsets(
  context: ClientContext,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<number[]> {
  const found = new ByPartition(
    await context.broker.fetchOffsets({
      group,
      partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
    }),
  )
  return partitions.map(({ topic, partition }) => {
    const one = found.get({ topic, partition })
    if (one?.error !== undefined) throw one.error
    return one?.offset ?? -1
  })
}
