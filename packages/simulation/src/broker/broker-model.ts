import type { SeededRandom } from '@varve/platform'
import { ModelLog, require } from '@varve/testkit'

const TOPICS = ['orders', 'clicks', 'trips']
const GROUPS = ['readers', 'writers']

/** What must be true of one topic. */
export interface ModelTopic {
  readonly topic: string
  readonly config: Readonly<Record<string, string>>
  readonly partitions: readonly ModelLog[]
  /** Undefined until a broker said it. */
  topicId: string | undefined
  state: 'creating' | 'live' | 'deleting'
}

/** What a group committed for one partition. One commit at a time is under way. */
export interface ModelCommit {
  readonly group: string
  readonly topic: ModelTopic
  readonly partition: number
  acknowledged: number
  /** The offset of a commit without an answer; -1 for none. */
  underWay: number
}

/** What must be true of a broker: topics, their records, the offsets that groups committed. */
export class BrokerModel {
  readonly #random: SeededRandom
  readonly #topics = new Map<string, ModelTopic>()
  readonly commits: ModelCommit[] = []
  #uids = 1

  constructor(random: SeededRandom) {
    this.#random = random
  }

  get topics(): ModelTopic[] {
    return [...this.#topics.values()]
  }

  get live(): ModelTopic[] {
    return this.topics.filter(({ state }) => state === 'live')
  }

  /** A topic that is not there yet, if any is left. */
  create(): ModelTopic | undefined {
    const free = TOPICS.filter(topic => !this.#topics.has(topic))
    if (free.length === 0) return undefined
    const topic = this.#random.pick(free)
    const durable = this.#random.chance(75)
    const partitions = Array.from({ length: 1 + this.#random.int(3) }, (_, partition) => {
      return new ModelLog({ uid: this.#uids++, topic, partition, topicId: '', durable })
    })
    const config = durable ? {} : { 'flush.messages': '9223372036854775807' }
    const made: ModelTopic = { topic, config, partitions, topicId: undefined, state: 'creating' }
    this.#topics.set(topic, made)
    return made
  }

  gone(topic: ModelTopic): void {
    if (this.#topics.get(topic.topic) === topic) this.#topics.delete(topic.topic)
    this.commits.splice(0, Infinity, ...this.commits.filter(commit => commit.topic !== topic))
  }

  /** A commit that may be made now, further on than the last one. */
  commit(): ModelCommit | undefined {
    const { live } = this
    if (live.length === 0) return undefined
    const group = this.#random.pick(GROUPS)
    const topic = this.#random.pick(live)
    const partition = this.#random.int(topic.partitions.length)
    let commit = this.commits.find(
      one => one.group === group && one.topic === topic && one.partition === partition,
    )
    if (commit === undefined) {
      commit = { group, topic, partition, acknowledged: -1, underWay: -1 }
      this.commits.push(commit)
    }
    if (commit.underWay >= 0) return undefined
    commit.underWay = commit.acknowledged + 1 + this.#random.int(5)
    return commit
  }

  /** What a reopened broker says is what was acknowledged, or what was under way. */
  checkCommit(commit: ModelCommit, found: number): void {
    const { group, topic, partition, acknowledged, underWay } = commit
    require(found === acknowledged || found === underWay, () =>
      `${group} committed ${acknowledged} of ${topic.topic}-${partition} (under way: ${underWay}), and ${found} is there`)
    commit.acknowledged = found
    commit.underWay = -1
  }
}
