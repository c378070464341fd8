import { VarveError, type ErrorContext } from '@varve/platform'
import { errorByName } from '@varve/protocol'

/** An error with one of Kafka's codes, retriable as Kafka has it. */
export function kafkaError(code: string, message: string, context: ErrorContext = {}): VarveError {
  return new VarveError(code, message, { context, retriable: errorByName(code)?.retriable ?? false })
}

export function unknownMember(group: string, member: string): VarveError {
  return kafkaError(
    'UNKNOWN_MEMBER_ID',
    `The group '${group}' has no member '${member}' (any more); join it again.`,
    {
      group,
      member,
    },
  )
}

export function illegalGeneration(group: string, wanted: number, found: number): VarveError {
  return kafkaError(
    'ILLEGAL_GENERATION',
    `The group '${group}' is at generation ${wanted}, and this call is of generation ${found}; join it again.`,
    { group, wanted, found },
  )
}

export function rebalanceInProgress(group: string): VarveError {
  return kafkaError(
    'REBALANCE_IN_PROGRESS',
    `The group '${group}' shares its partitions out anew; join it again.`,
    { group },
  )
}

export function closedError(): VarveError {
  return new VarveError('CLOSED', 'The broker is closed; open it again to use its groups.')
}

export function abortedMember(group: string, member: string): VarveError {
  return new VarveError(
    'ABORTED',
    `The member '${member}' left the group '${group}': its signal was aborted.`,
    {
      context: { group, member },
    },
  )
}
