import { isVarveError, silentLogger, VarveError } from '@varve/platform'
import type { DurableOffsets } from '../checkpoints/durable-offsets.ts'
import type { MetaProperties } from '../checkpoints/meta-properties.ts'
import { forEachBounded } from '../files/semaphore.ts'
import { TimeSlice } from '../files/time-slice.ts'
import { logLimits } from '../limits.ts'
import { MemoryMachine } from '../lock/memory-machine.ts'
import type { Finding } from '../partition/finding.ts'
import type { LogContext } from '../partition/log-state.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import { RetentionCheck } from '../retention/retention-check.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { checkTopicId, checkTopicPartition, partitionName, type TopicPartition } from '../topic-partition.ts'
import { DirectoryCheckpoints } from './checkpoints.ts'
import { ensureRoot, inspectRoot, isClean, type DirectoryRoot } from './directory-root.ts'
import type { LogDirectoryOptions, NewPartition } from './log-directory-options.ts'
import { Ownership } from './ownership.ts'
import { PartitionChanges } from './partition-changes.ts'
import { PartitionOpener } from './partition-opener.ts'
import { sharedContext } from './shared-context.ts'
import { createPartitionFolder, deletePartitionFolder } from './partition-folder.ts'

/** A data directory: its partitions, its lock and its checkpoints. */
export class LogDirectory {
  /** Without symbolic links. */
  readonly path: string
  readonly readOnly: boolean
  /** What opening found; also written to the logger. */
  readonly findings: readonly Finding[]
  /** Whether it had been closed in order before it was opened. */
  readonly wasClean: boolean
  readonly #options: LogDirectoryOptions
  readonly #properties: MetaProperties
  readonly #ownership: Ownership | undefined
  readonly #context: LogContext
  readonly #durable: DurableOffsets
  readonly #checkpoints: DirectoryCheckpoints
  readonly #partitions = new Map<string, PartitionLog>()
  readonly #opener: PartitionOpener
  readonly #changes = new PartitionChanges()
  readonly #findings: Finding[] = []
  #closing: Promise<void> | undefined

  private constructor(
    options: LogDirectoryOptions,
    root: DirectoryRoot,
    properties: MetaProperties,
    ownership: Ownership | undefined,
    checkpoints: DirectoryCheckpoints,
  ) {
    this.path = root.path
    this.wasClean = isClean(root)
    this.readOnly = ownership === undefined
    this.findings = this.#findings
    this.#options = options
    this.#properties = properties
    this.#ownership = ownership
    this.#checkpoints = checkpoints
    this.#durable = checkpoints.durable
    this.#context = sharedContext(options, {
      readOnly: this.readOnly,
      root: root.path,
      checkpoints,
      report: finding => {
        this.#report(finding)
      },
    })
    this.#opener = new PartitionOpener({ root: root.path, options, context: this.#context, checkpoints })
  }

  /**
   * Opens a directory, recovers what was not closed, and makes a new one where there is none or an empty one. What
   * fails leaves the directory as it was. A single folder that cannot be opened is a finding, and its partition offline.
   *
   * @throws `DIRECTORY_LOCKED`, `DIRECTORY_NOT_VARVE`, `DIRECTORY_NOT_CLEAN`, `DIRECTORY_TOO_NEW`, `NOT_FOUND` (read-only),
   *   `KAFKA_STORAGE_ERROR`, and what the file system throws
   */
  static async open(path: string, options: LogDirectoryOptions): Promise<LogDirectory> {
    return options.readOnly === true
      ? LogDirectory.#openForReading(path, options)
      : LogDirectory.#openAsOwner(path, options)
  }

  static async #openForReading(path: string, options: LogDirectoryOptions): Promise<LogDirectory> {
    const { vfs } = options
    const root = await inspectRoot(
      vfs,
      (await vfs.stat(path)) === undefined ? path : await vfs.realPath(path),
      { readOnly: true },
    )
    const properties = root.properties ?? { clusterId: '', nodeId: -1, directoryId: undefined }
    const directory = new LogDirectory(
      options,
      root,
      properties,
      undefined,
      await DirectoryCheckpoints.read(root, { ...options, logger: options.logger ?? silentLogger }),
    )
    try {
      await directory.#openPartitions(root)
      return directory
    } catch (error) {
      await directory.#closeFiles()
      throw error
    }
  }

  static async #openAsOwner(path: string, options: LogDirectoryOptions): Promise<LogDirectory> {
    const { vfs, logger = silentLogger, recover = false, machine = new MemoryMachine(vfs) } = options
    const root = await ensureRoot(vfs, path)
    const ownership = await Ownership.take({ ...options, machine, root, logger, recover })
    let directory: LogDirectory | undefined
    try {
      const checkpoints = await DirectoryCheckpoints.read(ownership.root, { ...options, logger })
      directory = new LogDirectory(options, ownership.root, ownership.properties, ownership, checkpoints)
      // Before those that are recovered are noted anew.
      const { anyFailed } = checkpoints.durable
      await directory.#openPartitions(ownership.root)
      if (anyFailed) await directory.#durable.write({ strict: true, sync: true })
      await directory.#beginSchedules()
      if (plantedBugs.cleanMarkerDeletedLate) await ownership.removeMarker()
      return directory
    } catch (error) {
      if (directory !== undefined) await directory.#closeFiles()
      await ownership.abandon()
      throw error
    }
  }

  /** The open partitions by name (`topic-0`). */
  get partitions(): ReadonlyMap<string, PartitionLog> {
    return this.#partitions
  }

  partition(of: TopicPartition): PartitionLog | undefined {
    return this.#partitions.get(partitionName(of))
  }

  /** 22 characters of base64url. */
  get clusterId(): string {
    return this.#properties.clusterId
  }

  get nodeId(): number {
    return this.#properties.nodeId
  }

  get directoryId(): string | undefined {
    return this.#properties.directoryId
  }

  /** How many handles of segments are open now. */
  get openFiles(): number {
    return this.#context.files.count
  }

  /** Bytes of memory that caches hold now. */
  get memory(): { readonly indexCacheBytes: number; readonly tailCacheBytes: number } {
    const { indexes, tails } = this.#context
    return { indexCacheBytes: indexes.bytes, tailCacheBytes: tails.bytes }
  }

  /**
   * Makes a partition; it is there for good when the promise resolves.
   *
   * @throws `ALREADY_EXISTS`, `INVALID_TOPIC_EXCEPTION`, `INVALID_PARTITIONS`, `INVALID_ARGUMENT` (the topic id),
   *   `NOT_PERMITTED`, `CLOSED`, `DISK_FULL`
   */
  async createPartition(partition: NewPartition): Promise<PartitionLog> {
    checkTopicPartition(partition)
    checkTopicId(partition.topicId)
    const name = partitionName(partition)
    return this.#change(name, async () => {
      if (this.#partitions.has(name)) {
        throw new VarveError('ALREADY_EXISTS', `The partition ${name} exists already.`, {
          context: { topic: partition.topic, partition: partition.partition },
        })
      }
      const { topicId } = partition
      // A folder that was lost has its notes still: what they say was durable is reported, and not begun anew.
      if (!this.#checkpoints.isOf(name, topicId)) await this.#checkpoints.forget(name)
      const folder = await createPartitionFolder(this.#context.vfs, this.path, partition)
      const log = await this.#opener
        .create(partition, topicId, partition.config)
        .catch(async (error: unknown) => {
          await this.#context.files.drop(`${folder}/`)
          await this.#context.vfs.removeTree(folder).catch(() => undefined)
          throw error
        })
      log.leaderEpoch = partition.leaderEpoch ?? 0
      this.#partitions.set(name, log)
      return log
    })
  }

  /** Closes a partition and removes its files. */
  async deletePartition(of: TopicPartition): Promise<void> {
    const name = partitionName(of)
    await this.#change(name, async () => {
      const log = this.#partitions.get(name)
      if (log === undefined) {
        throw new VarveError('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${name} in ${this.path}.`, {
          context: { topic: of.topic, partition: of.partition },
        })
      }
      this.#partitions.delete(name)
      // What kept it from a clean end does not matter to what is deleted.
      await log.close().catch(() => undefined)
      const { fileDeleteDelayMs: delayMs } = log.config
      try {
        await deletePartitionFolder(this.#context, { root: this.path, of, delayMs })
      } catch (error) {
        // Still there under its name: whoever tries again must find it.
        this.#partitions.set(name, log)
        throw error
      }
      // A reader that was late may have opened a file since; the next partition of that name must not write to it.
      await this.#context.files.drop(`${log.folder}/`)
      await this.#checkpoints.forget(name)
    })
  }

  /** Makes everything durable that is written by now. */
  async flush(): Promise<void> {
    const slice = new TimeSlice(this.#context.clock)
    await forEachBounded(this.#partitions.values(), logLimits.opensInFlightMax, async log => {
      await log.flush()
      await slice.end()
    })
  }

  /** Read-only: takes in partitions and records that came since. */
  async refresh(): Promise<void> {
    if (!this.readOnly || this.#closing !== undefined) return
    await forEachBounded([...this.#partitions.values()], logLimits.opensInFlightMax, async log => {
      await log.refresh().catch(async (error: unknown) => {
        if (!isVarveError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
        this.#partitions.delete(log.name)
        await log.close()
      })
    })
    const { folders } = await inspectRoot(this.#context.vfs, this.path, { readOnly: true })
    const coming = folders.filter(name => !this.#partitions.has(name))
    await this.#openPartitions({ folders: coming, misplaced: [] })
  }

  /**
   * Closes every partition, writes the checkpoints, and last the marker of a clean shutdown. Closing twice is closing
   * once.
   *
   * @throws what kept a partition from a clean end: the next open recovers then; the directory is given back all the same
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await this.#changes.idle()
    await this.#context.schedule.close()
    const logs = [...this.#partitions.values()]
    if (plantedBugs.cleanMarkerEarly) await this.#ownership?.writeMarker()
    const failures: unknown[] = []
    const slice = new TimeSlice(this.#context.clock)
    await forEachBounded(logs, logLimits.opensInFlightMax, async log => {
      await log.close().catch((error: unknown) => {
        failures.push(error)
      })
      await slice.end()
    })
    try {
      if (this.#ownership !== undefined) {
        await this.#durable.close()
        await this.#durable.write({ strict: false })
        if (failures.length === 0) await this.#checkpoints.write(logs)
      }
    } catch (error) {
      failures.push(error)
    } finally {
      await this.#closeFiles()
      // What could not be opened was not closed in order either: it is for the next opening to look at.
      const clean = failures.length === 0 && !logs.some(log => log.isUnopened)
      await this.#ownership?.giveBack({ clean })
    }
    if (failures.length > 0) throw failures[0]
  }

  async #beginSchedules(): Promise<void> {
    const { schedule, headroom, clock, logger } = this.#context
    let size = 0
    for (const log of this.#partitions.values()) size += log.size
    await headroom.begin(size, clock.now())
    const { retentionCheckIntervalMs: intervalMs = logLimits.retentionCheckIntervalMs } = this.#options
    new RetentionCheck({ partitions: this.#partitions, schedule, clock, logger, intervalMs }).start()
  }

  async #closeFiles(): Promise<void> {
    await this.#context.schedule.close()
    await this.#context.headroom.idle()
    await this.#durable.close()
    await this.#context.files.close()
  }

  async #openPartitions(found: Pick<DirectoryRoot, 'folders' | 'misplaced'>): Promise<void> {
    await this.#opener.openAll(found, log => this.#partitions.set(log.name, log))
  }

  #report(finding: Finding): void {
    this.#findings.push(finding)
    this.#context.logger.warn({ ...finding }, finding.message)
  }

  /** One change of a partition's existence at a time. */
  async #change<T>(name: string, change: () => Promise<T>): Promise<T> {
    const context = { path: this.path }
    if (this.readOnly)
      throw new VarveError(
        'NOT_PERMITTED',
        `The directory ${this.path} is open for reading only; open it as its owner to change it.`,
        { context },
      )
    if (this.#closing !== undefined)
      throw new VarveError('CLOSED', `The directory ${this.path} is closed.`, { context })
    return this.#changes.run(name, change)
  }
}
