import { isVarveError, VarveError, type Clock, type Vfs } from '@varve/platform'
import { basename, join } from 'node:path'
import { readText, parseCheckpoint, wholeNumber } from '../checkpoints/checkpoint-file.ts'
import { isVarveMarker, CLEAN_SHUTDOWN_FILE } from '../checkpoints/clean-shutdown.ts'
import { LEADER_EPOCH_FILE } from '../checkpoints/leader-epoch-checkpoint.ts'
import { lockPath } from '../lock/lock-file.ts'
import { LOG_SUFFIX, parseSegmentFileName } from '../segment/segment-files.ts'
import { parsePartitionName } from '../topic-partition.ts'
import { inspectEntries } from './inspect-entries.ts'
import { inspectPartition, inspectSegment, type InspectPartitionOptions } from './inspect-partition.ts'
import type { DirectoryItem, InspectionItem, LockItem } from './inspection-items.ts'
import { locate, type Location } from './location.ts'
import { planAlone, planOf, topicIdOf } from './plans.ts'
import { BOOTSTRAP_FILE, CHECKPOINT_FILES, readRoot, type RootFacts } from './root-facts.ts'
import { runSteps, type Steps } from './steps.ts'
import type { PartitionPlan } from './partition-plan.ts'

export interface InspectOptions {
  readonly vfs: Vfs
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** Of a directory: only this partition, such as `orders-0`, and that in detail. */
  readonly partition?: string | undefined
  /** Only the segment that holds this offset. */
  readonly segment?: number | undefined
  /** Each batch. Default: only where one segment's file is named. */
  readonly batches?: boolean | undefined
  /** Each entry of the offset and time indexes. Default false. */
  readonly index?: boolean | undefined
}

/**
 * What is in the files of a data directory, of a partition's folder or in one of its files. Takes no lock and changes
 * nothing. What belongs together comes together, batches before their segment and segments before their partition.
 *
 * @throws `NOT_FOUND`, `DIRECTORY_NOT_VARVE`, `NOT_PERMITTED`, `UNKNOWN_TOPIC_OR_PARTITION`
 */
export async function* inspect(
  path: string,
  options: InspectOptions,
): AsyncGenerator<InspectionItem, void, undefined> {
  yield* new Inspection(options).run(await locate(options.vfs, path))
}

class Inspection {
  readonly #options: InspectOptions

  constructor(options: InspectOptions) {
    this.#options = options
  }

  async *run(location: Location): AsyncGenerator<InspectionItem, void, undefined> {
    const { vfs } = this.#options
    const facts = location.root === undefined ? undefined : await readRoot(vfs, location.root)
    if (location.kind === 'file') yield* this.#file(location, facts)
    else if (location.kind === 'partition') yield* this.#partition(location.folder, facts, { details: true })
    else if (facts !== undefined) yield* this.#directory(facts)
  }

  async *#directory(facts: RootFacts): AsyncGenerator<InspectionItem, void, undefined> {
    const { partition } = this.#options
    if (partition !== undefined) {
      if (!facts.partitions.includes(partition)) throw unknownPartition(facts, partition)
      yield* this.#partition(join(facts.root, partition), facts, { details: true })
      return
    }
    yield await this.#directoryItem(facts)
    yield* locksOf(facts)
    for (const name of facts.partitions)
      yield* this.#partition(join(facts.root, name), facts, { details: false })
    for (const { type, path, message } of facts.flaws)
      if (type === 'damage')
        yield { type: 'problem', topic: null, partition: null, path, position: null, message }
  }

  async #directoryItem(facts: RootFacts): Promise<DirectoryItem> {
    const marker = await readText(this.#options.vfs, join(facts.root, CLEAN_SHUTDOWN_FILE))
    const byVarve = facts.owned || (marker !== undefined && isVarveMarker(marker))
    return {
      type: 'directory',
      path: facts.root,
      writtenBy: byVarve ? 'varve' : 'kafka',
      clean: facts.clean,
      clusterId: facts.properties?.clusterId ?? null,
      nodeId: facts.properties?.nodeId ?? null,
      directoryId: facts.properties?.directoryId ?? null,
      formatVersion: facts.format?.version ?? null,
      brokerEpoch: facts.brokerEpoch ?? null,
      partitions: facts.partitions.length,
    }
  }

  async *#partition(
    folder: string,
    facts: RootFacts | undefined,
    { details }: { details: boolean },
  ): AsyncGenerator<InspectionItem, void, undefined> {
    const { vfs, segment, batches = false, index = false } = this.#options
    const topicId = await topicIdOf(vfs, folder)
    const options: InspectPartitionOptions = { topicId, segment, batches, index, details }
    try {
      yield* this.#take(inspectPartition(vfs.sync, planFor(folder, facts, topicId), options))
    } catch (error) {
      // The owner may have deleted it meanwhile.
      if (!isVarveError(error, 'NOT_FOUND') || (await vfs.stat(folder)) !== undefined) throw error
    }
  }

  async *#file(
    { path, name, folder }: Location & { kind: 'file' },
    facts: RootFacts | undefined,
  ): AsyncGenerator<InspectionItem, void, undefined> {
    const { vfs, batches = true } = this.#options
    const plan = planFor(folder ?? path, folder === undefined ? undefined : facts, undefined)
    const suffix = parseSegmentFileName(name)?.suffix
    if (suffix === LOG_SUFFIX || name.endsWith('.checkpoint')) {
      yield* this.#take(inspectSegment(vfs.sync, plan, path, { batches }))
    } else if (suffix !== undefined || name === LEADER_EPOCH_FILE) {
      yield* this.#take(inspectEntries(vfs.sync, plan, path))
    } else if ((CHECKPOINT_FILES as readonly string[]).includes(name)) {
      for (const [topic = '', partition, offset = ''] of parseCheckpoint(
        (await readText(vfs, path)) ?? '',
        3,
      ) ?? [])
        yield {
          type: 'checkpoint',
          ...{ topic, partition: wholeNumber(partition) ?? -1 },
          ...{ path, offset: wholeNumber(offset) ?? -1 },
        }
    } else if (facts !== undefined && folder === undefined && name !== BOOTSTRAP_FILE) {
      yield await this.#directoryItem(facts)
      yield* locksOf(facts)
    } else {
      throw new VarveError(
        'DIRECTORY_NOT_VARVE',
        `${path} is no file that can be shown: name a .log, an index, a .snapshot or a checkpoint.`,
        { context: { path } },
      )
    }
  }

  #take(steps: Steps<InspectionItem, unknown>): AsyncGenerator<InspectionItem, unknown> {
    const { clock, signal } = this.#options
    return runSteps(steps, { clock, signal })
  }
}

function planFor(folder: string, facts: RootFacts | undefined, topicId: string | undefined): PartitionPlan {
  const name = basename(folder)
  if (facts === undefined || parsePartitionName(name) === undefined) return planAlone(folder)
  return planOf(facts, name, topicId)
}

function* locksOf({ root, locks }: RootFacts): Generator<LockItem> {
  for (const { number, content } of locks) {
    const known = content === 'unreadable' ? undefined : content
    yield {
      type: 'lock',
      path: lockPath(root, number),
      number,
      pid: known?.pid ?? null,
      machineId: known?.machineId ?? null,
      bootId: known?.bootId ?? null,
      released: known?.released ?? null,
    }
  }
}

function unknownPartition({ root, partitions }: RootFacts, name: string): VarveError {
  const some = partitions.slice(0, 5).join(', ')
  return new VarveError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `There is no partition ${name} in ${root}: it has ${some === '' ? 'none' : some}${partitions.length > 5 ? ', …' : ''}.`,
    { context: { path: root, found: name } },
  )
}
