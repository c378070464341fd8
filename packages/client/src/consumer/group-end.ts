import type { Isolation, TopicPartition } from '@varve/engine'
import type { ClientContext } from '../context.ts'
import { boundsOf, type PartitionBounds } from '../reader/resolve.ts'

/**
 * Where a group's partitions ended when a consumer with `untilEnd` began, whoever had them. A member whose own share is
 * read has to stay: another one may leave, and somebody must read the rest.
 */
export class GroupEnd {
  readonly #context: ClientContext
  readonly #group: string
  readonly #ends: readonly PartitionBounds[]

  private constructor(context: ClientContext, group: string, ends: readonly PartitionBounds[]) {
    this.#context = context
    this.#group = group
    this.#ends = ends
  }

  static async of(
    context: ClientContext,
    options: { group: string; topics: readonly string[]; isolation: Isolation },
  ): Promise<GroupEnd> {
    const partitions: TopicPartition[] = []
    for (const topic of options.topics) {
      const info = await context.metadata.get(topic)
      for (let partition = 0; partition < info.partitions; partition++) partitions.push({ topic, partition })
    }
    return new GroupEnd(context, options.group, await boundsOf(context, partitions, options.isolation))
  }

  /** `undefined` for a partition that was not there. */
  endOf({ topic, partition }: TopicPartition): number | undefined {
    return this.#ends.find(one => one.topic === topic && one.partition === partition)?.highWatermark
  }

  /** Whether the group has committed everything outside of `own`. */
  async reachedBeside(own: readonly TopicPartition[]): Promise<boolean> {
    const others = this.#ends.filter(
      end =>
        end.highWatermark > 0 && !own.some(one => one.topic === end.topic && one.partition === end.partition),
    )
    if (others.length === 0) return true
    const committed = await this.#context.broker.fetchOffsets({
      group: this.#group,
      partitions: others.map(({ topic, partition }) => ({ topic, partition })),
    })
    return others.every(end =>
      committed.some(
        one => one.topic === end.topic && one.partition === end.partition && one.offset >= end.highWatermark,
      ),
    )
  }
}
