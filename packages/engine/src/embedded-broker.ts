import { MemFs, VarveError } from '@varve/platform'
import type { LogDirectory, Finding } from '@varve/log'
import type {
  Broker,
  CommitOffsetsRequest,
  CommittedOffset,
  CreateTopicResult,
  CreateTopicsRequest,
  DeleteRecordsPartition,
  DeleteRecordsResult,
  FetchOffsetsRequest,
  FetchRequest,
  FetchResult,
  GroupDescription,
  GroupListing,
  GroupMemberRequest,
  JoinGroupRequest,
  JoinGroupResponse,
  ListOffsetsRequest,
  ListOffsetsResult,
  MetadataRequest,
  MetadataResponse,
  PartitionResult,
  ProduceRequest,
  ProduceResult,
  SyncGroupRequest,
  SyncGroupResponse,
  TopicConfigResult,
  TopicResult,
} from './broker.ts'
import {
  checkBrokerOptions,
  type CheckedBrokerOptions,
  type EmbeddedBrokerOptions,
} from './broker-options.ts'
import { CallGate } from './call-gate.ts'
import { Fetching } from './fetch/fetching.ts'
import { listOffsets } from './fetch/list-offsets.ts'
import { Groups } from './groups/groups.ts'
import { openDirectory, type OpenedDirectory } from './opening.ts'
import { Producing } from './produce/producing.ts'
import { deleteRecords } from './topics/delete-records.ts'
import { TopicAdmin } from './topics/topic-admin.ts'
import { topicConfigDefaults } from './topics/topic-config.ts'
import { Topics } from './topics/topics.ts'

/** The broker inside this process: one data directory, owned or read. */
export class EmbeddedBroker implements Broker {
  readonly clusterId: string
  readonly nodeId: number
  /** The data directory, without symbolic links. */
  readonly path: string
  readonly readOnly: boolean
  readonly #directory: LogDirectory
  readonly #gate = new CallGate()
  readonly #topics: Topics
  readonly #admin: TopicAdmin
  readonly #producing: Producing
  readonly #fetching: Fetching
  readonly #groups: Groups
  #closing: Promise<void> | undefined

  private constructor(options: CheckedBrokerOptions, { directory, image, metadata }: OpenedDirectory) {
    const { clock, random, logger, readOnly } = options
    const { clusterId, nodeId, path, partitions: logs } = directory
    const defaults = topicConfigDefaults({ takenOver: image.hadBroker })
    const topics = new Topics({ image, logs, nodeId })
    this.clusterId = clusterId
    this.nodeId = nodeId
    this.path = path
    this.readOnly = readOnly
    this.#directory = directory
    this.#topics = topics
    this.#admin = new TopicAdmin({ ...options, directory, metadata, topics, defaults })
    this.#producing = new Producing({ topics, clock, logger, defaults })
    const inMemory = options.vfs instanceof MemFs
    this.#fetching = new Fetching({ topics, clock, random, readOnly, inMemory, closing: this.#gate.closing })
    const createOffsetsTopic = () => this.#admin.createOffsetsTopic()
    this.#groups = new Groups({ ...options, topics, createOffsetsTopic })
  }

  /**
   * Opens a data directory, and makes a new one where there is none or an empty one. What fails leaves it as it was.
   *
   * @throws `DIRECTORY_LOCKED`, `DIRECTORY_NOT_VARVE`, `DIRECTORY_NOT_CLEAN`, `DIRECTORY_TOO_NEW`, `UNSUPPORTED_VERSION`
   *   (written by a newer Kafka: readable, not ownable), `NOT_FOUND` (read-only), `INVALID_ARGUMENT`,
   *   `KAFKA_STORAGE_ERROR`, and what the file system throws
   */
  static async open(given: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const options = checkBrokerOptions(given)
    const opened = await openDirectory(options)
    try {
      const broker = new EmbeddedBroker(options, opened)
      await broker.#groups.load()
      if (!options.readOnly) await broker.#groups.dropDeletedTopics()
      broker.#groups.coordinator.start()
      return broker
    } catch (error) {
      await opened.directory.close().catch(() => undefined)
      throw error
    }
  }

  /** What opening the directory found; nothing of it was deleted. */
  get findings(): readonly Finding[] {
    return this.#directory.findings
  }

  /** Whether the directory had been closed in order. */
  get wasClean(): boolean {
    return this.#directory.wasClean
  }

  metadata(request: MetadataRequest = {}): Promise<MetadataResponse> {
    const { clusterId, nodeId } = this
    return this.#gate.run(async () => ({
      clusterId,
      nodeId,
      topics: await this.#admin.describe(request.topics),
    }))
  }

  createTopics(request: CreateTopicsRequest): Promise<CreateTopicResult[]> {
    return this.#change(() => this.#admin.create(request))
  }

  deleteTopics({ topics }: { topics: readonly string[] }): Promise<TopicResult[]> {
    return this.#change(async () => {
      const results = await this.#admin.delete(topics)
      await this.#groups.dropDeletedTopics()
      return results
    })
  }

  describeConfigs({ topics }: { topics: readonly string[] }): Promise<TopicConfigResult[]> {
    return this.#gate.run(() => this.#admin.describeConfigs(topics))
  }

  produce(request: ProduceRequest): Promise<ProduceResult[]> {
    return this.#change(() => this.#producing.produce(request))
  }

  fetch(request: FetchRequest): Promise<FetchResult[]> {
    return this.#gate.run(() => this.#fetching.fetch(request))
  }

  listOffsets(request: ListOffsetsRequest): Promise<ListOffsetsResult[]> {
    return this.#gate.run(() => listOffsets({ topics: this.#topics, readOnly: this.readOnly }, request))
  }

  deleteRecords({
    partitions,
  }: {
    partitions: readonly DeleteRecordsPartition[]
  }): Promise<DeleteRecordsResult[]> {
    return this.#change(() => deleteRecords(this.#topics, partitions))
  }

  joinGroup(request: JoinGroupRequest): Promise<JoinGroupResponse> {
    return this.#change(() => this.#groupOf(request).join(request))
  }

  syncGroup(request: SyncGroupRequest): Promise<SyncGroupResponse> {
    return this.#change(() => this.#groupOf(request).sync(request))
  }

  heartbeat(request: GroupMemberRequest): Promise<void> {
    return this.#change(() => {
      this.#groupOf(request).heartbeat(request)
    })
  }

  leaveGroup(request: { group: string; memberId: string }): Promise<void> {
    return this.#change(() => {
      this.#groupOf(request).leave(request)
    })
  }

  commitOffsets(request: CommitOffsetsRequest): Promise<PartitionResult[]> {
    return this.#change(() => this.#groups.commit(request))
  }

  fetchOffsets(request: FetchOffsetsRequest): Promise<CommittedOffset[]> {
    return this.#gate.run(() => this.#groups.fetchOffsets(request))
  }

  listGroups(): Promise<GroupListing[]> {
    return this.#gate.run(() => this.#groups.coordinator.list())
  }

  describeGroups({ groups }: { groups: readonly string[] }): Promise<GroupDescription[]> {
    return this.#gate.run(() => groups.map(group => this.#groups.describe(group)))
  }

  /**
   * Refuses new calls, wakes everyone who waits (`CLOSED`), waits for appends under way, and closes the directory in
   * order. Closing twice is closing once.
   *
   * @throws what kept the directory from a clean end; it is given back all the same
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#gate.close()
    try {
      await this.#groups.coordinator.close()
      await this.#gate.idle()
      await this.#admin.idle()
    } finally {
      await this.#directory.close()
    }
  }

  #groupOf({ group }: { group: string }): Groups['coordinator'] {
    this.#groups.check(group)
    return this.#groups.coordinator
  }

  /** A call that writes. */
  #change<T>(call: () => T | Promise<T>): Promise<T> {
    return this.#gate.run(() => {
      if (!this.readOnly) return call()
      throw new VarveError(
        'NOT_PERMITTED',
        `The directory ${this.path} is open for reading only here; what writes must go through the process that owns it.`,
        { context: { path: this.path } },
      )
    })
  }
}
