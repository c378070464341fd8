import { join } from 'node:path'
import { isVarveError, type Clock, type Logger, type Timer, type Vfs } from '@varve/platform'
import { logLimits } from '../limits.ts'
import { replaceFile, TEMPORARY_SUFFIX, writeWhole } from './checkpoint-file.ts'
import {
  formatDurableNote,
  goneNote,
  parseDurableNotes,
  type DurableNote,
  type ParsedNotes,
} from './durable-note.ts'

export const DURABLE_OFFSETS_FILE = 'varve.durable-offsets'
/** The file is written anew when it has more lines than this, and twice as many as there are partitions. */
const LINES_MIN = 1000

export interface DurableOffsetsOptions {
  readonly vfs: Vfs
  readonly root: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Keeps the notes of a directory and writes those that changed, at most once in an interval, behind the syncs. */
export class DurableOffsets {
  readonly #vfs: Vfs
  readonly #path: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #notes: Map<string, DurableNote>
  /** Names whose notes the file does not have. */
  readonly #changed = new Set<string>()
  /** Bytes of the file, all of them sound lines; undefined when it has to be written anew. */
  #size: number | undefined
  #lines: number
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #closed = false
  #writtenAt = Number.NEGATIVE_INFINITY

  private constructor(options: DurableOffsetsOptions, found: ParsedNotes, size: number | undefined) {
    this.#vfs = options.vfs
    this.#path = join(options.root, DURABLE_OFFSETS_FILE)
    this.#clock = options.clock
    this.#logger = options.logger
    this.#notes = found.notes
    this.#lines = found.lines
    this.#size = size
  }

  /**
   * Reads what an earlier life noted; nothing where the file is missing or not understood.
   *
   * @param options.trusted false where somebody else wrote the logs since. Then the notes are about another time.
   */
  static async read(options: DurableOffsetsOptions & { trusted: boolean }): Promise<DurableOffsets> {
    const none: ParsedNotes = { notes: new Map(), lines: 0, whole: false }
    if (!options.trusted) return new DurableOffsets(options, none, undefined)
    try {
      const max = logLimits.checkpointBytesMax
      const bytes = await options.vfs.readFile(join(options.root, DURABLE_OFFSETS_FILE), { max })
      const found = parseDurableNotes(bytes)
      return new DurableOffsets(options, found, found.whole ? bytes.length : undefined)
    } catch (error) {
      if (!isVarveError(error, 'NOT_FOUND', 'TOO_LARGE')) throw error
      return new DurableOffsets(options, none, undefined)
    }
  }

  /** Whether a note says that a sync failed: once its partition is recovered, it must not be believed again. */
  get anyFailed(): boolean {
    for (const { state } of this.#notes.values()) if (state === 'failed') return true
    return false
  }

  noteOf(name: string): DurableNote | undefined {
    return this.#notes.get(name)
  }

  note(name: string, note: DurableNote): void {
    this.#notes.set(name, note)
    this.#change(name, { atOnce: note.state === 'failed' })
  }

  forget(name: string): void {
    if (this.#notes.delete(name)) this.#change(name, { atOnce: false })
  }

  /**
   * Writes what is noted, now. Throws only when `strict`: the notes are a help, not a promise.
   *
   * @param options.sync for good, as where an old note must not come back. Default false.
   */
  async write({ strict, sync = false }: { strict: boolean; sync?: boolean }): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const writing = (this.#writing ?? Promise.resolve()).catch(() => undefined).then(() => this.#write(sync))
    this.#writing = writing
    try {
      await writing
    } catch (error) {
      if (strict) throw error
      // Worth no line of its own: an old note costs time at most, and what failed here fails the appends, too.
      this.#logger.debug({ path: this.#path, error }, 'The durable offsets could not be noted.')
    }
  }

  /** Ends the schedule and waits for a write that is under way. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#writing?.catch(() => undefined)
  }

  #change(name: string, { atOnce }: { atOnce: boolean }): void {
    this.#changed.add(name)
    if (this.#closed || (this.#timer !== undefined && !atOnce)) return
    this.#timer?.cancel()
    const since = this.#clock.monotonic() - this.#writtenAt
    const wait = atOnce ? 0 : Math.max(0, logLimits.durableNoteIntervalMs - since)
    this.#timer = this.#clock.setTimer(
      wait,
      () => {
        this.#timer = undefined
        if (this.#changed.size > 0 && !this.#closed) void this.write({ strict: false })
      },
      { unref: true },
    )
  }

  async #write(sync: boolean): Promise<void> {
    this.#writtenAt = this.#clock.monotonic()
    const names = [...this.#changed]
    this.#changed.clear()
    const size = this.#size
    const linesMax = Math.max(LINES_MIN, 2 * this.#notes.size)
    // Until this has come to its end, nobody knows what the file holds.
    this.#size = undefined
    try {
      if (sync || size === undefined || this.#lines + names.length > linesMax) await this.#replace(sync)
      else this.#size = await this.#append(names, size)
    } catch (error) {
      for (const name of names) this.#changed.add(name)
      throw error
    }
  }

  async #append(names: readonly string[], size: number): Promise<number> {
    if (names.length === 0) return size
    const lines = names.map(name => formatDurableNote(name, this.#notes.get(name) ?? goneNote))
    const bytes = Buffer.from(lines.join(''), 'latin1')
    const file = await this.#vfs.open(this.#path, 'write')
    try {
      await file.write([bytes], size)
    } finally {
      await file.close()
    }
    this.#lines += lines.length
    return size + bytes.length
  }

  async #replace(sync: boolean): Promise<void> {
    const lines = [...this.#notes].map(([name, note]) => formatDurableNote(name, note))
    const bytes = Buffer.from(lines.join(''), 'latin1')
    if (sync) await replaceFile(this.#vfs, this.#path, bytes)
    else {
      const temporary = this.#path + TEMPORARY_SUFFIX
      await writeWhole(this.#vfs, temporary, bytes, { sync: false })
      await this.#vfs.rename(temporary, this.#path)
    }
    this.#lines = lines.length
    this.#size = bytes.length
  }
}
