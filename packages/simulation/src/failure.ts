import { isVarveError } from '@varve/platform'
import { PropertyFailure } from '@varve/testkit'

/** For a directory that does not open although its disk works. What is no error of Varve's is a bug, here or there. */
export function cannotBeOpened(error: unknown): Error {
  if (error instanceof Error && !isVarveError(error)) return error
  return new PropertyFailure(`The directory cannot be opened: ${String(error)}`, { cause: error })
}
