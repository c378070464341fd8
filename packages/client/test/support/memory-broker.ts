import type * as engine from '@varve/engine'
import { GroupCoordinator } from '@varve/coordinator'
import { VarveError, type Clock } from '@varve/platform'
import { FakeClock, SeededRandom } from '@varve/testkit'
import { checkBatch, patchBaseOffset, readBaseOffset, readLastOffset, readMaxTimestamp } from '@varve/records'
import { BrokerClient } from '../../src/index.ts'

interface Partition {
  batches: Buffer[]
  logStartOffset: number
  highWatermark: number
  /** Where the first undecided transaction begins; as the high watermark without. */
  lastStableOffset?: number
  aborted?: readonly engine.AbortedTransaction[]
}

interface Topic {
  topicId: string
  partitions: Partition[]
}

/** A broker that keeps its batches in a list and fails when a test wants it to; its groups are the real coordinator's. */
export class MemoryBroker implements engine.Broker {
  readonly clusterId = 'test'
  readonly nodeId = 1
  readonly topics = new Map<string, Topic>()
  readonly produced: engine.ProduceRequest[] = []
  readonly coordinator: GroupCoordinator
  messageBytesMax = 2 ** 20
  metadataCalls = 0
  /** Fetches that wait for data. */
  waiting = 0
  /** Comes before each produce; what it throws is the answer, and what it returns the error of all partitions. */
  onProduce: (request: engine.ProduceRequest) => Promise<VarveError | undefined> = async () => undefined
  onMetadata: () => Promise<void> = async () => undefined
  onCommit: (request: engine.CommitOffsetsRequest) => void = () => undefined
  readonly #wakers = new Set<() => void>()
  #ids = 0

  constructor(options: { clock: Clock; seed: number }) {
    this.coordinator = new GroupCoordinator({
      clock: options.clock,
      random: new SeededRandom(options.seed),
      append: async () => undefined,
    })
  }

  create(topic: string, partitions = 1): void {
    this.topics.set(topic, {
      topicId: `id-${this.#ids++}`,
      partitions: Array.from({ length: partitions }, () => ({
        batches: [],
        logStartOffset: 0,
        highWatermark: 0,
      })),
    })
  }

  partition(topic: string, partition = 0): Partition {
    const found = this.topics.get(topic)?.partitions[partition]
    if (found === undefined) throw unknown(topic)
    return found
  }

  async metadata({ topics }: engine.MetadataRequest): Promise<engine.MetadataResponse> {
    this.metadataCalls++
    await this.onMetadata()
    const names = topics ?? [...this.topics.keys()]
    return {
      clusterId: this.clusterId,
      nodeId: this.nodeId,
      topics: names.map(topic => this.#metadataOf(topic)),
    }
  }

  #metadataOf(topic: string): engine.TopicMetadata {
    const found = this.topics.get(topic)
    if (found === undefined)
      return { topic, topicId: '', internal: false, partitions: [], error: unknown(topic) }
    const partitions = found.partitions.map((_, partition) => ({ partition, leader: 1, leaderEpoch: 0 }))
    return { topic, topicId: found.topicId, internal: false, partitions }
  }

  async createTopics({ topics }: engine.CreateTopicsRequest): Promise<engine.CreateTopicResult[]> {
    return topics.map(({ topic, partitions = 1, config }) => {
      if (this.topics.has(topic)) {
        return { topic, error: new VarveError('TOPIC_ALREADY_EXISTS', `The topic '${topic}' exists.`) }
      }
      this.create(topic, partitions)
      this.configs.set(topic, { ...config })
      return { topic, topicId: this.topics.get(topic)?.topicId ?? '', partitions }
    })
  }

  readonly configs = new Map<string, Record<string, string>>()

  async deleteTopics({ topics }: { topics: readonly string[] }): Promise<engine.TopicResult[]> {
    return topics.map(topic => (this.topics.delete(topic) ? { topic } : { topic, error: unknown(topic) }))
  }

  async describeConfigs({ topics }: { topics: readonly string[] }): Promise<engine.TopicConfigResult[]> {
    return topics.map(topic => ({
      topic,
      entries: Object.entries(this.configs.get(topic) ?? {}).map(([name, value]) => ({
        name,
        value,
        source: 'topic' as const,
        doc: '',
      })),
    }))
  }

  async produce(request: engine.ProduceRequest): Promise<engine.ProduceResult[]> {
    this.produced.push(request)
    const refused = await this.onProduce(request)
    return request.partitions.map(({ topic, partition, topicId, batches }) => {
      const none = { topic, partition, baseOffset: -1, logAppendTime: -1, logStartOffset: -1 }
      if (refused !== undefined) return { ...none, error: refused }
      const found = this.topics.get(topic)
      if (found === undefined) return { ...none, error: unknown(topic) }
      if (topicId !== undefined && topicId !== found.topicId) return { ...none, error: otherId(topic) }
      if (batches.length > this.messageBytesMax) {
        return {
          ...none,
          error: new VarveError('MESSAGE_TOO_LARGE', `The batch has ${batches.length} bytes.`),
        }
      }
      const baseOffset = this.append(topic, partition, batches)
      return { topic, partition, baseOffset, logAppendTime: -1, logStartOffset: 0 }
    })
  }

  append(topic: string, partition: number, batches: Buffer): number {
    const log = this.partition(topic, partition)
    const baseOffset = log.highWatermark
    for (let at = 0; at < batches.length;) {
      const size = checkBatch(batches, at)
      patchBaseOffset(batches, at, log.highWatermark)
      const batch = Buffer.from(batches.subarray(at, at + size))
      log.batches.push(batch)
      log.highWatermark = readLastOffset(batch, 0) + 1
      at += size
    }
    this.wake()
    return baseOffset
  }

  /** What retention does. */
  deleteBelow(topic: string, partition: number, offset: number): void {
    const log = this.partition(topic, partition)
    log.batches = log.batches.filter(batch => readLastOffset(batch, 0) >= offset)
    log.logStartOffset = offset
  }

  wake(): void {
    for (const wake of [...this.#wakers]) wake()
  }

  async fetch(request: engine.FetchRequest): Promise<engine.FetchResult[]> {
    const { signal, minBytes = 1, maxWaitMs = 0 } = request
    const read = (): engine.FetchResult[] => request.partitions.map(one => this.#read(one, request))
    let results = read()
    const empty = (): boolean => results.every(one => one.batches.length === 0 && one.error === undefined)
    if (minBytes > 0 && maxWaitMs > 0 && empty()) {
      this.waiting++
      await new Promise<void>(resolve => {
        const wake = (): void => {
          this.#wakers.delete(wake)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        this.#wakers.add(wake)
        signal?.addEventListener('abort', wake)
      })
      this.waiting--
      if (signal?.aborted === true) throw new VarveError('ABORTED', 'The fetch was aborted.')
      results = read()
    }
    return results
  }

  #read(asked: engine.FetchPartition, { maxBytes, isolation }: engine.FetchRequest): engine.FetchResult {
    const { topic, partition, offset } = asked
    const none = {
      topic,
      partition,
      batches: Buffer.alloc(0),
      highWatermark: -1,
      logStartOffset: -1,
      lastStableOffset: -1,
      abortedTransactions: [],
    }
    const found = this.topics.get(topic)
    const log = found?.partitions[partition]
    if (found === undefined || log === undefined) return { ...none, error: unknown(topic) }
    if (asked.topicId !== undefined && asked.topicId !== found.topicId)
      return { ...none, error: otherId(topic) }
    const { highWatermark, logStartOffset, lastStableOffset = highWatermark } = log
    const committed = isolation === 'read_committed'
    const abortedTransactions = committed ? (log.aborted ?? []) : []
    const facts = { ...none, highWatermark, logStartOffset, lastStableOffset, abortedTransactions }
    if (offset < logStartOffset || offset > highWatermark) {
      return { ...facts, error: new VarveError('OFFSET_OUT_OF_RANGE', `There is no offset ${offset}.`) }
    }
    const limit = Math.min(maxBytes, asked.maxBytes ?? maxBytes)
    const taken: Buffer[] = []
    let size = 0
    for (const batch of log.batches) {
      if (readLastOffset(batch, 0) < offset) continue
      if (committed && readLastOffset(batch, 0) >= lastStableOffset) break
      if (taken.length > 0 && size + batch.length > limit) break
      taken.push(batch)
      size += batch.length
    }
    return { ...facts, batches: Buffer.concat(taken) }
  }

  async listOffsets(request: engine.ListOffsetsRequest): Promise<engine.ListOffsetsResult[]> {
    return request.partitions.map(({ topic, partition, query }) => {
      const log = this.topics.get(topic)?.partitions[partition]
      const facts = { topic, partition, timestamp: -1, leaderEpoch: 0 }
      if (log === undefined) return { ...facts, offset: -1, error: unknown(topic) }
      if (query === 'earliest') return { ...facts, offset: log.logStartOffset }
      const { highWatermark, lastStableOffset = highWatermark } = log
      const end = request.isolation === 'read_committed' ? lastStableOffset : highWatermark
      if (typeof query === 'string') return { ...facts, offset: end }
      const batch = log.batches.find(one => readMaxTimestamp(one, 0) >= query)
      return { ...facts, offset: batch === undefined ? -1 : readBaseOffset(batch, 0) }
    })
  }

  async joinGroup(request: engine.JoinGroupRequest): Promise<engine.JoinGroupResponse> {
    return this.coordinator.join(request)
  }

  async syncGroup(request: engine.SyncGroupRequest): Promise<engine.SyncGroupResponse> {
    return this.coordinator.sync(request)
  }

  async heartbeat(request: engine.GroupMemberRequest): Promise<void> {
    this.coordinator.heartbeat(request)
  }

  async leaveGroup(request: { group: string; memberId: string }): Promise<void> {
    this.coordinator.leave(request)
  }

  async commitOffsets(request: engine.CommitOffsetsRequest): Promise<engine.PartitionResult[]> {
    this.onCommit(request)
    await this.coordinator.commit({
      ...request,
      offsets: request.offsets.map(({ topicId: _, ...one }) => one),
    })
    return request.offsets.map(({ topic, partition, topicId }) => {
      const same = topicId === undefined || topicId === this.topics.get(topic)?.topicId
      return same ? { topic, partition } : { topic, partition, error: otherId(topic) }
    })
  }

  async fetchOffsets(request: engine.FetchOffsetsRequest): Promise<engine.CommittedOffset[]> {
    const { group } = request
    const partitions = request.partitions ?? [...this.coordinator.offsets.of(group)]
    return partitions.map(({ topic, partition }) => {
      const stored = this.coordinator.committed({ group, topic, partition })
      return {
        topic,
        partition,
        offset: stored?.offset ?? -1,
        leaderEpoch: stored?.leaderEpoch ?? -1,
        metadata: stored?.metadata ?? '',
      }
    })
  }

  async deleteRecords(): Promise<engine.DeleteRecordsResult[]> {
    return []
  }

  async listGroups(): Promise<engine.GroupListing[]> {
    return this.coordinator.list()
  }

  async describeGroups({ groups }: { groups: readonly string[] }): Promise<engine.GroupDescription[]> {
    return groups.map(
      group =>
        this.coordinator.describe(group) ?? {
          group,
          state: 'Dead',
          protocolType: '',
          protocol: '',
          members: [],
        },
    )
  }
}

function unknown(topic: string): VarveError {
  return new VarveError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic '${topic}'.`, { retriable: true })
}

function otherId(topic: string): VarveError {
  return new VarveError('UNKNOWN_TOPIC_ID', `The topic '${topic}' is another one now.`, { retriable: true })
}

/** A client on a broker in memory, on a clock that stands still. */
export function setUp(seed = 1): { broker: MemoryBroker; clock: FakeClock; client: BrokerClient } {
  const clock = new FakeClock()
  const broker = new MemoryBroker({ clock, seed })
  const client = new BrokerClient({ broker, clock, random: new SeededRandom(seed) })
  return { broker, clock, client }
}

/** Lets everything run that waits for nothing but the loop. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
}

export async function collect<T>(records: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const record of records) all.push(record)
  return all
}
