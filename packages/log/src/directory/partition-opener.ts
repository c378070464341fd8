import { join } from 'node:path'
import { isVarveError, VarveError } from '@varve/platform'
import { forEachBounded } from '../files/semaphore.ts'
import { TimeSlice } from '../files/time-slice.ts'
import { logLimits } from '../limits.ts'
import { defaultLogConfig, type LogConfig } from '../log-config.ts'
import { LogState, type LogContext } from '../partition/log-state.ts'
import {
  newPartitionFiles,
  readPartitionFiles,
  readPartitionFilesSync,
  type PartitionFiles,
} from '../partition/partition-files.ts'
import { PartitionLog } from '../partition/partition-log.ts'
import { parsePartitionName, partitionName, type TopicPartition } from '../topic-partition.ts'
import type { DirectoryCheckpoints } from './checkpoints.ts'
import type { LogDirectoryOptions } from './log-directory-options.ts'
import { isDeletedFolder, isIncomplete } from './partition-folder.ts'

/** Partitions that are read by way of threads after the disk itself had to be asked. */
const THREADED_AFTER_WAIT = 32

/** What is wrong with one folder only. Anything else is the matter of the whole directory, as in Kafka. */
const OF_ONE_FOLDER = ['NOT_PERMITTED', 'NOT_FOUND', 'KAFKA_STORAGE_ERROR', 'INVALID_ARGUMENT', 'TOO_LARGE']

interface PartitionOpenerOptions {
  readonly root: string
  readonly options: LogDirectoryOptions
  readonly context: LogContext
  readonly checkpoints: DirectoryCheckpoints
}

/** A folder that was looked at. */
interface Found {
  readonly of: TopicPartition
  readonly name: string
  readonly folder: string
  readonly files: PartitionFiles
}

/**
 * Opens the partitions of a directory: first a look into each folder, which is all that a log needs to which nothing
 * happened since it was closed, then recovery of the others, several at once.
 */
export class PartitionOpener {
  readonly #root: string
  readonly #options: LogDirectoryOptions
  readonly #context: LogContext
  readonly #checkpoints: DirectoryCheckpoints

  constructor({ root, options, context, checkpoints }: PartitionOpenerOptions) {
    this.#root = root
    this.#options = options
    this.#context = context
    this.#checkpoints = checkpoints
  }

  /** Opens what the folders hold; `opened` is given each partition. */
  async openAll(
    { folders, misplaced }: { folders: readonly string[]; misplaced: readonly string[] },
    opened: (log: PartitionLog) => void,
  ): Promise<void> {
    const names: string[] = []
    for (const name of misplaced) this.#misplaced(join(this.#root, name))
    for (const name of folders) {
      if (parsePartitionName(name) === undefined) await this.#foreignFolder(name)
      else names.push(name)
    }
    let count = 0
    const progress = (log: PartitionLog | undefined): void => {
      if (log !== undefined) opened(log)
      this.#options.progress?.({ opened: ++count, partitions: names.length })
    }
    const unsettled: Found[] = []
    const take = (found: Found | PartitionLog | undefined): void => {
      if (found === undefined || found instanceof PartitionLog) progress(found)
      else {
        const log = this.#openSettled(found)
        if (log === undefined) unsettled.push(found)
        else progress(log)
      }
    }
    await this.#look(names, take)
    await forEachBounded(unsettled, logLimits.opensInFlightMax, async found => {
      progress(await this.#load(found))
    })
  }

  /** The log of a partition whose folder was made just now. */
  create(of: TopicPartition, topicId: string, config: LogConfig | undefined): Promise<PartitionLog> {
    const name = partitionName(of)
    const folder = join(this.#root, name)
    const found = { of, name, folder, files: newPartitionFiles(folder, topicId) }
    const known = this.#checkpoints.knownOf(name, topicId)
    return PartitionLog.load(this.#stateOf(found, config), known, found.files)
  }

  /**
   * Looks into each folder. Where the operating system answers from its memory, a call in place takes a tenth of what a
   * hop to a thread and back does (5 to 15 against 50 to 100 microseconds, each five to ten times for a partition), so
   * that is what is done, in slices between which the event loop turns. A call that takes longer has waited for the
   * disk: then the next ones are made in threads, several at once, before it is tried again.
   */
  async #look(
    names: readonly string[],
    take: (found: Found | PartitionLog | undefined) => void,
  ): Promise<void> {
    const { vfs, clock } = this.#context
    const slice = new TimeSlice(clock)
    let threaded = vfs.answersInPlace === true ? 0 : names.length
    for (let at = 0; at < names.length;) {
      if (threaded > 0) {
        await forEachBounded(names.slice(at, at + threaded), logLimits.opensInFlightMax, async name => {
          take(await this.#lookAt(name, folder => readPartitionFiles(vfs, folder)))
          await slice.end()
        })
        at += threaded
        threaded = 0
        continue
      }
      const began = clock.monotonic()
      take(await this.#lookAt(names[at] ?? '', folder => readPartitionFilesSync(vfs.sync, folder)))
      at++
      if (clock.monotonic() - began > logLimits.diskWaitMs) threaded = THREADED_AFTER_WAIT
      await slice.end()
    }
  }

  async #lookAt(
    name: string,
    read: (folder: string) => PartitionFiles | Promise<PartitionFiles>,
  ): Promise<Found | PartitionLog | undefined> {
    const of = parsePartitionName(name)
    if (of === undefined) return undefined
    const folder = join(this.#root, name)
    try {
      const files = await read(folder)
      if (!isIncomplete(files)) return { of, name, folder, files }
      this.#context.report({
        kind: 'incomplete-partition',
        ...of,
        path: folder,
        message: `The folder ${folder} is of a partition whose creation was cut; it holds nothing and is not opened.`,
      })
      return undefined
    } catch (error) {
      return this.#failed({ of, name, folder, topicId: undefined }, error)
    }
  }

  #openSettled(found: Found): PartitionLog | undefined {
    const { topicId } = found.files
    const known = this.#checkpoints.knownOf(found.name, topicId)
    if (known.note?.state !== 'settled') return undefined
    return PartitionLog.loadSettled(this.#stateOf(found), known, found.files)
  }

  async #load(found: Found): Promise<PartitionLog | undefined> {
    const { topicId } = found.files
    try {
      const known = this.#checkpoints.knownOf(found.name, topicId)
      return await PartitionLog.load(this.#stateOf(found), known, found.files)
    } catch (error) {
      return this.#failed({ ...found, topicId }, error)
    }
  }

  /**
   * A folder that cannot be opened takes its partition offline and no other; its error comes with each use. But when
   * the disk fails, or there are no handles, there is no partition that could be relied on.
   */
  async #failed(
    found: Omit<Found, 'files'> & { topicId: string | undefined },
    error: unknown,
  ): Promise<PartitionLog | undefined> {
    const { of, name, folder } = found
    // The owner may delete a partition while a reader opens it.
    if (this.#context.readOnly && (await this.#context.vfs.stat(folder)) === undefined) return undefined
    const failure = cannotOpen(name, folder, error)
    if (!isVarveError(error, ...OF_ONE_FOLDER)) throw failure
    this.#context.report({
      kind: 'partition-offline',
      ...of,
      path: error.context.path ?? folder,
      message: failure.message,
    })
    const topicId = found.topicId ?? this.#checkpoints.durable.noteOf(name)?.topicId
    const state = new LogState({
      context: this.#context,
      topicPartition: { topic: of.topic, partition: of.partition },
      folder,
      topicId,
      config: this.#configOf(of, topicId),
    })
    return PartitionLog.unopened(state, this.#checkpoints.knownOf(name, topicId), failure)
  }

  #stateOf({ of, folder, files }: Found, config?: LogConfig): LogState {
    const { topicId } = files
    return new LogState({
      context: this.#context,
      topicPartition: { topic: of.topic, partition: of.partition },
      folder,
      topicId,
      config: config ?? this.#configOf(of, topicId),
    })
  }

  #configOf(of: TopicPartition, topicId: string | undefined): LogConfig {
    return this.#options.configOf?.(of, topicId) ?? defaultLogConfig
  }

  #misplaced(path: string): void {
    this.#context.report({
      kind: 'unknown-file',
      path,
      message: `${path} has the name of a partition's folder, but is none; it is left alone, and that partition cannot be made.`,
    })
  }

  /** Nothing that Varve does not know is touched; only what a deletion left is removed, as Kafka does. */
  async #foreignFolder(name: string): Promise<void> {
    const path = join(this.#root, name)
    if (isDeletedFolder(name)) {
      if (!this.#context.readOnly) await this.#removeDeleted(path)
      return
    }
    this.#context.report({
      kind: 'unknown-folder',
      path,
      message: `The folder ${path} is no partition; it is left alone, but Kafka would not start here.`,
    })
  }

  /** Nobody misses what is left of a deletion: it keeps nobody from what is there. */
  async #removeDeleted(path: string): Promise<void> {
    const { vfs, logger } = this.#context
    try {
      await vfs.removeTree(path)
    } catch (error) {
      if (!isVarveError(error)) throw error
      logger.warn({ path, error }, 'A deleted partition could not be removed; the next opening tries again.')
    }
  }
}

/** The error for a partition's folder that cannot be opened. */
function cannotOpen(name: string, folder: string, cause: unknown): VarveError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const context = isVarveError(cause) ? cause.context : {}
  return new VarveError(
    'KAFKA_STORAGE_ERROR',
    `The partition ${name} in ${folder} cannot be opened: ${why}`,
    { context: { path: folder, ...context }, cause },
  )
}
