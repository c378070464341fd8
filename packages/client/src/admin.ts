import { checkOptions, isVarveError, option, optionError, VarveError } from '@varve/platform'
import type { GroupDescription, TopicMetadata } from '@varve/engine'
import type * as api from './api.ts'
import { assignedPartitions } from './consumer/group-protocol.ts'
import type { ClientContext } from './context.ts'
import { checkTopic, isolation, name } from './options.ts'
import { positionOf } from './position-option.ts'
import { boundsOf, resolvePosition } from './reader/resolve.ts'
import { configText } from './text/topic-config.ts'
import { unknownTopic } from './metadata.ts'

const CREATE_SCHEMA = {
  partitions: option.optional(option.integer({ min: 1 })),
  config: option.optional(
    option.field<Record<string, unknown>>(
      "an object such as { 'retention.ms': '7d' }",
      value => typeof value === 'object' && value !== null && !Array.isArray(value),
    ),
  ),
  ifNotExists: option.withDefault(option.boolean(), false),
}
const LIST_SCHEMA = { internal: option.withDefault(option.boolean(), false) }
const OFFSETS_SCHEMA = { isolation: option.withDefault(isolation, 'read_uncommitted') }

/** Topics and groups. */
export class BrokerAdmin implements api.Admin {
  readonly #context: ClientContext

  constructor(context: ClientContext) {
    this.#context = context
  }

  async createTopic(
    topic: string,
    given: Parameters<api.Admin['createTopic']>[1] = {},
  ): Promise<{ topic: string; topicId: string; partitions: number; created: boolean }> {
    if (typeof topic !== 'string') throw optionError('topic', 'a text', topic)
    const { partitions, config, ifNotExists } = checkOptions('createTopic', given, CREATE_SCHEMA)
    const texts = Object.entries(config ?? {}).map(([key, value]) => [key, configText(key, value)] as const)
    const [result] = await this.#context.broker.createTopics({
      topics: [
        {
          topic,
          ...(partitions === undefined ? {} : { partitions }),
          ...(config === undefined ? {} : { config: Object.fromEntries(texts) }),
        },
      ],
    })
    this.#context.metadata.forget(topic)
    if (result?.error === undefined) {
      const info = await this.#context.metadata.load(topic)
      return { topic, topicId: info.topicId, partitions: info.partitions, created: true }
    }
    if (!ifNotExists || !isVarveError(result.error, 'TOPIC_ALREADY_EXISTS')) throw result.error
    const info = await this.#context.metadata.load(topic)
    return { topic, topicId: info.topicId, partitions: info.partitions, created: false }
  }

  async deleteTopic(topic: string): Promise<void> {
    const [result] = await this.#context.broker.deleteTopics({ topics: [checkTopic(topic)] })
    this.#context.metadata.forget(topic)
    if (result?.error !== undefined) throw result.error
  }

  async listTopics(
    given: Parameters<api.Admin['listTopics']>[0] = {},
  ): Promise<{ topic: string; topicId: string; partitions: number; internal: boolean }[]> {
    const { internal } = checkOptions('listTopics', given, LIST_SCHEMA)
    const { topics } = await this.#context.broker.metadata({})
    return topics
      .filter(one => one.error === undefined && (internal || !one.internal))
      .map(one => ({
        topic: one.topic,
        topicId: one.topicId,
        partitions: one.partitions.length,
        internal: one.internal,
      }))
      .sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0))
  }

  async describeTopic(topic: string): Promise<api.TopicDescription> {
    const found = await this.#describe(checkTopic(topic))
    const wanted = found.partitions.map(({ partition }) => ({ topic, partition }))
    const [bounds, [configs]] = await Promise.all([
      boundsOf(this.#context, wanted, 'read_uncommitted'),
      this.#context.broker.describeConfigs({ topics: [topic] }),
    ])
    if (configs?.error !== undefined) throw configs.error
    return {
      topic,
      topicId: found.topicId,
      internal: found.internal,
      partitions: found.partitions.map(({ partition, leader, leaderEpoch }, index) => ({
        partition,
        leader,
        leaderEpoch,
        logStartOffset: bounds[index]?.logStartOffset ?? 0,
        highWatermark: bounds[index]?.highWatermark ?? 0,
      })),
      config: (configs?.entries ?? []).map(entry => ({
        name: entry.name,
        value: entry.value,
        source: entry.source,
      })),
    }
  }

  async offsets(
    topic: string,
    position: Parameters<api.Admin['offsets']>[1],
    given: Parameters<api.Admin['offsets']>[2] = {},
  ): Promise<{ partition: number; offset: number }[]> {
    const wanted = positionOf('position', position, this.#context.clock)
    const { isolation } = checkOptions('offsets', given, OFFSETS_SCHEMA)
    const info = await this.#context.metadata.load(checkTopic(topic))
    const all = Array.from({ length: info.partitions }, (_, partition) => ({ topic, partition }))
    const bounds = await boundsOf(this.#context, all, isolation)
    const resolved = await resolvePosition(this.#context, wanted, bounds, isolation)
    return resolved.map(({ partition, offset }) => ({ partition, offset }))
  }

  async listGroups(): Promise<{ group: string; state: string }[]> {
    const groups = await this.#context.broker.listGroups()
    return groups
      .map(({ group, state }) => ({ group, state }))
      .sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0))
  }

  async describeGroup(group: string): Promise<api.GroupDescription> {
    const [found] = await this.#context.broker.describeGroups({ groups: [name.check(group, 'group')] })
    const committed = await this.#context.broker.fetchOffsets({ group })
    if (found === undefined || (found.state === 'Dead' && committed.length === 0)) throw unknownGroup(group)
    if (found.error !== undefined) throw found.error
    return { group, state: found.state, members: membersOf(found), offsets: await this.#lags(committed) }
  }

  /** Lag of what was committed; a topic that is gone has no high watermark and is left out. */
  async #lags(
    committed: readonly { topic: string; partition: number; offset: number; metadata: string }[],
  ): Promise<api.GroupDescription['offsets']> {
    const lags: api.GroupDescription['offsets'] = []
    for (const { topic, partition, offset, metadata } of committed) {
      if (offset < 0) continue
      try {
        const [bounds] = await boundsOf(this.#context, [{ topic, partition }], 'read_uncommitted')
        const highWatermark = bounds?.highWatermark ?? offset
        lags.push({
          topic,
          partition,
          offset,
          metadata,
          highWatermark,
          lag: Math.max(0, highWatermark - offset),
        })
      } catch (error) {
        if (!isVarveError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
      }
    }
    return lags
  }

  async #describe(topic: string): Promise<TopicMetadata> {
    const { topics } = await this.#context.broker.metadata({ topics: [topic] })
    const found = topics.find(one => one.topic === topic)
    if (found === undefined || found.error?.code === 'UNKNOWN_TOPIC_OR_PARTITION') throw unknownTopic(topic)
    if (found.error !== undefined) throw found.error
    return found
  }
}

function membersOf(group: GroupDescription): api.GroupDescription['members'] {
  return group.members.map(({ memberId, clientId, assignment }) => ({
    memberId,
    clientId,
    // Groups of other kinds (Connect, say) have bytes of their own there.
    assignment: group.protocolType === 'consumer' ? assignedPartitions(assignment) : [],
  }))
}

function unknownGroup(group: string): VarveError {
  return new VarveError(
    'GROUP_ID_NOT_FOUND',
    `There is no group '${group}'; a group comes into being when its first consumer starts.`,
    { context: { group } },
  )
}
