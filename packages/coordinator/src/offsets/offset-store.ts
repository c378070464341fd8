import { ZERO_UUID, type GroupRecordInput } from '@varve/protocol'

/** What a group has committed for one partition. */
export interface StoredOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestamp: number
  /** Of the topic that was committed to; the zero id in records of older brokers. */
  readonly topicId: string
}

export interface OffsetKey {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

/** The committed offsets by group, topic and partition. Only replayed records change it. */
export class OffsetStore {
  readonly #groups = new Map<string, Map<string, Map<number, StoredOffset>>>()

  /** A tombstone is `undefined`. */
  replay({ group, topic, partition }: OffsetKey, value: StoredOffset | undefined): void {
    const topics = this.#groups.get(group) ?? new Map<string, Map<number, StoredOffset>>()
    const partitions = topics.get(topic) ?? new Map<number, StoredOffset>()
    if (value === undefined) partitions.delete(partition)
    else partitions.set(partition, value)
    if (partitions.size > 0) topics.set(topic, partitions)
    else topics.delete(topic)
    if (topics.size > 0) this.#groups.set(group, topics)
    else this.#groups.delete(group)
  }

  get groups(): Iterable<string> {
    return this.#groups.keys()
  }

  has(group: string): boolean {
    return this.#groups.has(group)
  }

  get({ group, topic, partition }: OffsetKey): StoredOffset | undefined {
    return this.#groups.get(group)?.get(topic)?.get(partition)
  }

  /** All of a group, by topic and partition. */
  *of(group: string): Generator<OffsetKey & StoredOffset> {
    for (const [topic, partitions] of this.#groups.get(group) ?? [])
      for (const [partition, stored] of partitions) yield { group, topic, partition, ...stored }
  }

  /** Tombstones for all that was committed for topics that are gone, by group. */
  tombstones(
    isGone: (topic: string, topicId: string | undefined) => boolean,
  ): Map<string, GroupRecordInput[]> {
    const byGroup = new Map<string, GroupRecordInput[]>()
    for (const group of this.#groups.keys()) {
      const records: GroupRecordInput[] = []
      for (const { topic, partition, topicId } of this.of(group)) {
        if (!isGone(topic, topicId === ZERO_UUID ? undefined : topicId)) continue
        records.push({ name: 'OffsetCommit', key: { group, topic, partition }, value: null })
      }
      if (records.length > 0) byGroup.set(group, records)
    }
    return byGroup
  }
}
