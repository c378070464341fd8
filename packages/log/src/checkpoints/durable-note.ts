import { crc32c } from '@varve/records'
import { parsePartitionName, partitionName } from '../topic-partition.ts'
import { wholeNumber } from './checkpoint-file.ts'

/*
 * `varve.durable-offsets`: text, a line for each note, each with a checksum of its own:
 *
 *   crc32c topic partition topicId durableOffset logStartOffset segment position state
 *
 * The first field is the CRC-32C of what follows the blank behind it, in eight hexadecimal digits. `segment` is the base
 * offset of the segment that was the newest, `position` how many of its bytes are durable. New notes are appended, so
 * that writing costs what changed; of several lines for a partition the last one counts. Now and then the file is
 * written anew with one line for each.
 *
 * It is never synced: what a note says was durable before it was written, so the file can only lag, and a line that is
 * torn, lost or old is worth less but never wrong.
 */

const NO_ID = '-'
const CHECKSUM_DIGITS = 8
const NEWLINE = 0x0a
const BLANK = 0x20

/**
 * - `open`: what lies behind the durable part is still to be looked at.
 * - `settled`: with the durable part everything that belongs to it was saved, and nothing was written since.
 * - `failed`: a sync failed; what lies behind may be readable and yet not on the disk.
 * - `gone`: the partition was deleted; earlier notes say nothing.
 */
export type NoteState = 'open' | 'settled' | 'failed' | 'gone'

const STATES: readonly string[] = ['open', 'settled', 'failed', 'gone'] satisfies NoteState[]

export interface DurableNote {
  /** Of a topic that was made anew under an old name the old note says nothing. */
  readonly topicId: string | undefined
  /** Everything below survives a loss of power. */
  readonly durableOffset: number
  readonly logStartOffset: number
  /** Base offset of the segment in which the durable part ends. */
  readonly segment: number
  /** Bytes of that segment that are durable. */
  readonly position: number
  readonly state: NoteState
}

export const goneNote: DurableNote = {
  topicId: undefined,
  durableOffset: 0,
  logStartOffset: 0,
  segment: 0,
  position: 0,
  state: 'gone',
}

/** The line of a note, with its end. */
export function formatDurableNote(name: string, note: DurableNote): string {
  const of = parsePartitionName(name)
  if (of === undefined) return ''
  const { topicId = NO_ID, durableOffset, logStartOffset, segment, position, state } = note
  const body = `${of.topic} ${of.partition} ${topicId} ${durableOffset} ${logStartOffset} ${segment} ${position} ${state}`
  return `${checksumOf(Buffer.from(body, 'latin1'))} ${body}\n`
}

/** What a file of notes holds. */
export interface ParsedNotes {
  /** By the partition's name. */
  readonly notes: Map<string, DurableNote>
  /** Lines, counted to know when to write the file anew. */
  readonly lines: number
  /** Whether every byte belongs to a sound line, so that more may be appended. */
  readonly whole: boolean
}

export function parseDurableNotes(bytes: Buffer): ParsedNotes {
  const notes = new Map<string, DurableNote>()
  let whole = true
  let lines = 0
  for (let at = 0; at < bytes.length; lines++) {
    const newline = bytes.indexOf(NEWLINE, at)
    const end = newline < 0 ? bytes.length : newline
    if (newline < 0 || !takeLine(bytes.subarray(at, end), notes)) whole = false
    at = end + 1
  }
  return { notes, lines, whole }
}

function takeLine(line: Buffer, notes: Map<string, DurableNote>): boolean {
  const body = line.subarray(CHECKSUM_DIGITS + 1)
  if (line[CHECKSUM_DIGITS] !== BLANK) return false
  if (line.toString('latin1', 0, CHECKSUM_DIGITS) !== checksumOf(body)) return false
  const [topic = '', partition = '', id, durable, start, segmentText, positionText, state, more] = body
    .toString('latin1')
    .split(' ')
  const of = parsePartitionName(`${topic}-${partition}`)
  const durableOffset = wholeNumber(durable)
  const logStartOffset = wholeNumber(start)
  const segment = wholeNumber(segmentText)
  const position = wholeNumber(positionText)
  if (of === undefined || durableOffset === undefined || logStartOffset === undefined) return false
  if (segment === undefined || position === undefined || !isState(state) || more !== undefined) return false
  const name = partitionName(of)
  if (state === 'gone') notes.delete(name)
  else {
    const topicId = id === NO_ID ? undefined : id
    notes.set(name, { topicId, durableOffset, logStartOffset, segment, position, state })
  }
  return true
}

function isState(text: string | undefined): text is NoteState {
  return text !== undefined && STATES.includes(text)
}

function checksumOf(body: Buffer): string {
  return crc32c(body).toString(16).padStart(CHECKSUM_DIGITS, '0')
}
