import type { KnownGroupRecord, RecordBytes } from '@varve/protocol'

/**
 * The groups of protocols that are not built here (consumer, share, streams). Their records stay in the log as they
 * are; this only remembers which keys live, so that such a group can be told apart, and makes room for a classic one
 * when nobody is left in it, as Kafka does.
 */
export class ModernGroups {
  readonly #groups = new Map<string, Map<string, { readonly key: Buffer; readonly isMember: boolean }>>()

  replay(record: KnownGroupRecord, key: Buffer, value: Buffer | null): void {
    const fields: { groupId?: unknown; group?: unknown } = record.key
    const group = fields.groupId ?? fields.group
    if (typeof group !== 'string') return
    const keys = this.#groups.get(group) ?? new Map<string, { key: Buffer; isMember: boolean }>()
    const id = key.toString('latin1')
    if (value === null) keys.delete(id)
    else keys.set(id, { key: Buffer.from(key), isMember: record.name.endsWith('MemberMetadata') })
    if (keys.size > 0) this.#groups.set(group, keys)
    else this.#groups.delete(group)
  }

  get groups(): Iterable<string> {
    return this.#groups.keys()
  }

  has(group: string): boolean {
    return this.#groups.has(group)
  }

  hasMembers(group: string): boolean {
    return [...(this.#groups.get(group)?.values() ?? [])].some(({ isMember }) => isMember)
  }

  /** Ends the group: no two kinds of group may share a name. */
  tombstones(group: string): RecordBytes[] {
    return [...(this.#groups.get(group)?.values() ?? [])].map(({ key }) => ({ key, value: null }))
  }
}
