import type { Clock, Logger, Random } from '@varve/platform'
import { GroupCoordinator, groupPartition, type CommittedPartition } from '@varve/coordinator'
import { ZERO_UUID, type RecordBytes } from '@varve/protocol'
import type {
  CommitOffsetsRequest,
  CommittedOffset,
  FetchOffsetsRequest,
  GroupDescription,
  OffsetToCommit,
  PartitionResult,
  TopicPartition,
} from '../broker.ts'
import { kafkaError, toVarveError } from '../errors.ts'
import { OFFSETS_TOPIC } from '../topics/topic-names.ts'
import type { Topics } from '../topics/topics.ts'
import { OffsetsLog } from './offsets-log.ts'

/** `offset.metadata.max.bytes`. */
const METADATA_BYTES_MAX = 4096
const NOTHING_COMMITTED = { offset: -1, leaderEpoch: -1, metadata: '' }

export interface GroupsOptions {
  readonly topics: Topics
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly initialRebalanceDelayMs: number
  readonly readOnly: boolean
  /** Makes `__consumer_offsets`, which the first group needs. */
  readonly createOffsetsTopic: () => Promise<unknown>
}

/** The groups, with their records in `__consumer_offsets`. */
export class Groups {
  readonly coordinator: GroupCoordinator
  readonly #options: GroupsOptions
  #logs: readonly (OffsetsLog | undefined)[] = []
  /** Partitions that could not be read: their groups are not usable, and nothing is written over them. */
  readonly #broken = new Map<number, unknown>()
  #creating: Promise<unknown> | undefined

  constructor(options: GroupsOptions) {
    this.#options = options
    const { clock, random, initialRebalanceDelayMs, readOnly } = options
    this.coordinator = new GroupCoordinator({
      clock,
      random,
      initialRebalanceDelayMs,
      readOnly,
      append: (group, records) => this.#append(group, records),
    })
  }

  /** Reads all groups. A partition that is damaged takes only its own groups with it. */
  async load(): Promise<void> {
    this.#openLogs()
    for (const [partition, log] of this.#logs.entries()) {
      try {
        await log?.replayInto(this.coordinator)
      } catch (error) {
        this.#break(partition, error)
      }
    }
  }

  /** Removes what was committed for topics that are gone. What cannot be removed is hidden, and tried again at the next opening. */
  async dropDeletedTopics(): Promise<void> {
    const { logger, topics } = this.#options
    try {
      await this.coordinator.dropTopics((name, topicId) => {
        const topic = topics.image.topic(name)
        return topic === undefined || (topicId !== undefined && topicId !== topic.topicId)
      })
    } catch (error) {
      logger.warn({ error }, 'Offsets of deleted topics stay stored for now; nobody is shown them.')
    }
  }

  /** @throws `KAFKA_STORAGE_ERROR` when the group's records could not be read */
  check(group: string): void {
    if (this.#broken.size === 0 || typeof group !== 'string') return
    const partition = groupPartition(group, this.#logs.length)
    const cause = this.#broken.get(partition)
    if (cause === undefined) return
    throw kafkaError(
      'KAFKA_STORAGE_ERROR',
      `The group '${group}' cannot be used: ${OFFSETS_TOPIC}-${partition} could not be read (${toVarveError(cause).message})`,
      { group, topic: OFFSETS_TOPIC, partition },
      cause,
    )
  }

  async commit(request: CommitOffsetsRequest): Promise<PartitionResult[]> {
    this.check(request.group)
    const good: CommittedPartition[] = []
    const results = request.offsets.map((one): PartitionResult => {
      const { topic, partition } = one
      try {
        good.push(this.#checked(one))
        return { topic, partition }
      } catch (error) {
        return { topic, partition, error: toVarveError(error) }
      }
    })
    await this.coordinator.commit({ ...request, offsets: good })
    return results
  }

  fetchOffsets({ group, partitions }: FetchOffsetsRequest): CommittedOffset[] {
    this.check(group)
    if (partitions !== undefined) return partitions.map(of => this.#committed(group, of))
    return [...this.coordinator.offsets.of(group)]
      .map(({ topic, partition }) => this.#committed(group, { topic, partition }))
      .filter(({ offset }) => offset >= 0)
  }

  describe(group: string): GroupDescription {
    const found = this.coordinator.describe(group)
    if (found !== undefined) return found
    const error = kafkaError('GROUP_ID_NOT_FOUND', `There is no group '${group}'.`, { group })
    return { group, state: 'Dead', protocolType: '', protocol: '', members: [], error }
  }

  /** A commit to a topic that was deleted does not count for its successor of the same name. */
  #committed(group: string, { topic, partition }: TopicPartition): CommittedOffset {
    const stored = this.coordinator.committed({ group, topic, partition })
    const current = this.#options.topics.image.topic(topic)
    const isOther =
      stored !== undefined && stored.topicId !== ZERO_UUID && stored.topicId !== current?.topicId
    if (stored === undefined || current === undefined || isOther)
      return { topic, partition, ...NOTHING_COMMITTED }
    const { offset, leaderEpoch, metadata } = stored
    return { topic, partition, offset, leaderEpoch, metadata }
  }

  #checked(offset: OffsetToCommit): CommittedPartition {
    const { topic, partition } = offset
    const { topicId } = this.#options.topics.topic(topic, offset.topicId)
    this.#options.topics.log(offset)
    if (!Number.isSafeInteger(offset.offset) || offset.offset < 0) {
      throw kafkaError(
        'INVALID_REQUEST',
        `The offset to commit for ${topic}-${partition} must be a whole number of at least 0, found ${offset.offset}.`,
        { topic, partition, offset: offset.offset },
      )
    }
    const size = Buffer.byteLength(offset.metadata ?? '')
    if (size > METADATA_BYTES_MAX) {
      throw kafkaError(
        'OFFSET_METADATA_TOO_LARGE',
        `The metadata committed for ${topic}-${partition} takes ${size} bytes; at most ${METADATA_BYTES_MAX} are kept.`,
        { topic, partition, found: size, max: METADATA_BYTES_MAX },
      )
    }
    return { ...offset, topicId }
  }

  async #append(group: string, records: readonly RecordBytes[]): Promise<void> {
    this.check(group)
    if (this.#logs.length === 0) {
      // All who wait go on in the order in which they came.
      this.#creating ??= this.#options.createOffsetsTopic().finally(() => {
        this.#creating = undefined
      })
      await this.#creating
      this.#openLogs()
    }
    const log = this.#logs[groupPartition(group, this.#logs.length)]
    if (log === undefined)
      throw kafkaError('COORDINATOR_NOT_AVAILABLE', `${OFFSETS_TOPIC} has no partitions.`, { group })
    await log.append(records)
  }

  /** Once: the order of appends is kept by these objects. */
  #openLogs(): void {
    const { topics, clock } = this.#options
    const partitions = topics.image.topic(OFFSETS_TOPIC)?.partitions.size ?? 0
    if (this.#logs.length === partitions) return
    this.#logs = Array.from({ length: partitions }, (_, partition) => {
      try {
        return new OffsetsLog(topics.log({ topic: OFFSETS_TOPIC, partition }), clock)
      } catch (error) {
        this.#break(partition, error)
        return undefined
      }
    })
  }

  #break(partition: number, error: unknown): void {
    this.#broken.set(partition, error)
    this.#options.logger.error(
      { error, topic: OFFSETS_TOPIC, partition },
      `The groups in ${OFFSETS_TOPIC}-${partition} cannot be read.`,
    )
  }
}
