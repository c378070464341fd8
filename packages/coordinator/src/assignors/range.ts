/** One member of a group as its leader sees it. */
export interface SubscribedMember {
  readonly memberId: string
  readonly topics: readonly string[]
  /** Static members come first, in the order of this name. */
  readonly instanceId?: string | null
}

export interface AssignedPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/**
 * Kafka's range assignment (`RangeAssignor`, without racks): per topic the subscribed members in order of their ids get
 * contiguous ranges, the first ones one partition more where it does not come out even. Topics without partitions are
 * left out. Every member has an entry in the answer, its topics in order of their names.
 *
 * @param partitions how many partitions each topic has
 */
export function assignRange(
  members: readonly SubscribedMember[],
  partitions: ReadonlyMap<string, number>,
): Map<string, AssignedPartitions[]> {
  const assigned = new Map<string, AssignedPartitions[]>()
  const byTopic = new Map<string, SubscribedMember[]>()
  for (const member of members) {
    assigned.set(member.memberId, [])
    for (const topic of new Set(member.topics)) {
      const subscribed = byTopic.get(topic)
      if (subscribed === undefined) byTopic.set(topic, [member])
      else subscribed.push(member)
    }
  }
  for (const topic of [...byTopic.keys()].sort(compareText)) {
    const subscribed = (byTopic.get(topic) ?? []).sort(compareMembers)
    assignTopic(topic, partitions.get(topic) ?? 0, subscribed, assigned)
  }
  return assigned
}

function assignTopic(
  topic: string,
  count: number,
  subscribed: readonly SubscribedMember[],
  assigned: Map<string, AssignedPartitions[]>,
): void {
  const share = Math.floor(count / subscribed.length)
  const withOneMore = count % subscribed.length
  let next = 0
  for (const [index, member] of subscribed.entries()) {
    const size = share + (index < withOneMore ? 1 : 0)
    const first = next
    next += size
    if (size === 0) continue
    const range = Array.from({ length: size }, (_, at) => first + at)
    assigned.get(member.memberId)?.push({ topic, partitions: range })
  }
}

/** Java's order of strings: by UTF-16 code units. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function compareMembers(a: SubscribedMember, b: SubscribedMember): number {
  const ofA = a.instanceId ?? null
  const ofB = b.instanceId ?? null
  if (ofA !== null && ofB !== null) return compareText(ofA, ofB)
  if (ofA !== null) return -1
  if (ofB !== null) return 1
  return compareText(a.memberId, b.memberId)
}
