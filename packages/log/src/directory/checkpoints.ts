import { join } from 'node:path'
import type { Vfs } from '@varve/platform'
import { isVarveMarker } from '../checkpoints/clean-shutdown.ts'
import { DurableOffsets, type DurableOffsetsOptions } from '../checkpoints/durable-offsets.ts'
import {
  CLEANER_OFFSET_FILE,
  LOG_START_OFFSET_FILE,
  readOffsetCheckpoint,
  RECOVERY_POINT_FILE,
  REPLICATION_OFFSET_FILE,
  writeOffsetCheckpoint,
  type PartitionOffsets,
} from '../checkpoints/offset-checkpoint.ts'
import type { KnownOffsets } from '../partition/log-loader.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { DirectoryRoot } from './directory-root.ts'

/** Where a log starts, and how far it was durable when that was decided. */
interface StartOffsets {
  readonly start: number
  readonly durableOffset: number
}

/** What the checkpoints at the root say about the partitions. */
export class DirectoryCheckpoints {
  readonly #vfs: Vfs
  readonly #root: string
  readonly #recoveryPoints: PartitionOffsets
  readonly #logStarts: PartitionOffsets
  readonly #cleaned: PartitionOffsets
  readonly durable: DurableOffsets
  #last: Promise<void> = Promise.resolve()
  #raised: Map<string, StartOffsets> | undefined
  #raising: Promise<void> | undefined

  private constructor(
    vfs: Vfs,
    root: string,
    read: {
      recoveryPoints: PartitionOffsets
      logStarts: PartitionOffsets
      cleaned: PartitionOffsets
      durable: DurableOffsets
    },
  ) {
    this.#vfs = vfs
    this.#root = root
    this.#recoveryPoints = read.recoveryPoints
    this.#logStarts = read.logStarts
    this.#cleaned = read.cleaned
    this.durable = read.durable
  }

  static async read(
    root: DirectoryRoot,
    options: Omit<DurableOffsetsOptions, 'root'>,
  ): Promise<DirectoryCheckpoints> {
    const { vfs } = options
    const { path, owned, marker } = root
    // Kafka does not keep Varve's notes: where it was here since, they are about another time.
    const ours = owned || (marker !== undefined && isVarveMarker(marker))
    return new DirectoryCheckpoints(vfs, path, {
      recoveryPoints: await readOffsetCheckpoint(vfs, join(path, RECOVERY_POINT_FILE)),
      logStarts: await readOffsetCheckpoint(vfs, join(path, LOG_START_OFFSET_FILE)),
      cleaned: await readOffsetCheckpoint(vfs, join(path, CLEANER_OFFSET_FILE)),
      durable: await DurableOffsets.read({ ...options, root: path, trusted: ours }),
    })
  }

  /** Whether the notes of a name are about this topic and say that something of it was durable. */
  isOf(name: string, topicId: string): boolean {
    const note = this.durable.noteOf(name)
    return note?.topicId === topicId && note.durableOffset > 0
  }

  knownOf(name: string, topicId: string | undefined): KnownOffsets {
    const note = this.durable.noteOf(name)
    return {
      recoveryPoint: this.#recoveryPoints.get(name),
      logStartOffset: this.#logStarts.get(name),
      note: note?.topicId === topicId ? note : undefined,
      compacted: this.#cleaned.has(name),
    }
  }

  /**
   * Makes it durable that a log starts at an offset. One write covers all logs that wait for it. The recovery point comes
   * first: a start that was believed above what is known to be durable would leave nothing behind it to go on from.
   */
  raiseStart(name: string, offsets: StartOffsets): Promise<void> {
    if (this.#raised !== undefined && this.#raising !== undefined) {
      this.#raised.set(name, offsets)
      return this.#raising
    }
    const raised = new Map([[name, offsets]])
    this.#raised = raised
    this.#raising = this.#last.then(() => {
      this.#raised = undefined
      return this.#writeStarts(raised)
    })
    this.#last = this.#raising.catch(() => undefined)
    return this.#raising
  }

  async #writeStarts(raised: ReadonlyMap<string, StartOffsets>): Promise<void> {
    if (plantedBugs.logStartUnsynced) return
    for (const [file, offsets, of] of [
      [RECOVERY_POINT_FILE, this.#recoveryPoints, 'durableOffset'],
      [LOG_START_OFFSET_FILE, this.#logStarts, 'start'],
    ] as const) {
      const changed = new Map(offsets)
      for (const [name, raise] of raised) changed.set(name, raise[of])
      await writeOffsetCheckpoint(this.#vfs, join(this.#root, file), changed)
      for (const [name, raise] of raised) offsets.set(name, raise[of])
    }
  }

  /** Forgets a deleted partition, before another one gets its name. */
  forget(name: string): Promise<void> {
    // One after the other: they write the same files.
    const forgotten = this.#last.then(() => this.#forget(name))
    this.#last = forgotten.catch(() => undefined)
    return forgotten
  }

  async #forget(name: string): Promise<void> {
    this.durable.forget(name)
    for (const [file, offsets] of [
      [RECOVERY_POINT_FILE, this.#recoveryPoints],
      [LOG_START_OFFSET_FILE, this.#logStarts],
      [CLEANER_OFFSET_FILE, this.#cleaned],
    ] as const) {
      if (!offsets.has(name)) continue
      const left = new Map(offsets)
      left.delete(name)
      await writeOffsetCheckpoint(this.#vfs, join(this.#root, file), left)
      // Only now: when the write failed, the next partition of that name has to try again.
      offsets.delete(name)
    }
  }

  /** Writes where each log starts and ends: it is closed, so all of it is durable and visible. */
  async write(logs: Iterable<PartitionLog>): Promise<void> {
    const ends: PartitionOffsets = new Map()
    const starts: PartitionOffsets = new Map()
    for (const log of logs) {
      // For one that could not be opened this is what was known of it before.
      ends.set(log.name, log.durableOffset)
      if (log.logStartOffset > 0) starts.set(log.name, log.logStartOffset)
    }
    await writeOffsetCheckpoint(this.#vfs, join(this.#root, LOG_START_OFFSET_FILE), starts)
    await writeOffsetCheckpoint(this.#vfs, join(this.#root, REPLICATION_OFFSET_FILE), ends)
    await writeOffsetCheckpoint(this.#vfs, join(this.#root, RECOVERY_POINT_FILE), ends)
  }
}
