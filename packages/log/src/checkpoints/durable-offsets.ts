import { join } from 'node:path'
import { isVarveError, type Clock, type Logger, type Timer, type Vfs } from '@varve/platform'
import { crc32c } from '@varve/records'
import { logLimits } from '../limits.ts'
import { parsePartitionName, partitionName } from '../topic-partition.ts'
import {
  formatCheckpoint,
  parseCheckpoint,
  readText,
  replaceFile,
  TEMPORARY_SUFFIX,
  wholeNumber,
  writeWhole,
} from './checkpoint-file.ts'

/*
 * `varve.durable-offsets`: a checkpoint with lines `topic partition topicId durableOffset logStartOffset
 * state`, and behind it a line `crc32c <hex>` over all bytes before that line. State is `ok`, or `failed` after a failed sync: no byte above
 * the durable offset may be trusted then.
 *
 * It is never synced: what it says was durable before it was written, so it can only lag, and a torn or old one is
 * worth less but never wrong.
 */

export const DURABLE_OFFSETS_FILE = 'varve.durable-offsets'
const NO_ID = '-'

export interface DurableNote {
  /** Of a topic that was made anew under an old name the old note says nothing. */
  readonly topicId: string | undefined
  /** Everything below survives a loss of power. */
  readonly durableOffset: number
  readonly logStartOffset: number
  /** Whether a sync failed, so that bytes above may be readable but not on the disk. */
  readonly failed: boolean
}

/** The notes of all partitions by name; nothing where the file is missing, torn or not understood. */
export async function readDurableOffsets(vfs: Vfs, root: string): Promise<Map<string, DurableNote>> {
  const notes = new Map<string, DurableNote>()
  const text = await readText(vfs, join(root, DURABLE_OFFSETS_FILE)).catch((error: unknown) => {
    if (isVarveError(error, 'TOO_LARGE')) return undefined
    throw error
  })
  const end = text?.lastIndexOf('crc32c ') ?? -1
  if (text === undefined || end < 0) return notes
  const body = text.slice(0, end)
  if (text.slice(end).trimEnd() !== checksumLine(body)) return notes
  for (const [topic = '', partition = '', id, durable, start, state] of parseCheckpoint(body, 6) ?? []) {
    const name = parsePartitionName(`${topic}-${partition}`)
    const durableOffset = wholeNumber(durable)
    const logStartOffset = wholeNumber(start)
    if (name === undefined || durableOffset === undefined || logStartOffset === undefined) continue
    notes.set(partitionName(name), {
      topicId: id === NO_ID ? undefined : id,
      durableOffset,
      logStartOffset,
      failed: state === 'failed',
    })
  }
  return notes
}

function formatDurableOffsets(notes: ReadonlyMap<string, DurableNote>): string {
  const entries: (string | number)[][] = []
  for (const [name, { topicId = NO_ID, durableOffset, logStartOffset, failed }] of notes) {
    const parsed = parsePartitionName(name)
    if (parsed !== undefined)
      entries.push([
        parsed.topic,
        parsed.partition,
        topicId,
        durableOffset,
        logStartOffset,
        failed ? 'failed' : 'ok',
      ])
  }
  const body = formatCheckpoint(entries)
  return `${body}${checksumLine(body)}\n`
}

function checksumLine(body: string): string {
  return `crc32c ${crc32c(Buffer.from(body)).toString(16).padStart(8, '0')}`
}

/** Keeps the notes of a directory and writes them, at most once in an interval, behind the syncs. */
export class DurableOffsets {
  readonly #vfs: Vfs
  readonly #path: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #notes = new Map<string, DurableNote>()
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #dirty = false
  #closed = false
  #writtenAt = Number.NEGATIVE_INFINITY

  constructor(options: { vfs: Vfs; root: string; clock: Clock; logger: Logger }) {
    this.#vfs = options.vfs
    this.#path = join(options.root, DURABLE_OFFSETS_FILE)
    this.#clock = options.clock
    this.#logger = options.logger
  }

  note(name: string, note: DurableNote): void {
    this.#notes.set(name, note)
    this.#changed({ atOnce: note.failed })
  }

  forget(name: string): void {
    if (this.#notes.delete(name)) this.#changed({ atOnce: false })
  }

  /**
   * Writes what is noted, now. Throws only when `strict`: the notes are a help, not a promise.
   *
   * @param options.sync for good, as where an old note must not come back. Default false.
   */
  async write({ strict, sync = false }: { strict: boolean; sync?: boolean }): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const writing = (this.#writing ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#replace(sync))
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

  #changed({ atOnce }: { atOnce: boolean }): void {
    this.#dirty = true
    if (this.#closed || (this.#timer !== undefined && !atOnce)) return
    this.#timer?.cancel()
    const since = this.#clock.monotonic() - this.#writtenAt
    const wait = atOnce ? 0 : Math.max(0, logLimits.durableNoteIntervalMs - since)
    this.#timer = this.#clock.setTimer(
      wait,
      () => {
        this.#timer = undefined
        if (this.#dirty && !this.#closed) void this.write({ strict: false })
      },
      { unref: true },
    )
  }

  async #replace(sync: boolean): Promise<void> {
    this.#dirty = false
    this.#writtenAt = this.#clock.monotonic()
    const text = formatDurableOffsets(this.#notes)
    if (sync) return replaceFile(this.#vfs, this.#path, text)
    const temporary = this.#path + TEMPORARY_SUFFIX
    await writeWhole(this.#vfs, temporary, text, { sync: false })
    await this.#vfs.rename(temporary, this.#path)
  }
}
