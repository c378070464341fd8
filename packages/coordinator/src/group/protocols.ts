import type { GroupMember } from './member.ts'
import type { GroupProtocol } from './requests.ts'

/** The names that every one of `members` offers. */
export function commonProtocols(members: Iterable<GroupMember>): Set<string> {
  let common: Set<string> | undefined
  for (const { protocols } of members) {
    const own = new Set(protocols.map(({ name }) => name))
    common = common === undefined ? own : new Set([...common].filter(name => own.has(name)))
  }
  return common ?? new Set()
}

/** Whether a member that offers `protocols` could be in one group with `others`. */
export function fitsWith(protocols: readonly GroupProtocol[], others: readonly GroupMember[]): boolean {
  if (protocols.length === 0) return false
  if (others.length === 0) return true
  const common = commonProtocols(others)
  return protocols.some(({ name }) => common.has(name))
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
