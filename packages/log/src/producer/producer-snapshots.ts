import { join } from 'node:path'
import { isVarveError } from '@varve/platform'
import { removeFile, TEMPORARY_SUFFIX, writeWhole } from '../checkpoints/checkpoint-file.ts'
import { logLimits } from '../limits.ts'
import type { LogState } from '../partition/log-state.ts'
import { segmentFileName, SNAPSHOT_SUFFIX } from '../segment/segment-files.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { formatSnapshot, parseSnapshot } from './producer-snapshot-file.ts'
import type { ProducerStateEntry } from './producer-state-entry.ts'

/** What the producers were at an offset, to be written once everything below is durable. */
interface Capture {
  readonly offset: number
  readonly entries: readonly ProducerStateEntry[]
}

/**
 * The `.snapshot` files of a log: one where each segment starts, as Kafka has them, and one at a durable offset not far
 * below the end, so that opening has little to go through. A snapshot is never of an offset that a loss of power could
 * take back, and the transaction indexes below it are synced before: what it stands for is whole. It may well be lost
 * itself; then the one before does, with more to go through.
 */
export class ProducerSnapshots {
  readonly #state: LogState
  /** Offsets of the files there are, in order. */
  #offsets: number[] = []
  /** Nothing up to here is worth another capture. */
  #lastOffset = 0
  /** Nothing up to here is worth another file. */
  #lastWritten = 0
  /** Bytes written behind the last capture. */
  #bytes = 0
  #captures: Capture[] | undefined
  #writing: Promise<void> | undefined

  constructor(state: LogState) {
    this.#state = state
  }

  get offsets(): readonly number[] {
    return this.#offsets
  }

  /** Takes over what the folder holds, and how much lies behind the newest snapshot. */
  loaded(offsets: readonly number[], lastOffset: number, bytesBehind: number): void {
    this.#offsets = [...offsets].sort((a, b) => a - b)
    this.#lastOffset = this.#lastWritten = lastOffset
    this.#bytes = bytesBehind
  }

  wrote(bytes: number): void {
    this.#bytes += bytes
  }

  /** A segment starts where the log ends now. */
  rolled(): void {
    const { logEndOffset } = this.#state
    if (logEndOffset > this.#lastOffset) this.#capture(logEndOffset)
  }

  /** What is written now is being synced. */
  syncing(): void {
    if (this.#bytes >= logLimits.producerSnapshotBytes) this.#capture(this.#state.logEndOffset)
  }

  /** More is durable: writes, behind everything else, what waited for that. */
  durable(): void {
    if (this.#captures === undefined || this.#writing !== undefined) return
    this.#writing = this.#writeCaptures()
      .catch((error: unknown) => {
        const { logger } = this.#state.context
        logger.warn({ path: this.#state.folder, error }, 'A snapshot of the producers could not be written.')
      })
      .then(() => {
        this.#writing = undefined
      })
  }

  /** Waits for what could be written by now: before older ones go. */
  async settle(): Promise<void> {
    this.durable()
    await this.#writing
  }

  /**
   * The log ends here, durably: one at its end, where there is none. Its name is not synced yet.
   *
   * @returns whether there is a name to sync
   */
  async close(): Promise<boolean> {
    await this.#writing
    const { logEndOffset, producers } = this.#state
    const captures = this.#captures ?? []
    this.#captures = undefined
    let wrote = false
    for (const capture of captures) if (await this.#write(capture)) wrote = true
    if (logEndOffset <= this.#lastWritten) return wrote
    await this.#write({ offset: logEndOffset, entries: producers.entries() })
    await this.removeStrays()
    return true
  }

  /** The entries of a snapshot, undefined where it is missing or cannot be true. */
  async read(offset: number): Promise<readonly ProducerStateEntry[] | undefined> {
    const { vfs, clock } = this.#state.context
    try {
      const bytes = await vfs.readFile(this.#path(offset), { max: logLimits.checkpointBytesMax })
      return parseSnapshot(bytes, { offset, seenAt: clock.monotonic() })
    } catch (error) {
      if (isVarveError(error, 'NOT_FOUND', 'TOO_LARGE')) return undefined
      throw error
    }
  }

  /** Removes one that nothing can be started from. */
  async remove(offset: number): Promise<void> {
    await removeFile(this.#state.context.vfs, this.#path(offset))
    this.forget(offset)
  }

  /** Answers the path of a snapshot that goes with its segment, and knows it no longer. */
  forget(offset: number): string | undefined {
    const slot = this.#offsets.indexOf(offset)
    if (slot < 0) return undefined
    this.#offsets.splice(slot, 1)
    return this.#path(offset)
  }

  /** Removes what belongs to no segment, but for the newest if it lies behind all of them. As Kafka does. */
  async removeStrays(): Promise<void> {
    const { segments } = this.#state
    const newest = this.#offsets.at(-1)
    const last = segments.last?.baseOffset ?? 0
    for (const offset of [...this.#offsets]) {
      if (segments.floor(offset)?.baseOffset === offset || (offset === newest && offset >= last)) continue
      await this.remove(offset)
    }
  }

  #capture(offset: number): void {
    ;(this.#captures ??= []).push({ offset, entries: this.#state.producers.entries() })
    this.#lastOffset = offset
    this.#bytes = 0
  }

  async #writeCaptures(): Promise<void> {
    const state = this.#state
    for (let next = this.#captures?.[0]; next !== undefined; next = this.#captures?.[0]) {
      if (next.offset > state.durableOffset || state.closed) return
      this.#captures?.shift()
      if (this.#captures?.length === 0) this.#captures = undefined
      await this.#write(next)
      await this.removeStrays()
    }
  }

  async #write({ offset, entries }: Capture): Promise<boolean> {
    if (this.#offsets.includes(offset)) return false
    const { context, abortedTxns } = this.#state
    const { vfs } = context
    await abortedTxns.save({ sync: true })
    const path = this.#path(offset)
    const sync = entries.length > 0 && !plantedBugs.dataSyncLeftOut
    // Where nothing is known of anybody, the file's own checksum says enough: torn, it is worth nothing.
    await writeWhole(vfs, path + TEMPORARY_SUFFIX, formatSnapshot(entries), { sync })
    await vfs.rename(path + TEMPORARY_SUFFIX, path)
    if (sync) await vfs.syncDir(this.#state.folder)
    this.#offsets.push(offset)
    this.#offsets.sort((a, b) => a - b)
    this.#lastWritten = Math.max(this.#lastWritten, offset)
    return true
  }

  #path(offset: number): string {
    return join(this.#state.folder, segmentFileName(offset, SNAPSHOT_SUFFIX))
  }
}
