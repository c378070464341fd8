import { isVarveError, VarveError } from '@varve/platform'
import type { RecordMetadata } from '../api.ts'

/** Who waits for the records of a batch. `slot` is the record's place among those that the sink waits for. */
export interface Sink {
  done(slot: number, metadata: RecordMetadata): void
  failed(slot: number, error: unknown): void
}

/** The promise of one `send`. */
export class RecordSink implements Sink {
  readonly #resolve: (metadata: RecordMetadata) => void
  readonly #reject: (error: unknown) => void

  constructor(resolve: (metadata: RecordMetadata) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  done(_slot: number, metadata: RecordMetadata): void {
    this.#resolve(metadata)
  }

  failed(_slot: number, error: unknown): void {
    this.#reject(error)
  }
}

/** The one promise of a `sendBatch`: settles when all its records have. */
export class BatchSink implements Sink {
  readonly promise: Promise<RecordMetadata[]>
  readonly #topic: string
  readonly #results: (RecordMetadata | undefined)[] = []
  #waiting = 0
  #failures = 0
  #sealed = false
  #firstError: unknown
  #resolve: (results: RecordMetadata[]) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  constructor(topic: string) {
    this.#topic = topic
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** The slot of the next record. */
  take(): number {
    this.#waiting++
    this.#results.push(undefined)
    return this.#results.length - 1
  }

  /** All records have been taken. */
  seal(): void {
    this.#sealed = true
    this.#settle()
  }

  done(slot: number, metadata: RecordMetadata): void {
    this.#results[slot] = metadata
    this.#waiting--
    this.#settle()
  }

  failed(_slot: number, error: unknown): void {
    if (this.#failures++ === 0) this.#firstError = error
    this.#waiting--
    this.#settle()
  }

  #settle(): void {
    if (!this.#sealed || this.#waiting > 0) return
    if (this.#failures === 0) this.#resolve(this.#results as RecordMetadata[])
    else this.#reject(this.#error())
  }

  #error(): unknown {
    const cause = this.#firstError
    const found = this.#results
    if (!isVarveError(cause)) return cause
    const appended = found.length - this.#failures
    return new VarveError(
      cause.code,
      `${this.#failures} of ${found.length} records for topic '${this.#topic}' were not appended (${appended} were; ` +
        `see context.found): ${cause.message}`,
      { cause, retriable: cause.retriable, context: { ...cause.context, topic: this.#topic, found } },
    )
  }
}
