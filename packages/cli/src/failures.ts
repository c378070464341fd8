import { isVarveError, VarveError } from '@varve/platform'

/** The exit codes of every command. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  unreachable: 5,
  checkFailed: 6,
  interrupted: 130,
} as const

const CODES: Readonly<Record<string, number>> = {
  USAGE: EXIT.usage,
  INVALID_ARGUMENT: EXIT.usage,
  INVALID_CONFIG: EXIT.usage,
  INVALID_PARTITIONS: EXIT.usage,
  INVALID_TOPIC_EXCEPTION: EXIT.usage,
  GROUP_ID_NOT_FOUND: EXIT.notFound,
  NOT_FOUND: EXIT.notFound,
  OFFSET_OUT_OF_RANGE: EXIT.notFound,
  UNKNOWN_TOPIC_ID: EXIT.notFound,
  UNKNOWN_TOPIC_OR_PARTITION: EXIT.notFound,
  DIRECTORY_LOCKED: EXIT.notAllowed,
  DIRECTORY_NOT_CLEAN: EXIT.notAllowed,
  NOT_PERMITTED: EXIT.notAllowed,
  READ_ONLY_FILE_SYSTEM: EXIT.notAllowed,
  REQUEST_TIMED_OUT: EXIT.unreachable,
  UNREACHABLE: EXIT.unreachable,
  CHECK_FAILED: EXIT.checkFailed,
  ABORTED: EXIT.interrupted,
}

export function exitCodeOf(error: unknown): number {
  return isVarveError(error) ? (CODES[error.code] ?? EXIT.failed) : EXIT.failed
}

/** What the user typed cannot be meant. */
export function usageError(message: string): VarveError {
  return new VarveError('USAGE', message)
}

/** One sentence for the user. What is not Varve's own error is a bug or an unexpected system; VARVE_DEBUG shows where. */
export function sentenceOf(error: unknown): string {
  if (isVarveError(error)) return error.message
  const message = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
  return `Something unexpected happened (${message}): set VARVE_DEBUG=1 to see where, and please report it.`
}
