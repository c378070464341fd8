import { defaultLogConfig, LogDirectory, type LogConfig, type PartitionLog } from '@varve/log'
import { FakeClock, isVarveError, MemFs, SeededRandom } from '@varve/platform'
import { committedOnly, markerBatch, PropertyFailure, require, stampedBatch, stampsIn } from '@varve/testkit'
import { damageSomething, type Damage } from './damage.ts'

const ROOT = '/data'
/** Many segments and entries of indexes, or one segment that is walked as a whole. */
const CONFIGS = [
  { ...defaultLogConfig, segmentBytes: 1200, indexIntervalBytes: 150 },
  { ...defaultLogConfig, segmentBytes: 100_000, indexIntervalBytes: 100_000 },
] as const
const PARTITIONS = [0, 1]
const APPENDS = 30

/** Of these, in one partition: a transaction each. */
const APPENDS_PER_TRANSACTION = 3
const PRODUCER = { id: 77, epoch: 0 }

interface Expected {
  /** -1 for the marker that ends a transaction. */
  readonly seq: number
  readonly index: number
  readonly timestamp: number
  /** Whether readers of committed records are shown it. */
  readonly committed: boolean
}

export interface CorruptionCounts {
  damages: number
  /** Directories that could not be opened, and said why. */
  refused: number
  /** Offsets whose reading failed, and said why. */
  unreadable: number
  /** Records that were read and compared. */
  compared: number
}

/**
 * A directory that was closed in order, or not, and then damaged: what is read from it is what was written, or an
 * error or a finding names the place.
 */
export class CorruptionRun {
  readonly counts: CorruptionCounts = { damages: 0, refused: 0, unreadable: 0, compared: 0 }
  readonly #random: SeededRandom
  readonly #clock = new FakeClock()
  readonly #expected = PARTITIONS.map((): Expected[] => [])
  readonly #clean: boolean
  readonly #config: LogConfig
  /** The segments' files and their sizes, before any damage. */
  #sizes: ReadonlyMap<string, number> = new Map()
  #opens = 0
  #mem = new MemFs({ crashable: true, clock: this.#clock })

  constructor(seed: number, { clean }: { readonly clean: boolean }) {
    this.#random = new SeededRandom(seed)
    this.#clean = clean
    this.#config = this.#random.pick(CONFIGS)
  }

  /** @throws PropertyFailure */
  async run(damages: number): Promise<CorruptionCounts> {
    await this.#write()
    this.#sizes = logSizes(this.#mem)
    for (let left = damages; left > 0; left--) {
      const mem = this.#mem.crashClone({ rng: this.#random, unsyncedPercent: 100 })
      const damage = damageSomething(mem, ROOT, this.#random)
      this.counts.damages++
      try {
        await this.#check(mem, damage)
      } catch (error) {
        if (!(error instanceof PropertyFailure)) throw error
        const { path, what } = damage
        throw new PropertyFailure(
          `${what} of ${path}, ${this.#clean ? 'closed' : 'not closed'}: ${error.message}`,
        )
      }
    }
    return this.counts
  }

  async #write(): Promise<void> {
    const directory = await this.#open(this.#mem, false)
    for (const partition of PARTITIONS) {
      const topicId = this.#random.bytes(16).toString('base64url')
      await directory.createPartition({ topic: 'damaged', partition, topicId, config: this.#config })
    }
    for (let seq = 0; seq < APPENDS; seq++) {
      this.#clock.advance(1 + this.#random.int(50))
      const timestamp = this.#clock.now()
      for (const partition of PARTITIONS) {
        const log = directory.partition({ topic: 'damaged', partition })
        if (log !== undefined) await this.#append(log, { seq, timestamp })
      }
    }
    if (this.#clean) await directory.close()
    else this.#clock.advance(200)
    await new Promise(resolve => setImmediate(resolve))
    if (!this.#clean) this.#mem = this.#mem.crashClone({ rng: this.#random, unsyncedPercent: 100 })
  }

  /** To the second partition in transactions, of which every second one is aborted. */
  async #append(log: PartitionLog, { seq, timestamp }: { seq: number; timestamp: number }): Promise<void> {
    const uid = log.partition
    const expected = this.#expected[uid] ?? []
    const count = 1 + this.#random.int(4)
    const transaction = Math.floor(seq / APPENDS_PER_TRANSACTION)
    const marker = transaction % 2 === 0 ? 'commit' : 'abort'
    const sequence = expected.filter(one => one.seq >= 0).length
    const sender = uid === 1 ? { ...PRODUCER, sequence, transactional: true } : undefined
    const padding = this.#random.int(100)
    const of = { timestamp, padding, ...(sender === undefined ? {} : { sender }) }
    await log.append(stampedBatch({ uid, seq, count }, of))
    const committed = uid !== 1 || marker === 'commit'
    for (let index = 0; index < count; index++) expected.push({ seq, index, timestamp, committed })
    if (uid !== 1 || seq % APPENDS_PER_TRANSACTION < APPENDS_PER_TRANSACTION - 1) return
    const ended = markerBatch(marker, { timestamp, producerId: PRODUCER.id, producerEpoch: PRODUCER.epoch })
    await log.append(ended, { origin: 'coordinator' })
    expected.push({ seq: -1, index: 0, timestamp, committed: false })
  }

  #open(vfs: MemFs, readOnly: boolean): Promise<LogDirectory> {
    const random = this.#random.fork(`directory-${this.#opens++}`)
    return LogDirectory.open(ROOT, {
      vfs,
      clock: this.#clock,
      random,
      readOnly,
      configOf: () => this.#config,
    })
  }

  async #check(mem: MemFs, { path }: Damage): Promise<void> {
    const sizes = logSizes(mem)
    let directory: LogDirectory
    try {
      directory = await this.#open(mem, this.#random.chance(30))
    } catch (error) {
      if (!isVarveError(error)) throw error
      const named = namesFile(error, path)
      require(named, () => `The opening fails without a word of the file: ${error.message}`)
      this.counts.refused++
      return
    }
    // All of a closed log was durable: nothing of it is a torn tail that may be cut.
    const now = logSizes(mem)
    for (const [log, size] of this.#clean ? this.#sizes : []) {
      const left = Math.min(size, sizes.get(log) ?? 0)
      require((now.get(log) ?? 0) >= left, () => `${log} was cut from ${left} to ${now.get(log)} bytes`)
    }
    for (const partition of PARTITIONS) {
      const log = directory.partition({ topic: 'damaged', partition })
      const name = `damaged-${partition}`
      const found = directory.findings.some(finding => finding.path.includes(`/${name}`))
      if (log === undefined) require(found, () => `${name} is gone without a word`)
      else await this.#checkPartition(log, this.#expected[partition] ?? [], found)
    }
    await directory.close().catch((error: unknown) => {
      if (!isVarveError(error)) throw error
    })
  }

  async #checkPartition(log: PartitionLog, expected: readonly Expected[], told: boolean): Promise<void> {
    const end = log.highWatermark
    const whole = log.logStartOffset === 0 && end === expected.length
    require(whole || told, () =>
      `${log.name} goes from ${log.logStartOffset} to ${end} without a word, not from 0 to ${expected.length}`)
    for (let offset = log.logStartOffset; offset < end;) {
      const next = await this.#readAt(log, offset, expected)
      offset = next ?? offset + 1
    }
    for (let tries = 0; tries < 3 && whole && !told; tries++) await this.#lookUp(log, expected)
    // Where a marker cannot be read any more, nobody knows how its transaction ended, and a finding says so.
    for (let tries = 0; tries < 3 && whole && !told; tries++) await this.#readCommitted(log, expected)
  }

  /** Whatever a reader of committed records is shown is committed, and what is hidden from it is not. */
  async #readCommitted(log: PartitionLog, expected: readonly Expected[]): Promise<void> {
    const offset = this.#random.int(expected.length)
    if (offset >= log.lastStableOffset) return
    const reading = log.read({ offset, maxBytes: 600, isolation: 'read_committed' })
    const fetched = await reading.catch((error: unknown) => {
      const named = isVarveError(error, 'CORRUPT_MESSAGE') && error.context.path !== undefined
      require(named, () =>
        `${log.name}: the reading of what is committed at ${offset} fails with ${String(error)}`)
      this.counts.unreadable++
    })
    if (fetched === undefined) return
    const { visible, hidden } = committedOnly(stampsIn(fetched.bytes), fetched.abortedTransactions)
    for (const [records, shown] of [
      [visible, true],
      [hidden, false],
    ] as const) {
      const wrong = records.find(record => expected[record.offset]?.committed !== shown)
      require(wrong === undefined, () =>
        `${log.name}: offset ${wrong?.offset} is ${shown ? 'shown to' : 'hidden from'} a reader of committed records`)
    }
  }

  /** The offset behind what was read; undefined where an error says that this offset is damaged. */
  async #readAt(
    log: PartitionLog,
    offset: number,
    expected: readonly Expected[],
  ): Promise<number | undefined> {
    let bytes: Buffer
    try {
      bytes = (await log.read({ offset, maxBytes: 600 })).bytes
    } catch (error) {
      const named = isVarveError(error, 'CORRUPT_MESSAGE') && error.context.path !== undefined
      require(named, () => `${log.name}: the reading at ${offset} fails with ${String(error)}`)
      this.counts.unreadable++
      return undefined
    }
    const found = stampsIn(bytes)
    const last = found.at(-1)
    require(last !== undefined && last.offset >= offset, () =>
      `${log.name}: a read at ${offset} gives nothing`)
    require(found[0] === undefined || found[0].offset <= offset, () =>
      `${log.name}: a read at ${offset} gives ${found[0]?.offset}`)
    for (const record of found) {
      const wanted = expected[record.offset]
      require((record.seq < 0 || record.uid === log.partition) &&
        wanted?.seq === record.seq &&
        wanted.index === record.index, () =>
        `${log.name}: offset ${record.offset} holds ${record.uid}/${record.seq}.${record.index}, not ${wanted?.seq}.${wanted?.index}`)
      this.counts.compared++
    }
    return last.offset + 1
  }

  async #lookUp(log: PartitionLog, expected: readonly Expected[]): Promise<void> {
    const timestamp = (expected[this.#random.int(expected.length)]?.timestamp ?? 0) - this.#random.int(2)
    const wanted = expected.findIndex(record => record.timestamp >= timestamp)
    let found: number
    try {
      found = (await log.offsetForTimestamp(timestamp))?.offset ?? -1
    } catch (error) {
      if (!isVarveError(error, 'CORRUPT_MESSAGE')) throw error
      this.counts.unreadable++
      return
    }
    require(found === wanted, () =>
      `${log.name}: the first record at ${timestamp} is ${wanted}, and ${found} is answered`)
  }
}

function logSizes(mem: MemFs): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const partition of PARTITIONS) {
    const folder = `${ROOT}/damaged-${partition}`
    for (const { name } of mem.sync.list(folder)) {
      if (name.endsWith('.log')) sizes.set(`${folder}/${name}`, mem.sync.stat(`${folder}/${name}`)?.size ?? 0)
    }
  }
  return sizes
}

function namesFile(error: unknown, path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const folder = path.slice(0, path.lastIndexOf('/'))
  const text = String(error)
  return (
    text.includes(name) ||
    (folder !== ROOT && text.includes(folder)) ||
    (folder === ROOT && text.includes(ROOT))
  )
}
