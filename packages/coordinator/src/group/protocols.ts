import { kafkaError } from '../errors.ts'
import type { GroupMember } from './member.ts'
import type { JoinRequest } from './requests.ts'

/** The names that every one of `members` offers. */
function commonProtocols(members: Iterable<GroupMember>): Set<string> {
  let common: Set<string> | undefined
  for (const { protocols } of members) {
    const own = new Set(protocols.map(({ name }) => name))
    common = common === undefined ? own : new Set([...common].filter(name => own.has(name)))
  }
  return common ?? new Set()
}

/**
 * Whether a member that asks for this could be in one group with `others`.
 *
 * @throws `INCONSISTENT_GROUP_PROTOCOL`
 */
export function checkProtocols(
  request: JoinRequest,
  others: readonly GroupMember[],
  protocolType: string,
): void {
  const names = request.protocols.map(({ name }) => name)
  const common = commonProtocols(others)
  const sameType = others.length === 0 || protocolType === request.protocolType
  const fits = others.length === 0 ? names.length > 0 : names.some(name => common.has(name))
  if (sameType && fits && request.protocolType !== '') return
  throw kafkaError(
    'INCONSISTENT_GROUP_PROTOCOL',
    `The members of the group '${request.group}' have no assignor in common with '${names.join(', ')}'; give all the same.`,
    { group: request.group, found: names },
  )
}

/** Kafka's election: each member votes for the first of its protocols that all have; the first with most votes wins. */
export function selectProtocol(members: Iterable<GroupMember>): string {
  const list = [...members]
  const common = commonProtocols(list)
  const votes = new Map<string, number>()
  for (const { protocols } of list) {
    const vote = protocols.find(({ name }) => common.has(name))?.name
    if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1)
  }
  let best = ''
  let most = 0
  for (const [name, count] of votes) {
    if (count <= most) continue
    best = name
    most = count
  }
  return best
}
