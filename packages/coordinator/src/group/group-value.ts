import type { GroupMetadataValue } from '@varve/protocol'
import type { JoinResponse } from './requests.ts'
import { EMBEDDED_HOST, GroupMember } from './member.ts'

/** What of a group is written: everything but `Empty` and `Stable` is soft. */
export interface WrittenGroup {
  readonly protocolType: string
  readonly generation: number
  readonly protocol: string | null
  readonly leader: string | null
  readonly members: ReadonlyMap<string, GroupMember>
}

/** The group as a GroupMetadata record. A member without a share gets an empty one, as in Kafka. */
export function groupValue(
  group: WrittenGroup,
  now: number,
  shares: ReadonlyMap<string, Buffer> = new Map(),
): GroupMetadataValue {
  const protocol = group.protocol ?? ''
  return {
    protocolType: group.protocolType,
    generation: group.generation,
    protocol: group.protocol,
    leader: group.leader,
    currentStateTimestamp: now,
    members: [...group.members.values()].map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.metadataFor(protocol),
      assignment: shares.get(member.memberId) ?? Buffer.alloc(0),
    })),
  }
}

/** The members of a record. Embedded ones are not brought back: they died with their process. */
export function membersOf(value: GroupMetadataValue): GroupMember[] {
  return value.members
    .filter(({ clientHost }) => clientHost !== EMBEDDED_HOST)
    .map(saved => {
      const member = new GroupMember({
        memberId: saved.memberId,
        instanceId: saved.groupInstanceId,
        clientId: saved.clientId,
        clientHost: saved.clientHost,
        sessionTimeoutMs: saved.sessionTimeout,
        rebalanceTimeoutMs: saved.rebalanceTimeout < 0 ? saved.sessionTimeout : saved.rebalanceTimeout,
        protocols: [{ name: value.protocol ?? '', metadata: Buffer.from(saved.subscription) }],
      })
      member.assignment = Buffer.from(saved.assignment)
      member.synced = true
      return member
    })
}

/** What a member learns when the barrier falls: the leader about everyone, the others about the leader. */
export function joinResponse(group: WrittenGroup, { memberId }: GroupMember): JoinResponse {
  const protocol = group.protocol ?? ''
  const all = memberId === group.leader ? [...group.members.values()] : []
  return {
    memberId,
    generation: group.generation,
    protocol,
    leader: group.leader ?? '',
    members: all.map(one => ({ memberId: one.memberId, metadata: one.metadataFor(protocol) })),
  }
}
