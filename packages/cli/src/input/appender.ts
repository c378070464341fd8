import { isVarveError } from '@varve/platform'
import type { Producer, RecordMetadata } from '@varve/runtime'
import type { BytesRecord } from './record-parser.ts'

const BATCH_RECORDS = 5_000
const BATCH_BYTES = 1_048_576
const IN_FLIGHT_MOST = 4

export interface AppenderOptions {
  producer: Producer<Uint8Array | string, Uint8Array | string>
  topic: string
  /** Called with what was acknowledged, in the order of the input within a partition. */
  onAppended?: (appended: readonly RecordMetadata[]) => void
  /** Called once, with the first error. */
  onFailed: () => void
}

interface Batch {
  records: BytesRecord[]
  bytes: number
  /** The number of each record's line. */
  lines: number[]
}

export interface AppendFailure {
  error: unknown
  /** The lines among whose records the one is that could not be appended. */
  firstLine: number
  lastLine: number
}

/**
 * Sends records in batches, a few at a time: the first at once, and while it is on its way the next one gathers. So
 * someone who types sees each record appended, and a file goes in large batches.
 */
export class Appender {
  /** Acknowledged records by partition. */
  readonly appended = new Map<number, number>()
  readonly #options: AppenderOptions
  #gathering: Batch | undefined
  readonly #inFlight = new Set<Promise<void>>()
  #failure: AppendFailure | undefined

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  get count(): number {
    let sum = 0
    for (const n of this.appended.values()) sum += n
    return sum
  }

  /** The first error. */
  get failure(): AppendFailure | undefined {
    return this.#failure
  }

  /** True when the caller should await `room()` before it adds more. */
  get full(): boolean {
    const batch = this.#gathering
    return batch !== undefined && (batch.records.length >= BATCH_RECORDS || batch.bytes >= BATCH_BYTES)
  }

  add(record: BytesRecord, { line, bytes }: { line: number; bytes: number }): void {
    const batch = (this.#gathering ??= { records: [], bytes: 0, lines: [] })
    batch.records.push(record)
    batch.bytes += bytes + 16
    batch.lines.push(line)
  }

  /** Sends what was gathered if nothing is on its way, or if it is a full batch and there is room for one more. */
  pump(): void {
    const batch = this.#gathering
    if (batch === undefined || this.#failure !== undefined) return
    if (this.#inFlight.size > (this.full ? IN_FLIGHT_MOST - 1 : 0)) return
    this.#gathering = undefined
    const sending: Promise<void> = this.#send(batch).finally(() => {
      this.#inFlight.delete(sending)
      this.pump()
    })
    this.#inFlight.add(sending)
  }

  /** Resolves when there is room for more, or sending failed. */
  async room(): Promise<void> {
    this.pump()
    while (this.full && this.#failure === undefined) {
      await Promise.race(this.#inFlight)
      this.pump()
    }
  }

  /** Sends the rest and waits for all of it; after a failure only for what is on its way. */
  async finish(): Promise<void> {
    this.pump()
    while (this.#inFlight.size > 0) {
      await Promise.race(this.#inFlight)
      this.pump()
    }
  }

  async #send({ records, lines }: Batch): Promise<void> {
    const { producer, topic, onAppended } = this.#options
    let results: readonly (RecordMetadata | undefined)[]
    try {
      results = await producer.sendBatch(topic, records)
    } catch (error) {
      results = appendedAnyway(error)
      const firstLine = lines[results.indexOf(undefined)] ?? lines[0] ?? 0
      const lastLine = lines[results.lastIndexOf(undefined)] ?? lines.at(-1) ?? 0
      this.#fail({ error: causeOf(error), firstLine, lastLine })
    }
    const appended = results.filter(one => one !== undefined)
    for (const { partition } of appended)
      this.appended.set(partition, (this.appended.get(partition) ?? 0) + 1)
    if (appended.length > 0) onAppended?.(appended)
  }

  #fail(failure: AppendFailure): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    this.#options.onFailed()
  }
}

/** What `sendBatch` says was appended although it failed: one entry a record, `undefined` for what was not. */
function appendedAnyway(error: unknown): readonly (RecordMetadata | undefined)[] {
  const found = isVarveError(error) ? error.context.found : undefined
  return Array.isArray(found) ? (found as (RecordMetadata | undefined)[]) : []
}

/** The error of the first record that was not appended, without the count of the others. */
function causeOf(error: unknown): unknown {
  return isVarveError(error) && isVarveError(error.cause, error.code) ? error.cause : error
}
