import { join } from 'node:path'
import type { Vfs } from '@varve/platform'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { formatCheckpoint, parseCheckpoint, replaceFile, wholeNumber, writeWhole } from './checkpoint-file.ts'

/*
 * `leader-epoch-checkpoint`: text, `0`, the count, and a line `epoch startOffset` for each epoch.
 * Source: apache/kafka, org.apache.kafka.storage.internals.checkpoint.LeaderEpochCheckpointFile.
 */

export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint'

export interface EpochEntry {
  readonly epoch: number
  /** The first offset that was written in this epoch. */
  readonly startOffset: number
}

/** Which leader epoch began at which offset. Epochs and offsets only grow. */
export class LeaderEpochs {
  #entries: EpochEntry[]
  /** Whether the entries differ from the file's. */
  changed = false

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [...entries]
  }

  /** The epochs that a file's text says; `undefined` when it is no such checkpoint. */
  static parse(text: string): LeaderEpochs | undefined {
    const entries: EpochEntry[] = []
    for (const [epochText, offsetText] of parseCheckpoint(text, 2) ?? [[]]) {
      const epoch = wholeNumber(epochText)
      const startOffset = wholeNumber(offsetText)
      const previous = entries.at(-1)
      if (epoch === undefined || startOffset === undefined) return undefined
      if (previous !== undefined && (epoch <= previous.epoch || startOffset < previous.startOffset))
        return undefined
      entries.push({ epoch, startOffset })
    }
    return new LeaderEpochs(entries)
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  get latest(): EpochEntry | undefined {
    return this.#entries.at(-1)
  }

  /** Notes that a batch at `startOffset` has `epoch`. Does nothing unless the epoch is new. */
  assign(epoch: number, startOffset: number): void {
    if (epoch < 0 || epoch <= (this.latest?.epoch ?? -1)) return
    // An epoch in which nothing was written is taken over by the one that writes at the same offset, as Kafka does.
    while ((this.latest?.startOffset ?? -1) >= startOffset) this.#entries.pop()
    this.#entries.push({ epoch, startOffset })
    this.changed = true
  }

  /** Forgets the epochs that began above the log's end. */
  truncateTo(endOffset: number): void {
    while ((this.latest?.startOffset ?? -1) > endOffset) {
      this.#entries.pop()
      this.changed = true
    }
  }

  /** Forgets the epochs that ended below the log's start; the one that holds it begins there, as in Kafka. */
  truncateFromStart(startOffset: number): void {
    const count = this.#entries.filter(entry => entry.startOffset <= startOffset).length
    const holder = this.#entries[count - 1]
    if (holder === undefined || (count === 1 && holder.startOffset === startOffset)) return
    this.#entries.splice(0, count, { epoch: holder.epoch, startOffset })
    this.changed = true
  }

  async write(vfs: Vfs, folder: string): Promise<void> {
    this.changed = false
    try {
      const entries = this.#entries.map(({ epoch, startOffset }) => [epoch, startOffset])
      const path = join(folder, LEADER_EPOCH_FILE)
      if (plantedBugs.epochFileUnsynced)
        await writeWhole(vfs, path, formatCheckpoint(entries), { sync: false })
      else await replaceFile(vfs, path, formatCheckpoint(entries))
    } catch (error) {
      this.changed = true
      throw error
    }
  }
}
