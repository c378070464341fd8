import { createHash } from 'node:crypto'
import { FakeClock, isVarveError, MemFs, SeededRandom } from '@varve/platform'
import {
  CODEC_NAMES,
  codecOf,
  controlTypeOf,
  isControl,
  isTransactional,
  loadCodec,
  readAttributes,
  readBatchHeader,
  readBatchSize,
  readCrc,
  readLastOffset,
  readProducerId,
  recordsOf,
  timestampTypeOf,
} from '@varve/records'
import { LogDirectory } from '../../src/directory/log-directory.ts'
import { logConfigOf } from '../../src/log-config.ts'
import type { PartitionLog } from '../../src/partition/partition-log.ts'
import { config, crashed, TOPIC_ID } from '../helpers.ts'
import type { Answer, Recording, Step } from './scenario.ts'

const FOLDER = '/data/t-0'

/** Plays a recording's steps on Varve's partition log, and answers in Kafka's words. */
export class Player {
  #vfs = new MemFs({ crashable: true })
  #clock: FakeClock
  #entries: Record<string, string>
  #directory: LogDirectory | undefined
  #log: PartitionLog | undefined

  constructor({ config, now }: Recording) {
    this.#clock = new FakeClock(now)
    this.#entries = config
  }

  get log(): PartitionLog {
    if (this.#log === undefined) throw new Error('no log is open')
    return this.#log
  }

  async open(): Promise<void> {
    for (const codec of CODEC_NAMES) await loadCodec(codec)
    this.#clock = new FakeClock(this.#clock.now())
    const directory = await LogDirectory.open('/data', {
      vfs: this.#vfs,
      clock: this.#clock,
      random: new SeededRandom(1),
      configOf: () => this.#config(),
      // Retention is a step of its own.
      retentionCheckIntervalMs: 2 ** 40,
      ...expiration(this.#entries),
    })
    this.#directory = directory
    this.#log =
      directory.partitions.get('t-0') ??
      (await directory.createPartition({
        topic: 't',
        partition: 0,
        topicId: TOPIC_ID,
        config: this.#config(),
      }))
  }

  async close(): Promise<void> {
    await this.#directory?.close()
    this.#directory = undefined
  }

  async play(step: Step): Promise<Answer> {
    try {
      return await this.#play(step)
    } catch (error) {
      if (isVarveError(error)) return { error: error.code }
      throw error
    }
  }

  /** As KafkaLog.java gives them. */
  files(): Record<string, string> {
    const files: Record<string, string> = {}
    for (const name of this.#names()) {
      const bytes = this.#vfs.sync.readFile(`${FOLDER}/${name}`)
      const digest = name.includes('.log') && bytes.length > 64
      files[name] = digest ? `${bytes.length}:${sha(bytes)}` : bytes.toString('base64')
    }
    return files
  }

  /** Everything in the directory, by its path. */
  tree(folder = '/data'): [path: string, bytes: Buffer][] {
    return this.#vfs.sync.list(folder).flatMap(({ name, kind }) => {
      const path = `${folder}/${name}`
      return kind === 'folder' ? this.tree(path) : [[path, this.#vfs.sync.readFile(path)]]
    })
  }

  async #play(step: Step): Promise<Answer> {
    const { log } = this
    switch (step.op) {
      case 'append':
        return await this.#append(step)
      case 'advance':
        await this.#clock.advanceAsync(step.ms ?? 0)
        return {}
      case 'configure':
        this.#entries = { ...this.#entries, ...step.config }
        log.configure(this.#config())
        return {}
      case 'retention':
        await log.applyRetention()
        return {}
      case 'expire':
        log.expireProducers()
        return {}
      case 'deleteRecords':
        await log.deleteRecords(step.offset ?? 0)
        return {}
      case 'timestamp': {
        const found = await log.offsetForTimestamp(step.timestamp ?? 0)
        return found === undefined ? {} : { offset: found.offset, timestamp: found.timestamp }
      }
      case 'read':
        return await this.#read(step)
      case 'consume':
        return { offsets: await consume(this.log, step.isolation === 'read_committed') }
      case 'state':
        return this.#state()
      case 'batches':
        return { batches: this.#batches() }
      case 'files':
        return { files: this.#names().filter(name => /\.(log|snapshot|txnindex)(\.deleted)?$/.test(name)) }
      case 'reopen':
        return await this.#reopen(step.clean ?? true)
      default:
        throw new Error(`unknown step ${step.op}`)
    }
  }

  #config() {
    return logConfigOf(
      Object.entries(this.#entries),
      config({ messageTimestampAfterMaxMs: 3_600_000, retentionMs: 604_800_000 }),
    )
  }

  async #append({ bytes = '', origin, leaderEpoch }: Step): Promise<Answer> {
    if (leaderEpoch !== undefined && leaderEpoch > this.log.leaderEpoch) this.log.leaderEpoch = leaderEpoch
    const { baseOffset, lastOffset, logAppendTime, logStartOffset } = await this.log.append(
      Buffer.from(bytes, 'base64'),
      origin === undefined ? {} : { origin },
    )
    return { baseOffset, lastOffset, logAppendTime, logStartOffset }
  }

  async #read({ offset = 0, isolation }: Step): Promise<Answer> {
    const { bytes, lastStableOffset } = await this.log.read({
      offset,
      ...(isolation && { isolation }),
    })
    const first = bytes.length === 0 ? {} : { first: Number(bytes.readBigInt64BE(0)) }
    return { ...first, empty: bytes.length === 0, lastStableOffset }
  }

  #state(): Answer {
    const { log } = this
    return {
      logStartOffset: log.logStartOffset,
      logEndOffset: log.logEndOffset,
      lastStableOffset: log.lastStableOffset,
      segments: log.segments.map(({ baseOffset, size }) => [baseOffset, size]),
      epochs: log.leaderEpochs.map(({ epoch, startOffset }) => [epoch, startOffset]),
      producers: [...log.producers]
        .sort((a, b) => a.producerId - b.producerId)
        .map(one => ({
          producerId: one.producerId,
          producerEpoch: one.producerEpoch,
          lastSequence: one.lastSequence,
          lastTimestamp: one.lastTimestamp,
          coordinatorEpoch: one.coordinatorEpoch,
          currentTransactionFirstOffset: one.currentTxnFirstOffset,
        })),
    }
  }

  #batches(): Answer[] {
    const found: Answer[] = []
    for (const { path } of this.log.segments) {
      const bytes = this.#vfs.sync.readFile(path)
      for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) found.push(describe(bytes, at))
    }
    return found
  }

  #names(): string[] {
    return this.#vfs.sync.list(FOLDER).map(({ name }) => name)
  }

  async #reopen(clean: boolean): Promise<Answer> {
    if (clean) await this.close()
    else this.#vfs = crashed(this.#vfs, 1, 100)
    await this.open()
    return {}
  }
}

/** The offsets of all records that a consumer is given, with what was aborted left out as it does. */
export async function consume(log: PartitionLog, committed: boolean): Promise<number[]> {
  const offsets: number[] = []
  const end = committed ? log.lastStableOffset : log.highWatermark
  for (let next = log.logStartOffset; next < end;) {
    const { bytes, abortedTransactions } = await log.read({
      offset: next,
      isolation: committed ? 'read_committed' : 'read_uncommitted',
    })
    if (bytes.length === 0) break
    const aborted = [...abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset)
    const aborting = new Set<number>()
    for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
      const attributes = readAttributes(bytes, at)
      const [last, producerId] = [readLastOffset(bytes, at), readProducerId(bytes, at)]
      for (let first = aborted[0]; first !== undefined && first.firstOffset <= last; first = aborted[0]) {
        aborting.add(first.producerId)
        aborted.shift()
      }
      const skipped = isTransactional(attributes) && aborting.has(producerId)
      if (isControl(attributes)) {
        for (const { key } of recordsOf(bytes, at)) if (controlTypeOf(key) === 0) aborting.delete(producerId)
      } else if (!skipped) {
        for (const { offset } of recordsOf(bytes, at)) if (offset >= next) offsets.push(offset)
      }
      next = last + 1
    }
  }
  return offsets
}

/** Where Varve takes the setting of Kafka's broker that is no topic's. */
function expiration(entries: Record<string, string>): { producerIdExpirationMs?: number } {
  const ms = entries['producer.id.expiration.ms']
  return ms === undefined ? {} : { producerIdExpirationMs: Number(ms) }
}

function describe(bytes: Buffer, at: number): Answer {
  const header = readBatchHeader(bytes, at)
  const attributes = readAttributes(bytes, at)
  const codec = codecOf(attributes)
  return {
    baseOffset: header.baseOffset,
    lastOffset: readLastOffset(bytes, at),
    leaderEpoch: header.leaderEpoch,
    codec,
    timestampType: timestampTypeOf(attributes),
    maxTimestamp: header.maxTimestamp,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    count: header.recordsCount,
    transactional: isTransactional(attributes),
    control: isControl(attributes),
    // What a codec makes of the same records differs between libraries.
    ...(codec === 'none' && { size: readBatchSize(bytes, at), crc: readCrc(bytes, at) }),
    records: [...recordsOf(bytes, at)].map(one => [
      one.offset,
      one.timestamp,
      text(one.key),
      text(one.value),
    ]),
  }
}

function text(bytes: Buffer | null): string | null {
  if (bytes === null) return null
  return bytes.length > 64 ? sha(bytes) : bytes.toString('base64')
}

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
