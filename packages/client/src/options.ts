import { option, VarveError, type Field } from '@varve/platform'
import type { Isolation } from './api.ts'

/** A text that is not empty. */
export const name: Field<string> = option.string({ wanted: 'a text that is not empty', pattern: /./s })

export const signal: Field<AbortSignal> = option.field(
  'an AbortSignal',
  value => value instanceof AbortSignal,
)

export const isolation: Field<Isolation> = option.oneOf('read_uncommitted', 'read_committed')

/** @throws `INVALID_ARGUMENT` unless `topic` is a text that is not empty */
export function checkTopic(topic: unknown): string {
  return name.check(topic, 'topic')
}

/** The error that a call ends with when its signal was aborted. */
export function abortedError(what: string, aborted: AbortSignal): VarveError {
  return new VarveError('ABORTED', `${what} was aborted by its signal.`, { cause: aborted.reason })
}

/** The error of a call on something that is closed. */
export function closedError(what: string): VarveError {
  return new VarveError('CLOSED', `The ${what} is closed; make a new one.`)
}
