import { limits, type Clock, type Random } from '@varve/platform'
import {
  readGroupRecord,
  writeGroupRecord,
  ZERO_UUID,
  type GroupMetadataValue,
  type RecordBytes,
} from '@varve/protocol'
import { closedError, illegalGeneration, kafkaError, unknownMember } from './errors.ts'
import { ClassicGroup } from './group/classic-group.ts'
import { ModernGroups } from './group/modern-groups.ts'
import type {
  GroupState,
  JoinRequest,
  JoinResponse,
  MemberRequest,
  SyncRequest,
  SyncResponse,
} from './group/requests.ts'
import { KeysUnderWay } from './offsets/keys-under-way.ts'
import { OffsetStore, type OffsetKey, type StoredOffset } from './offsets/offset-store.ts'
import { PendingTransactions } from './offsets/pending-transactions.ts'

export interface GroupCoordinatorOptions {
  readonly clock: Clock
  readonly random: Random
  /**
   * Writes records of one group to `__consumer_offsets` and resolves when they are durable. Calls for one group
   * resolve in the order in which they were made.
   */
  readonly append: (group: string, records: readonly RecordBytes[]) => Promise<void>
  /** `group.initial.rebalance.delay.ms`. Default 0: in one process nobody is about to join over a network. */
  readonly initialRebalanceDelayMs?: number
  /** Only tells what the log says: another process owns it and judges the sessions. Default false. */
  readonly readOnly?: boolean
}

export interface CommitRequest extends MemberRequest {
  readonly offsets: readonly CommittedPartition[]
}

export interface CommittedPartition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch?: number
  readonly metadata?: string
  readonly topicId?: string
}

export interface GroupSummary {
  readonly group: string
  readonly state: GroupState
  readonly protocolType: string
}

export interface GroupDetails extends GroupSummary {
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly clientId: string
    readonly assignment: Buffer
  }[]
}

/** Kafka writes these versions in 4.3. */
const OFFSET_COMMIT_VERSION = 4
const GROUP_METADATA_VERSION = 3
/** `group.min.session.timeout.ms` and `group.max.session.timeout.ms`. */
const SESSION_MS_MIN = 6000
const SESSION_MS_MAX = 1_800_000

/**
 * All groups of a broker. An operation decides and writes records; `replay` alone changes what is stored, and is the
 * same for what a log holds at the start and for what was just written.
 */
export class GroupCoordinator {
  readonly offsets = new OffsetStore()
  readonly #options: GroupCoordinatorOptions
  readonly #written = new Map<string, GroupMetadataValue>()
  readonly #modern = new ModernGroups()
  readonly #pending = new PendingTransactions()
  readonly #groups = new Map<string, ClassicGroup>()
  readonly #underWay = new KeysUnderWay()
  #closed = false

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options
  }

  /** Takes over one record. What is not known here is skipped; it stays in the log. */
  replay(key: Buffer | null, value: Buffer | null): void {
    const record = readGroupRecord(key, value)
    if (!record.known || key === null) return
    if (record.name === 'OffsetCommit') {
      this.offsets.replay(record.key, record.value ?? undefined)
    } else if (record.name === 'LegacyOffsetCommit') {
      const stored =
        record.value === null ? undefined : { leaderEpoch: -1, topicId: ZERO_UUID, ...record.value }
      this.offsets.replay(record.key, stored)
    } else if (record.name === 'GroupMetadata') {
      this.#replayGroup(record.key.group, record.value)
    } else {
      this.#modern.replay(record, key, value)
    }
  }

  /** A record that a transaction wrote: it counts when the transaction's marker says so. */
  replayTransactional(producerId: number, key: Buffer | null, value: Buffer | null): void {
    this.#pending.add(producerId, { key, value })
  }

  replayMarker(producerId: number, commits: boolean): void {
    const records = this.#pending.take(producerId)
    if (commits) for (const { key, value } of records) this.replay(key, value)
  }

  /** All records are in: the sessions of members that lived on without this broker begin anew. */
  start(): void {
    for (const [group, { members }] of this.#written) if (members.length > 0) this.#group(group)
  }

  join(request: JoinRequest): Promise<JoinResponse> {
    this.#check(request.group)
    const { sessionTimeoutMs } = request
    if (
      request.signal === undefined &&
      !(sessionTimeoutMs >= SESSION_MS_MIN && sessionTimeoutMs <= SESSION_MS_MAX)
    ) {
      throw kafkaError(
        'INVALID_SESSION_TIMEOUT',
        `The session time-out must be from ${SESSION_MS_MIN} to ${SESSION_MS_MAX} ms, found ${sessionTimeoutMs}.`,
        { group: request.group, min: SESSION_MS_MIN, max: SESSION_MS_MAX, found: sessionTimeoutMs },
      )
    }
    if (this.#modern.hasMembers(request.group)) {
      throw kafkaError(
        'INCONSISTENT_GROUP_PROTOCOL',
        `The group '${request.group}' has members of the newer consumer protocol; wait until they are gone.`,
        { group: request.group },
      )
    }
    const group = this.#group(request.group)
    try {
      return group.join(request)
    } catch (error) {
      // A group that nobody was let into was never there.
      if (group.generation === 0 && group.members.size === 0) this.#groups.delete(request.group)
      throw error
    }
  }

  sync(request: SyncRequest): Promise<SyncResponse> {
    return this.#known(request).sync(request)
  }

  heartbeat(request: MemberRequest): void {
    this.#known(request).heartbeat(request)
  }

  leave({ group, memberId }: { group: string; memberId: string }): void {
    this.#known({ group, memberId, generation: -1 }).leave(memberId)
  }

  /**
   * Stores offsets; durable and visible when it resolves.
   *
   * @throws `UNKNOWN_MEMBER_ID`, `ILLEGAL_GENERATION`, `REBALANCE_IN_PROGRESS`, and what writing throws
   */
  async commit(request: CommitRequest): Promise<void> {
    const { group, generation } = request
    this.#check(group)
    const live = this.#groups.get(group) ?? (this.#written.has(group) ? this.#group(group) : undefined)
    if (live !== undefined) live.checkCommit(request)
    else if (generation >= 0) throw illegalGeneration(group, -1, generation)
    else if (this.#modern.hasMembers(group)) throw unknownMember(group, request.memberId)
    if (request.offsets.length === 0) return
    const commitTimestamp = this.#options.clock.now()
    const records = request.offsets.map(({ topic, partition, ...rest }) =>
      writeGroupRecord({
        name: 'OffsetCommit',
        key: { group, topic, partition },
        version: OFFSET_COMMIT_VERSION,
        value: {
          offset: rest.offset,
          leaderEpoch: rest.leaderEpoch ?? -1,
          metadata: rest.metadata ?? '',
          commitTimestamp,
          topicId: rest.topicId ?? ZERO_UUID,
        },
      }),
    )
    await this.#write(group, records)
  }

  committed(key: OffsetKey): StoredOffset | undefined {
    return this.offsets.get(key)
  }

  /** Removes what was committed for topics that are gone; resolves when that is durable. */
  async dropTopics(isGone: (topic: string, topicId: string | undefined) => boolean): Promise<void> {
    const writes = [...this.offsets.tombstones(isGone)].map(([group, tombstones]) => {
      const records = tombstones.map(writeGroupRecord)
      // Behind a commit on its way, perhaps to a new topic of the same name, a tombstone would take that away.
      return this.#write(
        group,
        records.filter(record => !this.#underWay.has(record)),
      )
    })
    await Promise.all(writes)
  }

  list(): GroupSummary[] {
    const names = new Set([
      ...this.#written.keys(),
      ...this.#groups.keys(),
      ...this.offsets.groups,
      ...this.#modern.groups,
    ])
    return [...names].sort().map(group => this.#summary(group))
  }

  /** `undefined` for a group that nobody has heard of. */
  describe(group: string): GroupDetails | undefined {
    const live = this.#groups.get(group) ?? (this.#written.has(group) ? this.#group(group) : undefined)
    if (live === undefined && !this.offsets.has(group) && !this.#modern.has(group)) return undefined
    const members = [...(live?.members.values() ?? [])]
    return {
      ...this.#summary(group),
      protocol: live?.protocol ?? '',
      members: members.map(({ memberId, clientId, assignment }) => ({ memberId, clientId, assignment })),
    }
  }

  /** Wakes everyone who waits with `CLOSED`; resolves when the groups of embedded members are written as empty. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled([...this.#groups.values()].map(group => group.close()))
  }

  #summary(group: string): GroupSummary {
    const live = this.#groups.get(group)
    const modern = this.#modern.has(group)
    return {
      group,
      state: live?.state ?? (this.#modern.hasMembers(group) ? 'Stable' : 'Empty'),
      protocolType:
        live?.protocolType ?? this.#written.get(group)?.protocolType ?? (modern ? 'consumer' : ''),
    }
  }

  #replayGroup(group: string, value: GroupMetadataValue | null): void {
    if (value === null) {
      this.#written.delete(group)
      return
    }
    // Copied: the bytes are views of what was read, which may be a whole fetch.
    const members = value.members.map(member => ({
      ...member,
      subscription: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    }))
    this.#written.set(group, { ...value, members })
    this.#groups.get(group)?.confirm(value)
  }

  #check(group: unknown): void {
    if (this.#closed) throw closedError()
    const max = limits.groupIdCharactersMax.value
    if (typeof group === 'string' && group.length > 0 && group.length <= max) return
    throw kafkaError(
      'INVALID_GROUP_ID',
      `A group's name has 1 to ${max} characters, found '${String(group).slice(0, 80)}'.`,
      { field: 'group', max },
    )
  }

  #known(request: MemberRequest): ClassicGroup {
    this.#check(request.group)
    const group = this.#groups.get(request.group)
    if (group === undefined && !this.#written.has(request.group))
      throw unknownMember(request.group, request.memberId)
    return group ?? this.#group(request.group)
  }

  #group(group: string): ClassicGroup {
    const found = this.#groups.get(group)
    if (found !== undefined) return found
    const made = new ClassicGroup(group, {
      clock: this.#options.clock,
      random: this.#options.random,
      initialRebalanceDelayMs: this.#options.initialRebalanceDelayMs ?? 0,
      judgesSessions: this.#options.readOnly !== true,
      persist: (name, value) => this.#persist(name, value),
    })
    const written = this.#written.get(group)
    if (written !== undefined) made.restore(written)
    this.#groups.set(group, made)
    return made
  }

  #persist(group: string, value: GroupMetadataValue): Promise<void> {
    const record = writeGroupRecord({
      name: 'GroupMetadata',
      key: { group },
      version: GROUP_METADATA_VERSION,
      value,
    })
    return this.#write(group, [...this.#modern.tombstones(group), record])
  }

  async #write(group: string, records: readonly RecordBytes[]): Promise<void> {
    if (records.length === 0) return
    const written = this.#underWay.add(records)
    try {
      await this.#options.append(group, records)
      for (const { key, value } of records) this.replay(key, value)
    } finally {
      written()
    }
  }
}
