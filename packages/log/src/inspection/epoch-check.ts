import { wholeNumber } from '../checkpoints/checkpoint-file.ts'
import type { EpochEntry } from '../checkpoints/leader-epoch-checkpoint.ts'
import { exactCheckpoint } from './exact-checkpoint.ts'
import type { BatchSpan } from '../segment/segment-scanner.ts'

/** The entries of a `leader-epoch-checkpoint`, or why it is none. */
export function parseEpochs(text: string): EpochEntry[] | string {
  const lines = exactCheckpoint(text, 2)
  if (lines === undefined) return 'it is no checkpoint of epochs and offsets'
  const entries: EpochEntry[] = []
  for (const [epochText = '', offsetText = ''] of lines) {
    const epoch = wholeNumber(epochText)
    const startOffset = wholeNumber(offsetText)
    if (epoch === undefined || startOffset === undefined)
      return `it has the line '${epochText} ${offsetText}'`
    const previous = entries.at(-1)
    if (previous !== undefined && (epoch <= previous.epoch || startOffset < previous.startOffset))
      return `epoch ${epoch} from offset ${startOffset} follows epoch ${previous.epoch} from ${previous.startOffset}`
    entries.push({ epoch, startOffset })
  }
  return entries
}

export interface EpochProblem {
  readonly message: string
  readonly unfinished: boolean
}

/** Compares the epoch in each batch's header, which its checksum does not cover, with the checkpoint. */
export class EpochCheck {
  readonly #entries: readonly EpochEntry[]
  /** Batches that end below need no epoch: they are deleted, or in a snapshot. */
  readonly #from: number
  #slot = 0
  #highest = -1

  constructor(entries: readonly EpochEntry[], from: number) {
    this.#entries = entries
    this.#from = from
  }

  /** What is wrong with the batch's epoch. */
  batch(span: BatchSpan): EpochProblem | undefined {
    const { leaderEpoch } = span
    if (leaderEpoch >= 0 && leaderEpoch < this.#highest) {
      const message = `the batch has leader epoch ${leaderEpoch}, but one before it has ${this.#highest}`
      return { message, unfinished: false }
    }
    const problem = this.#compare(span)
    if (problem === undefined) this.#highest = Math.max(this.#highest, leaderEpoch)
    // A crash may cost the checkpoint its newest line.
    if (problem === undefined) return undefined
    return { message: problem, unfinished: leaderEpoch > (this.#entries.at(-1)?.epoch ?? -1) }
  }

  #compare({ baseOffset, lastOffset, leaderEpoch }: BatchSpan): string | undefined {
    const entries = this.#entries
    while ((entries[this.#slot + 1]?.startOffset ?? Infinity) <= lastOffset) this.#slot++
    const entry = entries[this.#slot]
    if (entry === undefined || entry.startOffset > lastOffset) {
      if (leaderEpoch < 0 || lastOffset < this.#from) return undefined
      return `the batch has leader epoch ${leaderEpoch}, but none is said to begin up to there`
    }
    if (entry.epoch !== leaderEpoch)
      return `the batch has leader epoch ${leaderEpoch}, where ${entry.epoch} is said to be`
    // The first entry is moved up to the log's start, wherever that lies.
    const inside = entry.startOffset > baseOffset && (this.#slot > 0 || entry.startOffset > this.#from)
    return inside ? `epoch ${entry.epoch} begins at offset ${entry.startOffset}, inside the batch` : undefined
  }

  /** The epochs that begin above the log's end. */
  above(end: number): EpochEntry | undefined {
    return this.#entries.find(({ startOffset }) => startOffset > end)
  }
}
