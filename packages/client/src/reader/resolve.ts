import { VarveError } from '@varve/platform'
import type { FetchResult, Isolation, ListOffsetsResult, OffsetQuery, TopicPartition } from '@varve/engine'
import type { Position } from '../api.ts'
import type { ClientContext } from '../context.ts'
import { ByPartition } from '../by-partition.ts'
import { retrying } from '../retry.ts'

const ASK_MS_MAX = 60_000

/** What a position is in one partition, and where that partition begins and ends. */
export interface ResolvedPosition extends TopicPartition {
  readonly offset: number
  readonly logStartOffset: number
  readonly highWatermark: number
}

/** Begin and end of partitions, in the order asked for. To a reader of committed records, the last stable offset is the end. */
export interface PartitionBounds extends TopicPartition {
  readonly logStartOffset: number
  readonly highWatermark: number
}

export async function boundsOf(
  context: ClientContext,
  partitions: readonly TopicPartition[],
  isolation: Isolation,
): Promise<PartitionBounds[]> {
  if (partitions.length === 0) return []
  const [starts, ends] = await Promise.all([
    listOffsets(context, { partitions, query: 'earliest', isolation }),
    listOffsets(context, { partitions, query: 'latest', isolation }),
  ])
  return partitions.map(({ topic, partition }, index) => ({
    topic,
    partition,
    logStartOffset: starts[index] ?? 0,
    highWatermark: ends[index] ?? 0,
  }))
}

/**
 * Looks a position up in each partition. `start+n` and `end-n` stay within the partition, and a time after the last
 * record is the end; an offset is taken as it is.
 */
export async function resolvePosition(
  context: ClientContext,
  position: Position,
  bounds: readonly PartitionBounds[],
  isolation: Isolation,
): Promise<ResolvedPosition[]> {
  const times =
    position.kind === 'time'
      ? await listOffsets(context, { partitions: bounds, query: position.timestamp, isolation })
      : undefined
  return bounds.map((one, index) => ({ ...one, offset: offsetIn(position, one, times?.[index] ?? -1) }))
}

function offsetIn(position: Position, bounds: PartitionBounds, atTime: number): number {
  const { logStartOffset, highWatermark } = bounds
  switch (position.kind) {
    case 'start':
      return Math.min(logStartOffset + position.plus, highWatermark)
    case 'end':
      return Math.max(highWatermark - position.minus, logStartOffset)
    case 'offset':
      return position.offset
    case 'time':
      return atTime < 0 ? highWatermark : atTime
  }
}

async function listOffsets(
  context: ClientContext,
  request: { partitions: readonly TopicPartition[]; query: OffsetQuery; isolation: Isolation },
): Promise<number[]> {
  const { partitions, query, isolation } = request
  if (partitions.length === 0) return []
  const deadline = context.clock.monotonic() + ASK_MS_MAX
  return retrying(context, { deadline }, async () => {
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition, query }))
    const results = new ByPartition(await context.broker.listOffsets({ partitions: asked, isolation }))
    return asked.map(({ topic, partition }) => offsetOf(results.get({ topic, partition }), topic, partition))
  })
}

function offsetOf(result: ListOffsetsResult | undefined, topic: string, partition: number): number {
  if (result?.error !== undefined) throw result.error
  if (result !== undefined) return result.offset
  throw new VarveError(
    'UNKNOWN_SERVER_ERROR',
    `The broker did not say where partition ${partition} of topic '${topic}' ends.`,
    { context: { topic, partition } },
  )
}

/** Where a reader of that isolation comes to the end. */
export function endOf(result: FetchResult, isolation: Isolation): number {
  return isolation === 'read_committed' ? result.lastStableOffset : result.highWatermark
}

/** The error of reading from below the first record that is left. */
export function outOfRange(bounds: PartitionBounds, offset: number, hint: string): VarveError {
  const { topic, partition, logStartOffset, highWatermark } = bounds
  return new VarveError(
    'OFFSET_OUT_OF_RANGE',
    `Partition ${partition} of topic '${topic}' has no offset ${offset}: it holds ${logStartOffset} up to ${highWatermark}; ${hint}.`,
    { context: { topic, partition, offset, found: offset, min: logStartOffset, max: highWatermark } },
  )
}
