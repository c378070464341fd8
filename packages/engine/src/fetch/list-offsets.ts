import { VarveError } from '@varve/platform'
import type { PartitionLog } from '@varve/log'
import type { Isolation, ListOffsetsRequest, ListOffsetsResult, OffsetQuery } from '../broker.ts'
import { endOf } from './isolation.ts'
import type { Topics } from '../topics/topics.ts'

interface Answer {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

const NOTHING: Answer = { offset: -1, timestamp: -1, leaderEpoch: -1 }

/** @param options.readOnly looks first at what the owner of the directory has appended */
export async function listOffsets(
  options: { topics: Topics; readOnly: boolean },
  { partitions, isolation = 'read_uncommitted' }: ListOffsetsRequest,
): Promise<ListOffsetsResult[]> {
  return Promise.all(
    partitions.map(async ({ topic, partition, query }) => {
      try {
        const log = options.topics.log({ topic, partition })
        if (options.readOnly) await log.refresh()
        return { topic, partition, ...(await answer(log, query, isolation)) }
      } catch (error) {
        return { topic, partition, ...NOTHING, error: options.topics.failure(error, topic) }
      }
    }),
  )
}

async function answer(log: PartitionLog, query: OffsetQuery, isolation: Isolation): Promise<Answer> {
  if (query === 'earliest') return at(log, log.logStartOffset)
  if (query === 'latest') return at(log, endOf(log, isolation))
  if (query === 'max-timestamp') return (await log.maxTimestamp({ isolation })) ?? NOTHING
  if (Number.isSafeInteger(query)) return (await log.offsetForTimestamp(query, { isolation })) ?? NOTHING
  throw new VarveError(
    'INVALID_ARGUMENT',
    `listOffsets.query must be a time in ms, 'earliest', 'latest' or 'max-timestamp', found ${String(query)}.`,
    { context: { field: 'listOffsets.query', found: query } },
  )
}

/** The epoch of an offset is that of the last one that began at or before it. */
function at(log: PartitionLog, offset: number): Answer {
  let leaderEpoch = -1
  for (const { epoch, startOffset } of log.leaderEpochs) if (startOffset <= offset) leaderEpoch = epoch
  return { offset, timestamp: -1, leaderEpoch }
}
