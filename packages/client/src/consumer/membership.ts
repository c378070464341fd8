import { isVarveError, sleep, type Timer } from '@varve/platform'
import type { JoinGroupResponse, TopicPartition } from '@varve/engine'
import type { ClientContext } from '../context.ts'
import { backoffMs, isRetriable } from '../retry.ts'
import { assign, assignedPartitions, PROTOCOL, subscription } from './group-protocol.ts'

export interface MembershipOptions {
  readonly group: string
  readonly topics: readonly string[]
  readonly clientId: string
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  /** The group has begun a new generation, has lost this member, or is out of reach: look at `state` and `error`. */
  readonly onChange: () => void
}

/** What a member is given in one generation. */
export interface GroupAssignment {
  readonly generation: number
  readonly partitions: readonly TopicPartition[]
  /** Nobody else can have owned this member's partitions since its last assignment. */
  readonly continuous: boolean
}

/**
 * `stable`: heartbeats say all is well. `rebalancing`: join again, the partitions are still this member's. `lost`: join
 * again, they may be another's already.
 */
export type MembershipState = 'new' | 'stable' | 'rebalancing' | 'lost'

/** A group that is in motion is joined again at once, but not for ever. */
const REJOINS_AT_ONCE = 5
const REJOIN = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'] as const

/** One member of a group: joins, syncs, beats and leaves. Heartbeats go on whatever the consumer's handler does. */
export class Membership {
  state: MembershipState = 'new'
  /** What heartbeats have failed with for good. */
  error: unknown
  memberId = ''
  generation = -1
  readonly #context: ClientContext
  readonly #options: MembershipOptions
  /** An embedded member lives with its object: this is its life. */
  readonly #life = new AbortController()
  #heartbeat: Timer | undefined
  #joining = false
  /** The generation that this member had its partitions in; one that it missed may have given them to others. */
  #synced = -1

  constructor(context: ClientContext, options: MembershipOptions) {
    this.#context = context
    this.#options = options
  }

  get signal(): AbortSignal {
    return this.#life.signal
  }

  /** Joins until a generation has formed. Rejects with `ABORTED` after `abort()`. */
  async join(): Promise<GroupAssignment> {
    this.#joining = true
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#joinOnce()
        } catch (error) {
          if (this.#life.signal.aborted) throw error
          const again = isVarveError(error, ...REJOIN)
          if (again) this.demote(error.code)
          else if (!isRetriable(error)) throw error
          const wait = again && attempt <= REJOINS_AT_ONCE ? 0 : backoffMs(attempt, this.#context.random)
          if (wait > 0) await sleep(this.#context.clock, wait, { signal: this.#life.signal })
        }
      }
    } finally {
      this.#joining = false
    }
  }

  async #joinOnce(): Promise<GroupAssignment> {
    const owner = this.state === 'lost' ? '' : this.memberId
    const joined = await this.#join()
    this.memberId = joined.memberId
    this.generation = joined.generation
    const partitions = await this.#sync(joined)
    const continuous = owner === joined.memberId && this.#synced + 1 === joined.generation
    this.#synced = joined.generation
    this.state = 'stable'
    this.#beat()
    return { generation: joined.generation, partitions, continuous }
  }

  /** What an answer of the group means for this member. */
  demote(code: string): void {
    if (code === 'REBALANCE_IN_PROGRESS') {
      if (this.state === 'stable') this.state = 'rebalancing'
    } else {
      this.state = 'lost'
      if (code === 'UNKNOWN_MEMBER_ID') this.memberId = ''
    }
  }

  /** Leaves the group; its partitions go to the others at once. */
  async leave(): Promise<void> {
    this.#heartbeat?.cancel()
    const { memberId } = this
    try {
      if (memberId === '') return
      this.memberId = ''
      await this.#context.broker.leaveGroup({ group: this.#options.group, memberId })
    } catch (error) {
      if (!isVarveError(error, 'UNKNOWN_MEMBER_ID', 'CLOSED')) throw error
    } finally {
      this.abort() // a heartbeat that was on its way may have set the next one
    }
  }

  /** Ends a `join` that waits. The member that it would have been is gone. */
  abortJoin(): void {
    if (this.#joining) this.abort()
  }

  abort(): void {
    this.#heartbeat?.cancel()
    this.#life.abort()
  }

  async #join(): Promise<JoinGroupResponse> {
    const { group, topics, clientId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const ask = (memberId: string): Promise<JoinGroupResponse> =>
      this.#context.broker.joinGroup({
        group,
        memberId,
        clientId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        protocolType: 'consumer',
        protocols: [{ name: PROTOCOL, metadata: subscription(topics) }],
        signal: this.#life.signal,
      })
    try {
      return await ask(this.memberId)
    } catch (error) {
      if (!isVarveError(error, 'MEMBER_ID_REQUIRED') || error.context.member === undefined) throw error
      this.memberId = error.context.member
      return ask(this.memberId)
    }
  }

  async #sync(joined: JoinGroupResponse): Promise<readonly TopicPartition[]> {
    const { group } = this.#options
    const { memberId, generation } = joined
    const leads = joined.leader === memberId
    const assignments = leads ? await assign(joined.members, topic => this.#partitionsOf(topic)) : []
    const synced = await this.#context.broker.syncGroup({ group, memberId, generation, assignments })
    return assignedPartitions(synced.assignment)
  }

  /** 0 for a topic that is not there: its subscribers get nothing of it. */
  async #partitionsOf(topic: string): Promise<number> {
    try {
      return (await this.#context.metadata.load(topic)).partitions
    } catch (error) {
      if (isVarveError(error, 'UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION')) return 0
      throw error
    }
  }

  #beat(): void {
    this.#heartbeat?.cancel()
    const { clock } = this.#context
    this.#heartbeat = clock.setTimer(this.#options.heartbeatIntervalMs, () => {
      void this.#sendHeartbeat()
    })
  }

  async #sendHeartbeat(): Promise<void> {
    const { memberId, generation } = this
    try {
      await this.#context.broker.heartbeat({ group: this.#options.group, memberId, generation })
    } catch (error) {
      if (this.#life.signal.aborted || generation !== this.generation) return
      if (isVarveError(error, ...REJOIN)) this.demote(error.code)
      else if (!isRetriable(error)) this.error = error
    }
    if (this.#life.signal.aborted || generation !== this.generation) return
    if (this.state !== 'stable' || this.error !== undefined) this.#options.onChange()
    // A member that waits for its handler before it joins again is alive, and says so.
    if (this.state !== 'lost' && this.error === undefined) this.#beat()
  }
}
