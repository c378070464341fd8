import { readPartitionMetadata } from '../checkpoints/partition-metadata.ts'
import { catchUpProducers } from '../producer/producer-state-loader.ts'
import { LogLoader } from './log-loader.ts'
import { LogState } from './log-state.ts'
import { readPartitionFiles } from './partition-files.ts'

/**
 * For a reader beside an owner: takes in what the owner appended and deleted since. Only what was loaded whole takes the
 * place of what was known.
 *
 * @returns whether anything changed
 * @throws `UNKNOWN_TOPIC_OR_PARTITION` when the owner deleted the partition, also if another topic has the name now
 */
export async function catchUp(state: LogState): Promise<boolean> {
  state.checkOpen()
  const { context, topicPartition, folder, topicId, config } = state
  const fresh = new LogState({ context, topicPartition, folder, topicId, config })
  const { compacted, logStartOffset, logEndOffset } = state
  const known = { recoveryPoint: logEndOffset, logStartOffset, compacted, withoutProducers: true }
  try {
    const files = await readPartitionFiles(context.vfs, folder)
    await new LogLoader(fresh, known, () => undefined).load(files)
  } finally {
    await checkSameTopic(state)
  }
  if (fresh.logEndOffset <= logEndOffset && fresh.logStartOffset <= logStartOffset) return false
  await catchUpProducers(state, fresh)
  state.segments = fresh.segments
  state.epochs = fresh.epochs
  state.logStartOffset = fresh.logStartOffset
  state.nextOffset = state.logEndOffset = state.durableOffset = state.highWatermark = fresh.logEndOffset
  return true
}

/** What was loaded is this topic's if the folder is this topic's afterwards. */
async function checkSameTopic(state: LogState): Promise<void> {
  const { context, folder, name, topicId } = state
  if (topicId === undefined || (await readPartitionMetadata(context.vfs, folder)) === topicId) return
  throw state.error(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `The partition ${name} was deleted by the owner of its directory; open the directory again.`,
    { path: folder },
  )
}
