import type { KnownMetadataRecord, MetadataRecord } from '@varve/protocol'

type MessageOf<Name extends KnownMetadataRecord['name']> = Extract<
  KnownMetadataRecord,
  { name: Name }
>['message']

export type PartitionState = MessageOf<'PartitionRecord'>

/** One topic as the metadata log has it. */
export interface TopicImage {
  readonly name: string
  readonly topicId: string
  readonly partitions: ReadonlyMap<number, PartitionState>
}

/** Kafka's `ConfigResource.Type.TOPIC`. */
export const TOPIC_RESOURCE = 2
const NO_LEADER_CHANGE = -2
const NO_RECOVERY_CHANGE = -1

/** What the records of `__cluster_metadata` add up to. Only `replay` changes it. */
export class ClusterImage {
  readonly #topics = new Map<
    string,
    { name: string; topicId: string; partitions: Map<number, PartitionState> }
  >()
  readonly #names = new Map<string, string>()
  readonly #configs = new Map<string, Map<string, string>>()
  /** Finalized features by name, `metadata.version` among them. */
  readonly features = new Map<string, number>()
  /** The ids of topics that were removed, as far back as the log goes: their folders may go. */
  readonly removedTopics = new Set<string>()
  /** Whether a Kafka broker has registered here: its settings are not in the directory. */
  hadBroker = false
  /** How many records had a type or version that is not known. */
  unknownRecords = 0

  get topics(): ReadonlyMap<string, TopicImage> {
    return this.#topics
  }

  topic(name: string): TopicImage | undefined {
    return this.#topics.get(name)
  }

  topicById(topicId: string): TopicImage | undefined {
    const name = this.#names.get(topicId)
    return name === undefined ? undefined : this.#topics.get(name)
  }

  /** The settings that were given to a topic. */
  configOf(topic: string): ReadonlyMap<string, string> {
    return this.#configs.get(resourceKey(TOPIC_RESOURCE, topic)) ?? new Map<string, string>()
  }

  replay(record: MetadataRecord): void {
    if (!record.known) {
      this.unknownRecords++
      return
    }
    switch (record.name) {
      case 'TopicRecord': {
        const { name, topicId } = record.message
        this.#topics.set(name, { name, topicId, partitions: new Map() })
        this.#names.set(topicId, name)
        return
      }
      case 'PartitionRecord':
        return this.#setPartition(record.message)
      case 'PartitionChangeRecord':
        return this.#changePartition(record.message)
      case 'RemoveTopicRecord':
        return this.#removeTopic(record.message.topicId)
      case 'ConfigRecord':
        return this.#setConfig(record.message)
      case 'FeatureLevelRecord': {
        const { name, featureLevel } = record.message
        if (featureLevel === 0) this.features.delete(name)
        else this.features.set(name, featureLevel)
        return
      }
      case 'RegisterBrokerRecord':
        this.hadBroker = true
        return
      default:
        // Registrations, quotas, users, producer ids and the like: nothing here depends on them, and they stay in the log.
        return
    }
  }

  #setPartition(state: PartitionState): void {
    const name = this.#names.get(state.topicId)
    if (name !== undefined) this.#topics.get(name)?.partitions.set(state.partitionId, state)
  }

  /** Kafka's `PartitionRegistration.merge`: what is not in the record stays, and a named leader is a new epoch. */
  #changePartition(change: MessageOf<'PartitionChangeRecord'>): void {
    const name = this.#names.get(change.topicId)
    const partitions = name === undefined ? undefined : this.#topics.get(name)?.partitions
    const before = partitions?.get(change.partitionId)
    if (before === undefined) return
    const elects = change.leader !== NO_LEADER_CHANGE
    partitions?.set(change.partitionId, {
      ...before,
      isr: change.isr ?? before.isr,
      replicas: change.replicas ?? before.replicas,
      removingReplicas: change.removingReplicas ?? before.removingReplicas,
      addingReplicas: change.addingReplicas ?? before.addingReplicas,
      directories: change.directories ?? before.directories,
      eligibleLeaderReplicas: change.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
      lastKnownElr: change.lastKnownElr ?? before.lastKnownElr,
      leaderRecoveryState:
        change.leaderRecoveryState === NO_RECOVERY_CHANGE
          ? before.leaderRecoveryState
          : change.leaderRecoveryState,
      leader: elects ? change.leader : before.leader,
      leaderEpoch: before.leaderEpoch + (elects ? 1 : 0),
      partitionEpoch: before.partitionEpoch + 1,
    })
  }

  #removeTopic(topicId: string): void {
    const name = this.#names.get(topicId)
    this.removedTopics.add(topicId)
    if (name === undefined) return
    this.#names.delete(topicId)
    this.#topics.delete(name)
    this.#configs.delete(resourceKey(TOPIC_RESOURCE, name))
  }

  #setConfig({ resourceType, resourceName, name, value }: MessageOf<'ConfigRecord'>): void {
    const key = resourceKey(resourceType, resourceName)
    const config = this.#configs.get(key) ?? new Map<string, string>()
    if (value === null) config.delete(name)
    else config.set(name, value)
    this.#configs.set(key, config)
  }
}

function resourceKey(type: number, name: string): string {
  return `${type}/${name}`
}
