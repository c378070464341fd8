import type { LogState } from '../partition/log-state.ts'
import type { LogSegment } from './log-segment.ts'

/*
 * `preallocate`: a segment's file gets its full size before its first batch, so that appending changes no size. What lies
 * behind the batches reads as zeros. It is cut off when the segment is rolled or closed; after a crash recovery finds the
 * zeros above the durable offset and cuts them. In between, `LogSegment.size` says how many bytes count, never the file.
 */

/** Gives the file of an empty segment its full size. */
export async function preallocate({ context, config }: LogState, segment: LogSegment): Promise<void> {
  await context.files.use(segment.logPath, file => file.truncate(config.segmentBytes))
  segment.preallocated = true
}

/** Cuts what is behind the batches; for good only after the next sync of the log. */
export async function trimPreallocated({ context, dirty }: LogState, segment: LogSegment): Promise<void> {
  await context.files.use(segment.logPath, file => file.truncate(segment.size))
  segment.preallocated = false
  dirty.add(segment)
}
