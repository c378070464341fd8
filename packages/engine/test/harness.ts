import { cryptoRandom, FakeClock, isVarveError, MemFs, type Vfs } from '@varve/platform'
import { readBatchSize, recordsOf, loadCodec } from '@varve/records'
import { batchOf, type RecordSketch } from '@varve/testkit'
import { EmbeddedBroker, type EmbeddedBrokerOptions } from '../src/index.ts'

/** The day on which the fixtures were written. */
export const DAY = Date.UTC(2026, 10, 20, 18)

export type OpenOptions = Partial<EmbeddedBrokerOptions> & { vfs?: Vfs }

export function openBroker(options: OpenOptions = {}): Promise<EmbeddedBroker> {
  const vfs = options.vfs ?? new MemFs()
  return EmbeddedBroker.open({
    path: '/data',
    vfs,
    clock: new FakeClock(DAY),
    random: cryptoRandom,
    ...options,
  })
}

/** A broker with one topic `t`. */
export async function brokerWith(
  topic: { partitions?: number; config?: Record<string, string> } = {},
  options: OpenOptions = {},
): Promise<EmbeddedBroker> {
  const broker = await openBroker(options)
  const [result] = await broker.createTopics({ topics: [{ topic: 't', ...topic }] })
  if (result?.error !== undefined) throw result.error
  return broker
}

export async function produce(
  broker: EmbeddedBroker,
  records: readonly RecordSketch[],
  { topic = 't', partition = 0 } = {},
): Promise<number> {
  const batches = batchOf(records, { timestamp: DAY })
  const [result] = await broker.produce({ acks: -1, partitions: [{ topic, partition, batches }] })
  if (result?.error !== undefined) throw result.error
  return result?.baseOffset ?? -1
}

/** All values of a partition, from the start. */
export async function values(broker: EmbeddedBroker, { topic = 't', partition = 0 } = {}): Promise<string[]> {
  return (await records(broker, { topic, partition })).map(({ value }) => value?.toString() ?? 'null')
}

export async function records(
  broker: EmbeddedBroker,
  { topic = 't', partition = 0 } = {},
): Promise<{ offset: number; key: Buffer | null; value: Buffer | null }[]> {
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) await loadCodec(codec)
  const [earliest] = await broker.listOffsets({ partitions: [{ topic, partition, query: 'earliest' }] })
  const all = []
  let offset = earliest?.offset ?? 0
  for (;;) {
    const [result] = await broker.fetch({ partitions: [{ topic, partition, offset }], maxBytes: 65_536 })
    if (result?.error !== undefined) throw result.error
    const { batches = Buffer.alloc(0) } = result ?? {}
    if (batches.length === 0) return all
    for (let at = 0; at < batches.length; at += readBatchSize(batches, at)) {
      for (const record of recordsOf(batches, at)) {
        if (record.offset >= offset) all.push(record)
        offset = Math.max(offset, record.offset + 1)
      }
    }
  }
}

export async function topicNames(broker: EmbeddedBroker): Promise<string[]> {
  const { topics } = await broker.metadata()
  return topics.filter(({ internal }) => !internal).map(({ topic }) => topic)
}

/** The code that a call fails with; `none` when it does not. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call()
    return 'none'
  } catch (error) {
    return isVarveError(error) ? error.code : String(error)
  }
}

export function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
