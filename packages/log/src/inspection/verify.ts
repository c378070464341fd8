import { isVarveError, VarveError, type Clock, type Vfs } from '@varve/platform'
import { basename, dirname, join } from 'node:path'
import { parsePartitionName } from '../topic-partition.ts'
import type { Flaw } from './flaw.ts'
import { locate, type Location } from './location.ts'
import type { PartitionPlan } from './partition-plan.ts'
import { planAlone, planOf, topicIdOf } from './plans.ts'
import { BOOTSTRAP_FILE, readRoot, type RootFacts } from './root-facts.ts'
import { runSteps, type Steps } from './steps.ts'
import { verifyPartition } from './verify-partition.ts'
import type { Tally } from './verify-segment.ts'
import { verifyBatchFile } from './verify-small-files.ts'

export interface VerifyOptions {
  readonly vfs: Vfs
  readonly clock: Clock
  /** Aborting ends the check with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Told as it goes on. */
  readonly progress?: ((progress: VerifyProgress) => void) | undefined
}

export interface VerifyProgress {
  readonly path: string
  readonly bytes: number
  readonly bytesTotal: number
}

/** The last thing that a check says. */
export interface VerifySummary {
  readonly type: 'summary'
  readonly path: string
  /** Whether no damage was found. */
  readonly sound: boolean
  readonly damages: number
  readonly notes: number
  readonly partitions: number
  readonly segments: number
  readonly batches: number
  readonly records: number
  /** Bytes that were looked at. */
  readonly bytes: number
  /** What has no checksum and nothing to be compared with: a wrong but well-formed content goes unnoticed. */
  readonly unprovable: readonly string[]
}

/** Notes of one partition that are kept until it is known that there is no damage beside them. */
const FLAWS_KEPT_MAX = 10_000

const UNPROVABLE = [
  'meta.properties',
  'varve.format',
  '.kafka_cleanshutdown',
  'log-start-offset-checkpoint',
  'cleaner-offset-checkpoint',
  'partition.metadata',
  'base offsets between the gaps of compacted logs',
  'quorum-state',
]

/**
 * Checks every byte of a data directory, a partition's folder or one of its files, and changes none. Takes no lock:
 * what is unfinished beside a living owner or after a crash is a note.
 *
 * @throws `NOT_FOUND`, `DIRECTORY_NOT_VARVE`, `NOT_PERMITTED`
 */
export async function* verify(
  path: string,
  options: VerifyOptions,
): AsyncGenerator<Flaw | VerifySummary, void, undefined> {
  const verification = new Verification(await locate(options.vfs, path), path, options)
  yield* verification.run()
}

class Verification {
  readonly #options: VerifyOptions
  readonly #location: Location
  readonly #path: string
  readonly #tally: Tally & { partitions: number } = {
    partitions: 0,
    segments: 0,
    batches: 0,
    records: 0,
    bytes: 0,
  }
  #damages = 0
  #notes = 0
  #bytes = 0
  #bytesTotal = 0

  constructor(location: Location, path: string, options: VerifyOptions) {
    this.#location = location
    this.#path = path
    this.#options = options
  }

  async *run(): AsyncGenerator<Flaw | VerifySummary, void, undefined> {
    for await (const flaw of this.#flaws()) {
      if (flaw.type === 'damage') this.#damages++
      else this.#notes++
      yield flaw
    }
    const { partitions, segments, batches, records } = this.#tally
    yield {
      type: 'summary',
      path: this.#path,
      sound: this.#damages === 0,
      damages: this.#damages,
      notes: this.#notes,
      ...{ partitions, segments, batches, records },
      bytes: this.#bytes,
      unprovable: UNPROVABLE,
    }
  }

  async *#flaws(): AsyncGenerator<Flaw, void, undefined> {
    const { vfs } = this.#options
    const location = this.#location
    const facts = location.root === undefined ? undefined : await readRoot(vfs, location.root)
    if (location.kind === 'directory' && facts !== undefined) {
      yield* this.#directory(facts)
    } else if (location.kind === 'partition') {
      yield* this.#settled(await this.#planOf(location.folder, facts))
    } else if (location.kind === 'file') {
      yield* this.#file(location, facts)
    }
  }

  async *#directory(facts: RootFacts): AsyncGenerator<Flaw, void, undefined> {
    const { vfs } = this.#options
    this.#bytes += facts.bytes
    this.#bytesTotal = facts.bytes
    yield* facts.flaws
    const bootstrap = join(facts.root, BOOTSTRAP_FILE)
    if ((await vfs.stat(bootstrap)) !== undefined) yield* this.#take(bootstrap, this.#batchFile(bootstrap))
    for (const name of facts.partitions) this.#bytesTotal += await this.#sizeOf(join(facts.root, name))
    const ids = new Map<string, string>()
    for (const name of facts.partitions) {
      const folder = join(facts.root, name)
      const plan = await this.#planOf(folder, facts)
      yield* this.#topicIds(plan, ids)
      yield* this.#settled(plan)
    }
  }

  /**
   * Beside a living owner, who deletes and rolls segments meanwhile, the files and what the root says of them may be of
   * two times. What is damage is so at a second look, too.
   */
  async *#settled(plan: PartitionPlan): AsyncGenerator<Flaw, void, undefined> {
    if (plan.clean) {
      yield* this.#partition(plan)
      return
    }
    const before = { tally: { ...this.#tally }, bytes: this.#bytes }
    const flaws: Flaw[] = []
    let damaged = false
    for await (const flaw of this.#partition(plan)) {
      damaged ||= flaw.type === 'damage'
      if (flaws.length < FLAWS_KEPT_MAX) flaws.push(flaw)
    }
    if (!damaged) {
      yield* flaws
      return
    }
    Object.assign(this.#tally, before.tally)
    this.#bytes = before.bytes
    const { vfs } = this.#options
    if ((await vfs.stat(plan.folder)) === undefined) return
    yield* this.#partition(await this.#planOf(plan.folder, await readRoot(vfs, dirname(plan.folder))))
  }

  /** The partitions of a topic have one id between them. */
  async *#topicIds(plan: PartitionPlan, ids: Map<string, string>): AsyncGenerator<Flaw, void, undefined> {
    const id = await topicIdOf(this.#options.vfs, plan.folder)
    if (id === undefined) return
    const other = ids.get(plan.topic)
    if (other === undefined) ids.set(plan.topic, id)
    else if (other !== id) {
      const { topic, partition, folder } = plan
      const message = `The partition in ${folder} has topic id ${id}, but another partition of topic ${topic} has ${other}.`
      yield { type: 'damage', kind: 'properties', topic, partition, path: folder, message }
    }
  }

  async *#partition(plan: PartitionPlan): AsyncGenerator<Flaw, void, undefined> {
    if (this.#bytesTotal === 0) this.#bytesTotal = await this.#sizeOf(plan.folder)
    this.#tally.partitions++
    try {
      yield* this.#take(plan.folder, verifyPartition(this.#options.vfs.sync, plan))
    } catch (error) {
      if (!isVarveError(error) || this.#location.kind === 'partition') throw error
      // The owner may have deleted it meanwhile.
      if ((await this.#options.vfs.stat(plan.folder)) === undefined) return
      const { topic, partition, folder } = plan
      const message = `The partition ${topic}-${partition} cannot be read: ${error.message}`
      yield { type: 'damage', kind: 'unreadable', topic, partition, path: folder, message }
    }
  }

  /** One file: what is found in its partition, or at its root, that names it. */
  async *#file(
    { path, name, folder }: Location & { kind: 'file' },
    facts: RootFacts | undefined,
  ): AsyncGenerator<Flaw, void, undefined> {
    if (folder === undefined) {
      if (name === BOOTSTRAP_FILE) yield* this.#take(path, this.#batchFile(path))
      else for (const flaw of facts?.flaws ?? []) if (flaw.path === path) yield flaw
      this.#bytes ||= (await this.#options.vfs.stat(path))?.size ?? 0
      return
    }
    if (
      !/^\d{20}\.(log|index|timeindex|txnindex|snapshot)$|^\d{20}-\d{10}\.checkpoint$|^(leader-epoch-checkpoint|partition\.metadata|quorum-state)$/.test(
        name,
      )
    ) {
      throw new VarveError(
        'DIRECTORY_NOT_VARVE',
        `${path} is no file of a data directory: name a .log, an index or another file that Varve or Kafka wrote.`,
        { context: { path } },
      )
    }
    // An index means something beside its log only, so the folder is walked.
    for await (const flaw of this.#settled(await this.#planOf(folder, facts)))
      if (flaw.path === path) yield flaw
  }

  *#batchFile(path: string): Steps<Flaw, undefined> {
    yield* verifyBatchFile(this.#options.vfs.sync, path, 0, (type, kind, place, message) => ({
      type,
      kind,
      ...place,
      message,
    }))
  }

  async #planOf(folder: string, facts: RootFacts | undefined): Promise<PartitionPlan> {
    if (facts === undefined || parsePartitionName(basename(folder)) === undefined) return planAlone(folder)
    return planOf(facts, basename(folder), await topicIdOf(this.#options.vfs, folder))
  }

  async #sizeOf(folder: string): Promise<number> {
    const { vfs } = this.#options
    let size = 0
    for (const { name, kind } of await vfs.list(folder).catch(() => [])) {
      if (kind === 'file') size += (await vfs.stat(join(folder, name)))?.size ?? 0
    }
    return size
  }

  async *#take(path: string, steps: Steps<Flaw, Tally | undefined>): AsyncGenerator<Flaw, void, undefined> {
    const { clock, signal, progress } = this.#options
    const onBytes = (bytes: number) => {
      this.#bytes += bytes
      progress?.({ path, bytes: this.#bytes, bytesTotal: Math.max(this.#bytesTotal, this.#bytes) })
    }
    const tally = yield* runSteps<Flaw, Tally | undefined>(steps, { clock, signal, onBytes })
    if (tally === undefined) return
    this.#tally.segments += tally.segments
    this.#tally.batches += tally.batches
    this.#tally.records += tally.records
  }
}
