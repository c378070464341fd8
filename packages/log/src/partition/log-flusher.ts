import { isVarveError, type Timer, type VarveError } from '@varve/platform'
import type { LogSegment } from '../segment/log-segment.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import type { LogState } from './log-state.ts'

/**
 * Syncs one partition: at once where a topic acknowledges what survives a loss of power, behind the writes elsewhere.
 * A sync that fails is the last one: pages that the kernel could not write are clean and readable afterwards, so
 * another sync would prove nothing.
 */
export class LogFlusher {
  readonly #state: LogState
  readonly #visible: () => void
  #last: Promise<void> = Promise.resolve()
  #unflushed = 0
  #background: Promise<void> | undefined
  #again = false
  #timer: Timer | undefined

  constructor(state: LogState, visible: () => void) {
    this.#state = state
    this.#visible = visible
  }

  /**
   * Makes durable what is written by now.
   *
   * @throws `KAFKA_STORAGE_ERROR` when the partition is offline, or is from now on
   */
  flush(): Promise<void> {
    // One after the other: each may only claim what no earlier one still works on.
    const flushed = this.#last.then(() => this.#flush())
    this.#last = flushed.catch(() => undefined)
    return flushed
  }

  /** Takes note of appends that were acknowledged without a sync. */
  written(appends: readonly { readonly offsets: number }[]): void {
    const { flushMessages, flushMs } = this.#state.config
    for (const append of appends) this.#unflushed += append.offsets
    if (this.#unflushed >= flushMessages || this.#state.folderDirty) this.#flushBehind()
    else if (flushMs < Number.MAX_SAFE_INTEGER) {
      this.#timer ??= this.#state.context.schedule.after(flushMs, () => {
        this.#timer = undefined
        this.#flushBehind()
      })
    }
  }

  /** Waits for the syncs that are under way: what they are about is in no list any more. */
  async idle(): Promise<void> {
    await this.#last
  }

  /** Ends the schedule and waits for what is under way. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    while (this.#background !== undefined) await this.#background
    await this.#last
  }

  #flushBehind(): void {
    this.#unflushed = 0
    // One that is under way does not cover what came since it began.
    this.#again = this.#background !== undefined
    this.#background ??= this.flush()
      .catch((error: unknown) => {
        this.#state.context.logger.error(
          { path: this.#state.folder, error },
          'A sync in the background failed.',
        )
      })
      .then(() => {
        this.#background = undefined
        if (this.#again) this.#flushBehind()
      })
  }

  async #flush(): Promise<void> {
    const state = this.#state
    if (state.offline !== undefined) throw state.offline
    const end = state.end()
    const segments = [...state.dirty]
    const folder = state.folderDirty
    state.snapshots.syncing()
    state.dirty.clear()
    state.folderDirty = false
    try {
      for (const segment of segments) await this.#syncSegment(segment)
      if (folder && !plantedBugs.directorySyncLeftOut) await state.context.vfs.syncDir(state.folder)
    } catch (error) {
      for (const segment of segments) state.dirty.add(segment)
      state.folderDirty ||= folder
      // Where the file could not even be opened, no sync failed: the next one will do.
      if (!isVarveError(error, 'TOO_MANY_OPEN_FILES')) this.#fence(error)
      throw this.#offline() ?? error
    }
    if (end.offset > state.durableOffset) state.durableUpTo(end)
    state.snapshots.durable()
  }

  #offline(): VarveError | undefined {
    return this.#state.offline
  }

  async #syncSegment(segment: LogSegment): Promise<void> {
    if (plantedBugs.dataSyncLeftOut) return
    const { syncs, files } = this.#state.context
    await syncs.run(() =>
      files.use(segment.logPath, async file => {
        try {
          await file.datasync()
        } catch (error) {
          if (plantedBugs.failedSyncRetried) return file.datasync()
          this.#fence(error)
          throw error
        }
      }),
    )
  }

  #fence(cause: unknown): void {
    const state = this.#state
    if (state.offline !== undefined) return
    state.untrusted = true
    state.offline = state.error(
      'KAFKA_STORAGE_ERROR',
      `The partition ${state.name} is offline: a sync failed, so nothing above offset ${state.durableOffset} can be trusted; check the disk and open the directory again.`,
      { path: state.folder, offset: state.durableOffset },
      cause,
    )
    state.highWatermark = Math.min(state.highWatermark, state.durableOffset)
    state.note()
    this.#visible()
  }
}
