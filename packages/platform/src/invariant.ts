import { VarveError } from './errors.ts'

/**
 * States what must hold here whatever a user or a disk does. Where it does not, Varve has a bug: throws
 * `INVARIANT_BROKEN`. For options and data from outside use an error of their own.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition)
    throw new VarveError('INVARIANT_BROKEN', `${message}: this is a bug in Varve, please report it.`)
}
