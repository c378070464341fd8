import type { VfsFile } from '@varve/platform'
import type { LogSegment } from '../segment/log-segment.ts'
import type { SegmentIndexes } from '../segment/segment-indexes.ts'
import { SegmentRecovery } from './segment-recovery.ts'
import type { LogState } from './log-state.ts'

/**
 * Looks at the end of a log that was taken for what its note says, before the first append goes behind it: brings the
 * newest segment's indexes into memory and compares its last batches with the note. All of it is durable, so nothing is
 * cut, whatever is found: what is damaged is named, and the log goes on in a segment of its own.
 */
export async function readTail(state: LogState): Promise<void> {
  const segment = state.segments.last
  if (segment !== undefined) {
    const found = await state.context.indexes.read(segment, state.logEndOffset)
    if (found === undefined) segment.indexesChanged = true
    await state.context.files.use(segment.logPath, file => readTailOf(state, segment, { file, found }))
  }
  state.tailUnread = false
}

async function readTailOf(
  state: LogState,
  segment: LogSegment,
  { file, found }: { file: VfsFile; found: SegmentIndexes | undefined },
): Promise<void> {
  const { context, topicPartition, name } = state
  const end = state.logEndOffset
  const recovery = new SegmentRecovery({
    segment,
    file,
    state,
    durable: end,
    trustAbove: true,
    endOffset: end,
    report: (kind, position, offset, message) => {
      // What else there is to say of a tail speaks of cutting.
      if (kind === 'corruption')
        context.report({ kind, ...topicPartition, path: segment.logPath, position, offset, message })
    },
  })
  const { indexes, endPosition, endOffset, torn } = await recovery.run(found)
  const isWhole = endPosition === segment.size && endOffset === end && torn === undefined && !segment.sealed
  if (isWhole) {
    segment.indexes = indexes
    return
  }
  segment.sealed = true
  indexes.seal()
  context.indexes.keep(segment, indexes)
  const position = torn?.position ?? endPosition
  context.report({
    kind: 'corruption',
    ...topicPartition,
    path: segment.logPath,
    position,
    offset: endOffset,
    message: `The end of ${segment.logPath} is not what ${name} held when it was closed; nothing was cut, reads of what is damaged fail, and the log goes on in a new segment.`,
  })
}
