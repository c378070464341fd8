import { isVarveError } from '@varve/platform'

/** A property that did not hold. What it says is for a person who will replay the seed. */
export class PropertyFailure extends Error {
  override readonly name = 'PropertyFailure'
}

export function require(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new PropertyFailure(message())
}

/** For a directory that does not open although its disk works. What is no error of Varve's is a bug, here or there. */
export function cannotBeOpened(error: unknown): Error {
  if (error instanceof Error && !isVarveError(error)) return error
  return new PropertyFailure(`The directory cannot be opened: ${String(error)}`, { cause: error })
}
