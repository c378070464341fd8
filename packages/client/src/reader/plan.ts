import type { ClientContext } from '../context.ts'
import { checkPartition } from '../metadata.ts'
import type { CheckedReadOptions } from './options.ts'
import { PartitionStream } from './partition-stream.ts'
import { RecordDecoder } from './record-decoder.ts'
import { boundsOf, outOfRange, resolvePosition } from './resolve.ts'

const FETCH_BYTES_MAX = 2 ** 20
const FETCH_BYTES_MIN = 2 ** 16
const ALL_BYTES_MAX = 16 * 2 ** 20

/** One stream per partition with its range looked up. */
export async function planStreams<K, V>(
  context: ClientContext,
  topic: string,
  options: CheckedReadOptions,
  signal: AbortSignal,
): Promise<PartitionStream<K, V>[]> {
  const info = await context.metadata.load(topic)
  const wanted = options.partitions ?? Array.from({ length: info.partitions }, (_, partition) => partition)
  const chosen = [...new Set(wanted)].map(partition => ({
    topic,
    partition: checkPartition(info, partition),
  }))
  const { isolation } = options
  const bounds = await boundsOf(context, chosen, isolation)
  const starts = await resolvePosition(context, options.from, bounds, isolation)
  const ends =
    options.to === undefined ? undefined : await resolvePosition(context, options.to, bounds, isolation)
  const decoder = new RecordDecoder<K, V>(options)
  const share = Math.floor(ALL_BYTES_MAX / Math.max(1, 2 * chosen.length))
  const fetchBytesMax = Math.max(FETCH_BYTES_MIN, Math.min(FETCH_BYTES_MAX, share))
  return starts.map((start, index) => {
    // An offset beyond one partition's end is nothing there; below its start, records that were asked for are gone.
    if (start.offset < start.logStartOffset) {
      throw outOfRange(start, start.offset, 'read from start to take what is left')
    }
    return new PartitionStream<K, V>(context, {
      topic,
      topicId: info.topicId,
      partition: start.partition,
      position: options.follow ? start.offset : Math.min(start.offset, start.highWatermark),
      until: untilOf(ends?.[index]?.offset, start.highWatermark, options.follow),
      decoder,
      control: options.control,
      isolation,
      fetchBytesMax,
      signal,
    })
  })
}

function untilOf(end: number | undefined, highWatermark: number, follow: boolean): number {
  if (follow) return end ?? Infinity
  return Math.min(end ?? highWatermark, highWatermark)
}
