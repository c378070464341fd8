import { nearest, VarveError, type ErrorContext } from '@varve/platform'
import { errorByName } from '@varve/protocol'

/** An error with one of Kafka's codes, retriable as Kafka has it. */
export function kafkaError(
  code: string,
  message: string,
  context: ErrorContext = {},
  cause?: unknown,
): VarveError {
  return new VarveError(code, message, { context, retriable: errorByName(code)?.retriable ?? false, cause })
}

/** Names that are compared for a suggestion: an error must stay cheap among thousands of topics. */
const SUGGESTIONS_MAX = 500

/** @param known names to suggest one of */
export function unknownTopic(topic: string, known: Iterable<string> = []): VarveError {
  const near = nearest(topic, [...known].slice(0, SUGGESTIONS_MAX))
  const hint = near === undefined ? 'create it first' : `did you mean '${near}'?`
  return kafkaError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `There is no topic '${topic}': ${hint}${hint.endsWith('?') ? '' : '.'}`,
    { topic },
  )
}

export function unknownPartition(topic: string, partition: number, partitions: number): VarveError {
  return kafkaError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `The topic '${topic}' has no partition ${partition}: it has ${partitions}, counted from 0.`,
    { topic, partition, max: partitions - 1, found: partition },
  )
}

export function unknownTopicId(topic: string, wanted: string, found: string): VarveError {
  return kafkaError(
    'UNKNOWN_TOPIC_ID',
    `The topic '${topic}' is another one now: its id is ${wanted}, not ${found}; it was deleted and made anew.`,
    { topic, wanted, found },
  )
}

export function closedError(): VarveError {
  return new VarveError('CLOSED', 'The broker is closed; open it again.')
}

export function abortedError(signal: AbortSignal): VarveError {
  return new VarveError('ABORTED', 'The call was given up: its signal was aborted.', {
    cause: signal.reason,
  })
}

/** Anything thrown, as a `VarveError`; what has no code of its own becomes `UNKNOWN_SERVER_ERROR`. */
export function toVarveError(error: unknown): VarveError {
  if (error instanceof VarveError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && error.name === 'VarveError' && 'code' in error) return error as VarveError
  return new VarveError('UNKNOWN_SERVER_ERROR', `The broker failed in an unexpected way: ${message}`, {
    cause: error,
  })
}
