import { isVarveError, VarveError } from '@varve/platform'
import type { LogState } from './log-state.ts'

/** Nothing was synced, and nothing failed to be: the next sync takes it along. To send it again would double it. */
export function unsynced(state: LogState, cause: unknown): VarveError {
  const code = isVarveError(cause) ? cause.code : 'KAFKA_STORAGE_ERROR'
  const why = cause instanceof Error ? cause.message : String(cause)
  return new VarveError(
    code,
    `The append to ${state.name} is written but not synced yet, so it may still become visible: ${why}`,
    { context: { ...(isVarveError(cause) ? cause.context : {}), ...state.topicPartition }, cause },
  )
}

export function refusal(state: LogState, cause: unknown): VarveError {
  const code = isVarveError(cause, 'DISK_FULL', 'TOO_MANY_OPEN_FILES', 'KAFKA_STORAGE_ERROR')
    ? cause.code
    : 'KAFKA_STORAGE_ERROR'
  const why = cause instanceof Error ? cause.message : String(cause)
  return new VarveError(code, `The append to ${state.name} failed and left nothing behind: ${why}`, {
    context: { ...(isVarveError(cause) ? cause.context : {}), ...state.topicPartition },
    retriable: code !== 'KAFKA_STORAGE_ERROR',
    cause,
  })
}
