import type { VarveError } from '@varve/platform'

/**
 * Kafka's operations as typed calls. The embedded client uses them directly, a network server maps each wire request
 * to one of them, and a remote cluster is reached by another implementation: nothing here says that a broker is near.
 *
 * A call rejects when the whole request failed (`CLOSED`, `ABORTED`, `INVALID_ARGUMENT`); what failed for one topic
 * or partition is an `error` in its entry, as in Kafka. Offsets, timestamps (ms) and ids are safe integers; -1 means
 * "none" as in Kafka.
 */
export interface Broker {
  readonly clusterId: string
  readonly nodeId: number
  /** Topics with partitions and ids; all topics if `topics` is left out. Unknown ones carry UNKNOWN_TOPIC_OR_PARTITION. */
  metadata(request: MetadataRequest): Promise<MetadataResponse>
  createTopics(request: CreateTopicsRequest): Promise<CreateTopicResult[]>
  deleteTopics(request: { topics: readonly string[] }): Promise<TopicResult[]>
  /** Every setting of the topics with its source; UNKNOWN_TOPIC_OR_PARTITION per topic. */
  describeConfigs(request: { topics: readonly string[] }): Promise<TopicConfigResult[]>
  /** Appends whole batches (RecordBatch v2). The bytes are the broker's until the promise settles: it patches them. */
  produce(request: ProduceRequest): Promise<ProduceResult[]>
  /** Whole batches from each position. Waits up to `maxWaitMs` for `minBytes`, woken by appends. */
  fetch(request: FetchRequest): Promise<FetchResult[]>
  listOffsets(request: ListOffsetsRequest): Promise<ListOffsetsResult[]>
  /**
   * Deletes the records before an offset, for good when it resolves. What compacts only is refused (`POLICY_VIOLATION`);
   * `OFFSET_OUT_OF_RANGE` above the high watermark.
   */
  deleteRecords(request: { partitions: readonly DeleteRecordsPartition[] }): Promise<DeleteRecordsResult[]>
  joinGroup(request: JoinGroupRequest): Promise<JoinGroupResponse>
  syncGroup(request: SyncGroupRequest): Promise<SyncGroupResponse>
  heartbeat(request: GroupMemberRequest): Promise<void>
  leaveGroup(request: { group: string; memberId: string }): Promise<void>
  /**
   * Durable when it resolves. Rejects when the group refuses (`ILLEGAL_GENERATION`, `UNKNOWN_MEMBER_ID`,
   * `REBALANCE_IN_PROGRESS`); what is wrong with one partition is an `error` in its entry.
   */
  commitOffsets(request: CommitOffsetsRequest): Promise<PartitionResult[]>
  /** Committed offsets; all of the group's if `partitions` is left out; -1 where nothing is committed. */
  fetchOffsets(request: FetchOffsetsRequest): Promise<CommittedOffset[]>
  listGroups(): Promise<GroupListing[]>
  describeGroups(request: { groups: readonly string[] }): Promise<GroupDescription[]>
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface TopicResult {
  readonly topic: string
  readonly error?: VarveError
}

export interface PartitionResult extends TopicPartition {
  readonly error?: VarveError
}

export interface MetadataRequest {
  readonly topics?: readonly string[]
}

export interface MetadataResponse {
  readonly clusterId: string
  readonly nodeId: number
  readonly topics: readonly TopicMetadata[]
}

export interface TopicMetadata {
  readonly topic: string
  /** Kafka's uuid, base64url. Empty with an error. */
  readonly topicId: string
  readonly internal: boolean
  readonly partitions: readonly PartitionMetadata[]
  readonly error?: VarveError
}

export interface PartitionMetadata {
  readonly partition: number
  readonly leader: number
  readonly leaderEpoch: number
  readonly error?: VarveError
}

export interface CreateTopicsRequest {
  readonly topics: readonly NewTopic[]
  /** Checks and answers as if, and changes nothing. Default false. */
  readonly validateOnly?: boolean
}

export interface NewTopic {
  readonly topic: string
  /** Default: the broker's `num.partitions`, 1. */
  readonly partitions?: number
  /** Kafka's keys and texts, such as `{ 'retention.ms': '-1' }`. */
  readonly config?: Readonly<Record<string, string>>
}

export interface CreateTopicResult extends TopicResult {
  readonly topicId?: string
  readonly partitions?: number
}

export interface TopicConfigResult extends TopicResult {
  readonly entries: readonly ConfigEntry[]
}

export interface ConfigEntry {
  readonly name: string
  readonly value: string
  readonly source: 'topic' | 'default'
  readonly doc: string
}

/** 0: resolves when queued. 1 and -1 (all): resolves when the records are visible, as the durability contract says. */
export type Acks = 0 | 1 | -1

export interface ProduceRequest {
  readonly acks: Acks
  readonly partitions: readonly ProducePartition[]
}

export interface ProducePartition extends TopicPartition {
  /** When given it must be the topic's present id (UNKNOWN_TOPIC_ID otherwise): a topic that was made anew is another. */
  readonly topicId?: string
  readonly batches: Buffer
}

export interface ProduceResult extends PartitionResult {
  /** Offset of the first record; -1 with an error. */
  readonly baseOffset: number
  /** -1 unless the topic stamps records itself (`message.timestamp.type=LogAppendTime`). */
  readonly logAppendTime: number
  readonly logStartOffset: number
}

export interface FetchRequest {
  readonly partitions: readonly FetchPartition[]
  /** Bytes for the whole answer; the first batch is answered even if it is larger. */
  readonly maxBytes: number
  /** Default 1. 0 answers at once. */
  readonly minBytes?: number
  /** Default 0. */
  readonly maxWaitMs?: number
  /** Default `read_uncommitted`. */
  readonly isolation?: Isolation
  readonly signal?: AbortSignal
}

/**
 * `read_uncommitted`: up to the high watermark. `read_committed`: up to the last stable offset, and the answer names the
 * aborted transactions in what was read, whose records the reader leaves out.
 */
export type Isolation = 'read_uncommitted' | 'read_committed'

export interface FetchPartition extends TopicPartition {
  readonly topicId?: string
  readonly offset: number
  /** Bytes for this partition. Default: as `maxBytes`. */
  readonly maxBytes?: number
}

export interface FetchResult extends PartitionResult {
  /** Whole batches; the first may begin below the offset asked for. They belong to the caller. */
  readonly batches: Buffer
  readonly highWatermark: number
  readonly logStartOffset: number
  /** Every transaction that began below it is decided; at most the high watermark. */
  readonly lastStableOffset: number
  /** With `read_committed`: those that may have records in `batches`. Empty otherwise. */
  readonly abortedTransactions: readonly AbortedTransaction[]
}

/** The records of a producer from an offset up to its next ABORT marker. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface ListOffsetsRequest {
  readonly partitions: readonly ListOffsetsPartition[]
  /** Default `read_uncommitted`. `read_committed`: `'latest'` is the last stable offset, and nothing at or above it is found. */
  readonly isolation?: Isolation
}

/** A timestamp in ms, or `'earliest'` (log start), `'latest'` (the end for the isolation), `'max-timestamp'`. */
export type OffsetQuery = number | 'earliest' | 'latest' | 'max-timestamp'

export interface ListOffsetsPartition extends TopicPartition {
  readonly query: OffsetQuery
}

export interface ListOffsetsResult extends PartitionResult {
  /** -1 where no record is at or after the timestamp. */
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

export interface DeleteRecordsPartition extends TopicPartition {
  /** When given it must be the topic's present id (UNKNOWN_TOPIC_ID otherwise). */
  readonly topicId?: string
  /** The first offset that stays; -1 stands for the high watermark. */
  readonly offset: number
}

export interface DeleteRecordsResult extends PartitionResult {
  /** The first offset that is left; -1 with an error. */
  readonly lowWatermark: number
}

export interface JoinGroupRequest {
  readonly group: string
  /** Empty for a new member: answers MEMBER_ID_REQUIRED with the id in `context.member`, or joins at once if the implementation assigns it. */
  readonly memberId: string
  readonly clientId?: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: 'consumer'
  /** In the order of preference, each with Kafka's subscription bytes (ConsumerProtocolSubscription). */
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[]
  /** An embedded member lives with its object, not with a timer: aborting the signal is its leaving. */
  readonly signal?: AbortSignal
}

export interface JoinGroupResponse {
  readonly memberId: string
  readonly generation: number
  readonly protocol: string
  readonly leader: string
  /** All members with their metadata for the leader; empty for the others. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[]
}

export interface GroupMemberRequest {
  readonly group: string
  readonly memberId: string
  readonly generation: number
}

export interface SyncGroupRequest extends GroupMemberRequest {
  /** From the leader: ConsumerProtocolAssignment bytes for each member. Empty from the others. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface SyncGroupResponse {
  readonly protocol: string
  readonly assignment: Buffer
}

export interface CommitOffsetsRequest {
  readonly group: string
  /** Empty with generation -1: a commit from outside, allowed while the group has no members. */
  readonly memberId: string
  readonly generation: number
  readonly offsets: readonly OffsetToCommit[]
}

export interface OffsetToCommit extends TopicPartition {
  /** When given it must be the topic's present id (UNKNOWN_TOPIC_ID otherwise). */
  readonly topicId?: string
  /** The next offset to read. */
  readonly offset: number
  readonly leaderEpoch?: number
  readonly metadata?: string
}

export interface FetchOffsetsRequest {
  readonly group: string
  readonly partitions?: readonly TopicPartition[]
}

export interface CommittedOffset extends PartitionResult {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface GroupListing {
  readonly group: string
  readonly state: GroupState
  readonly protocolType: string
}

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export interface GroupDescription extends GroupListing {
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly clientId: string
    readonly assignment: Buffer
  }[]
  readonly error?: VarveError
}
