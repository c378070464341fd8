import { join } from 'node:path'
import { invariant } from '@varve/platform'
import type { LogDirectory } from '@varve/log'
import type { CheckedBrokerOptions } from '../broker-options.ts'
import type {
  CreateTopicResult,
  CreateTopicsRequest,
  NewTopic,
  TopicConfigResult,
  TopicMetadata,
  TopicResult,
} from '../broker.ts'
import { kafkaError, toVarveError } from '../errors.ts'
import type { MetadataLog } from '../metadata/metadata-log.ts'
import { checkTopicConfig, configEntries } from './topic-config.ts'
import { checkPartitionCount, TopicChanges } from './topic-changes.ts'
import { checkNewTopicName, isInternal, OFFSETS_TOPIC } from './topic-names.ts'
import type { Topics } from './topics.ts'

/** As Kafka makes `__consumer_offsets`. */
const OFFSETS_TOPIC_CONFIG = new Map([
  ['cleanup.policy', 'compact'],
  ['compression.type', 'producer'],
  ['segment.bytes', '104857600'],
])

export interface TopicAdminOptions extends CheckedBrokerOptions {
  readonly directory: LogDirectory
  readonly metadata: MetadataLog | undefined
  readonly topics: Topics
  readonly defaults: ReadonlyMap<string, string>
}

/** Topics as users see and change them. */
export class TopicAdmin {
  readonly #options: TopicAdminOptions
  readonly #topics: Topics
  readonly #changes: TopicChanges | undefined
  #ignoresCase: boolean | undefined

  constructor(options: TopicAdminOptions) {
    const { directory, metadata, topics, random, logger } = options
    this.#options = options
    this.#topics = topics
    if (metadata !== undefined)
      this.#changes = new TopicChanges({ directory, metadata, topics, random, logger })
  }

  async describe(names: readonly string[] | undefined): Promise<TopicMetadata[]> {
    if (names === undefined) {
      return [...this.#topics.all()]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(topic => this.#topics.describe(topic))
    }
    const { autoCreateTopics, readOnly } = this.#options
    const missing = names.filter(name => this.#topics.image.topic(name) === undefined && !isInternal(name))
    const failures = new Map<string, unknown>()
    if (autoCreateTopics && !readOnly && missing.length > 0) {
      for (const { topic, error } of await this.create({
        topics: [...new Set(missing)].map(topic => ({ topic })),
      }))
        if (error !== undefined && error.code !== 'TOPIC_ALREADY_EXISTS') failures.set(topic, error)
    }
    return names.map(topic => {
      try {
        const failure = failures.get(topic)
        if (failure !== undefined) throw toVarveError(failure)
        return this.#topics.describe(this.#topics.topic(topic))
      } catch (error) {
        const failed = {
          topicId: '',
          internal: isInternal(topic),
          partitions: [],
          error: toVarveError(error),
        }
        return { topic, ...failed }
      }
    })
  }

  async create({ topics, validateOnly = false }: CreateTopicsRequest): Promise<CreateTopicResult[]> {
    const results: CreateTopicResult[] = []
    for (const one of topics) {
      const { topic } = one
      try {
        if (topics.filter(other => other.topic === topic).length > 1)
          throw kafkaError('INVALID_REQUEST', `The topic '${topic}' is in the request twice.`, { topic })
        results.push(await this.#serially(() => this.#createOne(one, validateOnly)))
      } catch (error) {
        results.push({ topic, error: toVarveError(error) })
      }
    }
    return results
  }

  async delete(names: readonly string[]): Promise<TopicResult[]> {
    const results: TopicResult[] = []
    for (const topic of names) {
      try {
        if (isInternal(topic)) {
          throw kafkaError(
            'INVALID_TOPIC_EXCEPTION',
            `The topic '${topic}' is internal and cannot be deleted.`,
            { topic },
          )
        }
        await this.#serially(async () => this.#changesOrThrow().delete(this.#topics.topic(topic)))
        results.push({ topic })
      } catch (error) {
        results.push({ topic, error: toVarveError(error) })
      }
    }
    return results
  }

  describeConfigs(names: readonly string[]): TopicConfigResult[] {
    return names.map(topic => {
      try {
        this.#topics.topic(topic)
        const config = this.#topics.image.configOf(topic)
        return { topic, entries: configEntries(config, this.#options.defaults) }
      } catch (error) {
        return { topic, entries: [], error: toVarveError(error) }
      }
    })
  }

  /** Makes `__consumer_offsets` unless it is there. */
  async createOffsetsTopic(): Promise<void> {
    await this.#serially(async () => {
      if (this.#topics.image.topic(OFFSETS_TOPIC) !== undefined) return
      const { offsetsTopicPartitions } = this.#options
      await this.#changesOrThrow().create(OFFSETS_TOPIC, offsetsTopicPartitions, OFFSETS_TOPIC_CONFIG)
    })
  }

  /** Resolves when no change is under way. */
  async idle(): Promise<void> {
    await this.#changes?.serially(async () => undefined)
  }

  async #createOne(request: NewTopic, validateOnly: boolean): Promise<CreateTopicResult> {
    const { topic, partitions = this.#options.numPartitions, config = {} } = request
    checkNewTopicName(topic, {
      existing: this.#topics.image.topics.keys(),
      ignoresCase: (this.#ignoresCase ??= await this.#probeCase()),
    })
    checkPartitionCount(topic, partitions)
    const checked = checkTopicConfig(config)
    if (validateOnly) return { topic, partitions }
    const { topicId } = await this.#changesOrThrow().create(topic, partitions, checked)
    return { topic, topicId, partitions }
  }

  /** Whether the file system takes two names that differ in case for one. */
  async #probeCase(): Promise<boolean> {
    const { vfs, directory } = this.#options
    const name = 'varve.format'
    const lower = await vfs.stat(join(directory.path, name))
    const upper = await vfs.stat(join(directory.path, name.toUpperCase()))
    return lower !== undefined && lower.id === upper?.id
  }

  #serially<T>(change: () => Promise<T>): Promise<T> {
    return this.#changesOrThrow().serially(change)
  }

  #changesOrThrow(): TopicChanges {
    invariant(this.#changes !== undefined, 'A directory without metadata is opened for reading only')
    return this.#changes
  }
}
