import { VarveError } from '@varve/platform'
import type { PartitionLog } from '@varve/log'
import type { ListOffsetsRequest, ListOffsetsResult, OffsetQuery } from '../broker.ts'
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
  { partitions, isolation }: ListOffsetsRequest,
): Promise<ListOffsetsResult[]> {
  return Promise.all(
    partitions.map(async ({ topic, partition, query }) => {
      try {
        const log = options.topics.log({ topic, partition })
        if (options.readOnly) await log.refresh()
        return { topic, partition, ...(await answer(log, query, endOf(log, isolation))) }
      } catch (error) {
        return { topic, partition, ...NOTHING, error: options.topics.failure(error, topic) }
      }
    }),
  )
}

/** What a reader whose log ends at `end` is told. */
async function answer(log: PartitionLog, query: OffsetQuery, end: number): Promise<Answer> {
  if (query === 'earliest') return at(log, log.logStartOffset)
  if (query === 'latest') return at(log, end)
  if (query === 'max-timestamp') return below(end, await log.maxTimestamp())
  if (Number.isSafeInteger(query)) return below(end, await log.offsetForTimestamp(query))
  throw new VarveError(
    'INVALID_ARGUMENT',
    `listOffsets.query must be a time in ms, 'earliest', 'latest' or 'max-timestamp', found ${String(query)}.`,
    { context: { field: 'listOffsets.query', found: query } },
  )
}

/** As Kafka: the first record that fits is not looked for again below the end. */
function below(end: number, found: Answer | undefined): Answer {
  return found === undefined || found.offset >= end ? NOTHING : found
}

/** The epoch of an offset is that of the last one that began at or before it. */
function at(log: PartitionLog, offset: number): Answer {
  let leaderEpoch = -1
  for (const { epoch, startOffset } of log.leaderEpochs) if (startOffset <= offset) leaderEpoch = epoch
  return { offset, timestamp: -1, leaderEpoch }
}
