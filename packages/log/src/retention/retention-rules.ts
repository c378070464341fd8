import { NEVER, type LogConfig } from '../log-config.ts'
import type { LogSegment } from '../segment/log-segment.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'

/** What timestamps may run ahead of the clock where a topic sets no limit to that: Kafka's default. */
const AHEAD_MS_DEFAULT = 3600 * 1000

/** What retention has to know of a log. */
export interface RetentionView {
  readonly segments: readonly LogSegment[]
  readonly config: LogConfig
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The largest timestamp of a segment's records, -1 where they have none. */
  largestTimestamp(segment: LogSegment): Promise<number>
  /** When the segment was last written, milliseconds since the epoch. */
  writtenAt(segment: LogSegment): Promise<number>
}

/**
 * How many of the oldest segments go, by Kafka's three rules one after the other: what lies below the log's start, then
 * what is more than `retention.bytes`, then what is older than `retention.ms`. Only what lies wholly below the high
 * watermark goes; an empty newest segment never does.
 *
 * Source: apache/kafka, org.apache.kafka.storage.internals.log.UnifiedLog (deleteOldSegments, deletableSegments).
 */
export async function countDeletable(view: RetentionView): Promise<number> {
  const { segments, config, logStartOffset } = view
  let count = 0
  while ((segments[count + 1]?.baseOffset ?? Infinity) <= logStartOffset) count++
  if (!config.delete) return count
  if (config.retentionBytes < NEVER) count = afterSize(view, count)
  if (config.retentionMs < NEVER) {
    for (let next = deletable(view, count); next !== undefined; next = deletable(view, count)) {
      if (view.now - (await believedTimestamp(view, next)) <= config.retentionMs) break
      count++
    }
  }
  return count
}

function afterSize(view: RetentionView, from: number): number {
  let surplus = -view.config.retentionBytes
  for (const { size } of view.segments.slice(from)) surplus += size
  let count = from
  for (let next = deletable(view, count); next !== undefined; next = deletable(view, count)) {
    if (surplus - next.size < 0) break
    surplus -= next.size
    count++
  }
  return count
}

function deletable(view: RetentionView, slot: number): LogSegment | undefined {
  const segment = view.segments[slot]
  const next = view.segments[slot + 1]
  if (segment === undefined || (next === undefined && segment.size === 0)) return undefined
  return view.highWatermark >= (next?.baseOffset ?? view.logEndOffset) ? segment : undefined
}

/**
 * The timestamp that a segment's age counts from: its largest. Without any, the time of its last write, as in Kafka.
 *
 * Unlike in Kafka, a record from the future does not hold the segment, and all behind it, until that future has come and
 * gone: a timestamp further ahead of the clock than the topic lets producers be is not believed. Whoever wrote it did so
 * no later than the segment was written last, so it counts as what was allowed then; no other record of the segment can
 * have been newer, and none goes before its time.
 */
async function believedTimestamp(view: RetentionView, segment: LogSegment): Promise<number> {
  const { now, config } = view
  const largest = await view.largestTimestamp(segment)
  if (largest < 0) return view.writtenAt(segment)
  const { messageTimestampAfterMaxMs: after } = config
  const ahead = after < NEVER ? after : AHEAD_MS_DEFAULT
  if (largest <= now + ahead || plantedBugs.retentionPinnedByFuture) return largest
  return Math.min(largest, (await view.writtenAt(segment)) + ahead)
}
