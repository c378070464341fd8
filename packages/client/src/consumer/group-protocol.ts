import {
  assignRange,
  readAssignment,
  readSubscription,
  writeAssignment,
  writeSubscription,
} from '@varve/coordinator'
import type { JoinGroupResponse, SyncGroupRequest, TopicPartition } from '@varve/engine'

/** The assignor that members offer. */
export const PROTOCOL = 'range'
/** Version 1 is what every client since 2.4 reads. */
const VERSION = 1

/** What a member says of itself when it joins. */
export function subscription(topics: readonly string[]): Buffer {
  return writeSubscription(VERSION, { topics })
}

/**
 * What the leader decides: each member's share in ranges.
 *
 * @param partitionsOf how many partitions a topic has
 */
export async function assign(
  members: JoinGroupResponse['members'],
  partitionsOf: (topic: string) => Promise<number>,
): Promise<SyncGroupRequest['assignments']> {
  const subscribed = members.map(({ memberId, metadata }) => ({
    memberId,
    topics: readSubscription(metadata).topics,
  }))
  const partitions = new Map<string, number>()
  for (const topic of new Set(subscribed.flatMap(({ topics }) => topics))) {
    partitions.set(topic, await partitionsOf(topic))
  }
  return [...assignRange(subscribed, partitions)].map(([memberId, assignedPartitions]) => ({
    memberId,
    assignment: writeAssignment(VERSION, { assignedPartitions }),
  }))
}

/** A member's share, as the leader wrote it. */
export function assignedPartitions(assignment: Buffer): TopicPartition[] {
  if (assignment.length === 0) return []
  return readAssignment(assignment).assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map(partition => ({ topic, partition })),
  )
}
