import type { Clock, Random, Timer } from '@varve/platform'
import { randomUuid, type GroupMetadataValue } from '@varve/protocol'
import {
  abortedMember,
  closedError,
  illegalGeneration,
  rebalanceInProgress,
  unknownMember,
} from '../errors.ts'
import { groupValue, joinResponse, membersOf } from './group-value.ts'
import { EMBEDDED_HOST, GroupMember, type Waiter } from './member.ts'
import { checkProtocols, selectProtocol } from './protocols.ts'
import type {
  GroupState,
  JoinRequest,
  JoinResponse,
  MemberRequest,
  SyncRequest,
  SyncResponse,
} from './requests.ts'
import { SessionTimers } from './session-timers.ts'

export interface ClassicGroupOptions {
  readonly clock: Clock
  readonly random: Random
  /** How long the first join of an empty group waits for others. */
  readonly initialRebalanceDelayMs: number
  /** Whether members that are silent for too long are put out. */
  readonly judgesSessions: boolean
  /** Writes what the group is now; resolves after it was replayed. */
  readonly persist: (group: string, value: GroupMetadataValue) => Promise<void>
}

/** Kafka's `DELAYED_JOIN` without a limit of its own: the longest rebalance time-out of the members. */
const REBALANCE_MS_MAX = 2 ** 31 - 1

/**
 * A group in Kafka's classic protocol: members join, the barrier closes when all have joined or the rebalance time-out
 * has passed, the leader's assignment is written, and everyone gets a share.
 *
 * Membership is soft, as in Kafka: only what `persist` wrote survives, and a group comes up again from that.
 */
export class ClassicGroup {
  readonly group: string
  state: GroupState = 'Empty'
  protocolType = ''
  generation = 0
  protocol: string | null = null
  leader: string | null = null
  readonly members = new Map<string, GroupMember>()
  readonly #options: ClassicGroupOptions
  readonly #sessions: SessionTimers
  /** The end of the wait for joins (PreparingRebalance) or for syncs (CompletingRebalance). */
  #deadline: Timer | undefined
  /** The barrier stays shut although all have joined: the first join of a group waits for others. */
  #inInitialDelay = false
  /** The generation whose assignment is being written. */
  #writing = -1

  constructor(group: string, options: ClassicGroupOptions) {
    this.group = group
    this.#options = options
    this.#sessions = new SessionTimers({
      clock: options.clock,
      judges: options.judgesSessions,
      expire: member => this.#remove(member, unknownMember(group, member.memberId)),
    })
  }

  /** Takes over what a log says. Embedded members are not brought back: they died with their process. */
  restore(value: GroupMetadataValue): void {
    this.protocolType = value.protocolType
    this.generation = value.generation
    for (const member of membersOf(value)) {
      this.members.set(member.memberId, member)
      this.#sessions.arm(member)
    }
    if (this.members.size === 0) return
    this.state = 'Stable'
    this.protocol = value.protocol
    const first = this.members.keys().next().value ?? null
    this.leader = value.leader !== null && this.members.has(value.leader) ? value.leader : first
  }

  join(request: JoinRequest): Promise<JoinResponse> {
    if (this.state === 'Dead') throw closedError()
    if (request.signal?.aborted === true) throw abortedMember(this.group, request.memberId)
    const member = request.memberId === '' ? undefined : this.members.get(request.memberId)
    if (request.memberId !== '' && member === undefined) throw unknownMember(this.group, request.memberId)
    const others = [...this.members.values()].filter(one => one !== member)
    checkProtocols(request, others, this.protocolType)
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject }
      if (member === undefined) this.#add(request, waiter)
      else this.#rejoin(member, request, waiter)
    })
  }

  async sync(request: SyncRequest): Promise<SyncResponse> {
    const member = this.#memberOf(request)
    this.#sessions.touch(member)
    if (this.state === 'PreparingRebalance') throw rebalanceInProgress(this.group)
    member.synced = true
    if (this.state === 'Stable') return { protocol: this.protocol ?? '', assignment: member.assignment }
    return new Promise((resolve, reject) => {
      member.syncing?.reject(rebalanceInProgress(this.group))
      member.syncing = { resolve, reject }
      if (member.memberId === this.leader) void this.#writeAssignment(request)
    })
  }

  heartbeat(request: MemberRequest): void {
    const member = this.#memberOf(request)
    this.#sessions.touch(member)
    if (this.state === 'PreparingRebalance') throw rebalanceInProgress(this.group)
  }

  leave(memberId: string): void {
    const member = this.members.get(memberId)
    if (member === undefined) throw unknownMember(this.group, memberId)
    this.#remove(member, unknownMember(this.group, memberId))
  }

  /** Kafka's `validateOffsetCommit`: whose commits are taken, and when. */
  checkCommit(request: MemberRequest): void {
    const { memberId, generation } = request
    if (this.state === 'Dead') throw closedError()
    if (generation < 0 && this.state === 'Empty') return
    if (generation < 0 && memberId === '') throw unknownMember(this.group, memberId)
    this.#sessions.touch(this.#memberOf(request))
    if (this.state === 'CompletingRebalance') throw rebalanceInProgress(this.group)
  }

  /** The log has it: what was decided in `sync` becomes the group's state, and everyone who waits gets a share. */
  confirm(value: GroupMetadataValue): void {
    if (this.state !== 'CompletingRebalance' || value.generation !== this.generation) return
    if (value.members.length === 0) return
    this.#deadline?.cancel()
    for (const { memberId, assignment } of value.members) {
      const member = this.members.get(memberId)
      if (member !== undefined) member.assignment = Buffer.from(assignment)
    }
    this.state = 'Stable'
    for (const member of this.members.values()) {
      const { syncing } = member
      member.syncing = undefined
      syncing?.resolve({ protocol: this.protocol ?? '', assignment: member.assignment })
    }
  }

  /** Wakes everyone with `CLOSED`. The embedded members are gone with it, and the log is told. */
  async close(): Promise<void> {
    if (this.state === 'Dead') return
    const had = this.state === 'Stable' && [...this.members.values()].some(member => member.embedded)
    this.#deadline?.cancel()
    for (const member of this.members.values()) {
      member.detach()
      member.fail(closedError())
      if (member.embedded) this.members.delete(member.memberId)
    }
    this.state = 'Dead'
    if (!had || this.members.size > 0) return
    this.generation = nextGeneration(this.generation)
    this.#forgetProtocol()
    await this.#options.persist(this.group, this.#value())
  }

  #add(request: JoinRequest, joining: Waiter<JoinResponse>): void {
    const clientId = request.clientId ?? 'consumer'
    const member = new GroupMember({
      memberId: `${clientId}-${randomUuid(count => this.#options.random.bytes(count))}`,
      clientId,
      clientHost: request.signal === undefined ? '/' : EMBEDDED_HOST,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      protocols: request.protocols,
    })
    member.joining = joining
    this.members.set(member.memberId, member)
    this.protocolType = request.protocolType
    this.leader ??= member.memberId
    this.#follow(member, request.signal)
    if (this.state === 'PreparingRebalance') this.#tryComplete()
    else this.#prepare()
  }

  #rejoin(member: GroupMember, request: JoinRequest, joining: Waiter<JoinResponse>): void {
    const changed = !member.hasSameProtocols(request.protocols)
    const settled = this.state === 'Stable' && member.memberId !== this.leader
    this.#follow(member, request.signal)
    if (!changed && (settled || this.state === 'CompletingRebalance')) {
      this.#sessions.touch(member)
      joining.resolve(joinResponse(this, member))
      return
    }
    member.protocols = request.protocols
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
    member.sessionTimeoutMs = request.sessionTimeoutMs
    member.joining?.reject(rebalanceInProgress(this.group))
    member.joining = joining
    this.#sessions.disarm(member)
    if (this.state === 'PreparingRebalance') this.#tryComplete()
    else this.#prepare()
  }

  /** Ties an embedded member to its signal. */
  #follow(member: GroupMember, signal: AbortSignal | undefined): void {
    member.unlisten?.()
    member.unlisten = undefined
    if (signal === undefined) return
    const leave = (): void => this.#remove(member, abortedMember(this.group, member.memberId))
    signal.addEventListener('abort', leave, { once: true })
    member.unlisten = () => {
      signal.removeEventListener('abort', leave)
    }
  }

  #remove(member: GroupMember, error: Error): void {
    if (this.members.get(member.memberId) !== member) return
    this.members.delete(member.memberId)
    member.detach()
    member.fail(error)
    if (this.leader === member.memberId) this.leader = this.members.keys().next().value ?? null
    if (this.state === 'PreparingRebalance') this.#tryComplete()
    else if (this.state === 'Stable' || this.state === 'CompletingRebalance') this.#prepare()
  }

  #prepare(): void {
    const { clock, initialRebalanceDelayMs } = this.#options
    const isFirst = this.state === 'Empty'
    for (const member of this.members.values()) {
      const { syncing } = member
      member.syncing = undefined
      member.synced = false
      syncing?.reject(rebalanceInProgress(this.group))
    }
    this.state = 'PreparingRebalance'
    this.#deadline?.cancel()
    this.#inInitialDelay = isFirst && initialRebalanceDelayMs > 0
    const wait = this.#inInitialDelay ? initialRebalanceDelayMs : this.#rebalanceTimeoutMs()
    this.#deadline = clock.setTimer(wait, () => this.#complete(), { unref: true })
    this.#tryComplete()
  }

  #rebalanceTimeoutMs(): number {
    let longest = 0
    for (const { rebalanceTimeoutMs } of this.members.values())
      longest = Math.max(longest, rebalanceTimeoutMs)
    return Math.min(longest, REBALANCE_MS_MAX)
  }

  #tryComplete(): void {
    if (this.members.size > 0) {
      if (this.#inInitialDelay) return
      for (const { joining } of this.members.values()) if (joining === undefined) return
    }
    this.#complete()
  }

  /** The barrier falls: who has not joined is out, and the generation begins. */
  #complete(): void {
    if (this.state !== 'PreparingRebalance') return
    this.#deadline?.cancel()
    this.#inInitialDelay = false
    for (const member of [...this.members.values()]) {
      if (member.joining !== undefined) continue
      this.members.delete(member.memberId)
      member.detach()
    }
    this.generation = nextGeneration(this.generation)
    if (this.members.size === 0) {
      this.#becomeEmpty()
      return
    }
    if (this.leader === null || !this.members.has(this.leader))
      this.leader = this.members.keys().next().value ?? null
    this.protocol = selectProtocol(this.members.values())
    this.state = 'CompletingRebalance'
    this.#deadline = this.#options.clock.setTimer(this.#rebalanceTimeoutMs(), () => this.#expireSyncs(), {
      unref: true,
    })
    for (const member of this.members.values()) {
      const { joining } = member
      member.joining = undefined
      this.#sessions.arm(member)
      joining?.resolve(joinResponse(this, member))
    }
  }

  #becomeEmpty(): void {
    this.state = 'Empty'
    this.#forgetProtocol()
    // Nobody waits for this record: if it is lost, the group comes up with members that time out.
    this.#options.persist(this.group, this.#value()).catch(() => undefined)
  }

  #forgetProtocol(): void {
    this.protocol = null
    this.leader = null
  }

  /** Members that joined and then never asked for their share hold the others up no longer. */
  #expireSyncs(): void {
    if (this.state !== 'CompletingRebalance') return
    // Found first: the first removal begins a rebalance, in which nobody has asked yet.
    const silent = [...this.members.values()].filter(({ synced }) => !synced)
    for (const member of silent) this.#remove(member, unknownMember(this.group, member.memberId))
  }

  async #writeAssignment(request: SyncRequest): Promise<void> {
    const { generation } = this
    if (this.#writing === generation) return
    this.#writing = generation
    try {
      const shares = new Map(request.assignments.map(one => [one.memberId, one.assignment]))
      await this.#options.persist(this.group, this.#value(shares))
    } catch (error) {
      if (this.#writing === generation) this.#writing = -1
      if (this.state !== 'CompletingRebalance' || this.generation !== generation) return
      for (const member of this.members.values()) member.fail(toError(error))
      this.#prepare()
    }
  }

  #value(shares?: ReadonlyMap<string, Buffer>): GroupMetadataValue {
    return groupValue(this, this.#options.clock.now(), shares)
  }

  #memberOf({ memberId, generation }: MemberRequest): GroupMember {
    if (this.state === 'Dead') throw closedError()
    const member = this.members.get(memberId)
    if (member === undefined) throw unknownMember(this.group, memberId)
    if (generation !== this.generation) throw illegalGeneration(this.group, this.generation, generation)
    return member
  }
}

function nextGeneration(generation: number): number {
  return generation >= 2 ** 31 - 1 ? 1 : generation + 1
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
