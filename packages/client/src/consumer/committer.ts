import { isVarveError } from '@varve/platform'
import type { ClientContext } from '../context.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { Membership } from './membership.ts'

/** What a commit takes: how far the loop bodies have come, or all that was handed out. */
export type CommitUpTo = 'handled' | 'delivered'

/** The offset that a partition's commit is to write. */
export interface OffsetToCommit<K, V> {
  readonly one: AssignedPartition<K, V>
  readonly offset: number
}

/** Writes the positions of partitions into the group, one commit after the other: a later one is never overtaken. */
export class Committer<K, V> {
  readonly #context: ClientContext
  readonly #group: string
  readonly #membership: Membership
  #last: Promise<void> = Promise.resolve()

  constructor(context: ClientContext, options: { group: string; membership: Membership }) {
    this.#context = context
    this.#group = options.group
    this.#membership = options.membership
  }

  /** Commits how far `partitions` are now: what is handed out while it waits is not part of it. See `commitOffsets`. */
  commit(partitions: readonly AssignedPartition<K, V>[], upTo: CommitUpTo): Promise<void> {
    return this.commitOffsets(partitions.map(one => ({ one, offset: one[upTo] })))
  }

  /**
   * Commits what is new among the offsets.
   *
   * @throws the first partition's error: `ILLEGAL_GENERATION` or `UNKNOWN_MEMBER_ID` when the partitions are
   *   another member's meanwhile, `UNKNOWN_TOPIC_ID` when the topic is gone
   */
  commitOffsets(wanted: readonly OffsetToCommit<K, V>[]): Promise<void> {
    const commit = this.#last.then(() => this.#commit(wanted))
    this.#last = commit.catch(() => undefined)
    return commit
  }

  async #commit(wanted: readonly OffsetToCommit<K, V>[]): Promise<void> {
    const fresh = wanted.filter(({ one, offset }) => one.owned && offset > Math.max(one.committed, 0))
    if (fresh.length === 0) return
    const offsets = fresh.map(({ one, offset }) => ({
      topic: one.topic,
      topicId: one.topicId,
      partition: one.partition,
      offset,
      leaderEpoch: one.leaderEpoch,
    }))
    const { memberId, generation } = this.#membership
    const results = await this.#context.broker
      .commitOffsets({ group: this.#group, memberId, generation, offsets })
      .catch((error: unknown) => {
        this.#tell(error)
        throw error
      })
    let failure: unknown
    for (const { one, offset } of fresh) {
      const result = results.find(
        ({ topic, partition }) => topic === one.topic && partition === one.partition,
      )
      if (result?.error === undefined) one.committed = Math.max(one.committed, offset)
      else failure ??= result.error
    }
    if (failure === undefined) return
    this.#tell(failure)
    throw failure as Error
  }

  #tell(error: unknown): void {
    if (isFenced(error)) this.#membership.demote(error.code)
  }
}

/** The group has gone on without this member, or is about to. */
export function isFenced(error: unknown): error is Error & { code: string } {
  return isVarveError(error, 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS')
}
