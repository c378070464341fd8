import { abortedError } from '../options.ts'

/** The life of one read: ends with its loop or with the user's signal, and takes pending fetches along. */
export class ReadScope {
  /** Aborted at the end of the read, however it ends. */
  readonly signal: AbortSignal
  readonly #ended = new AbortController()
  readonly #user: AbortSignal | undefined

  constructor(user: AbortSignal | undefined) {
    this.#user = user
    this.signal = user === undefined ? this.#ended.signal : AbortSignal.any([user, this.#ended.signal])
  }

  /** @throws the signal's reason when the user has aborted the read */
  check(): void {
    this.signal.throwIfAborted()
  }

  /** The error to tell: whatever broke because of an abort is the abort. */
  told(error: unknown, what: string): unknown {
    return this.#user?.aborted === true ? abortedError(what, this.#user) : error
  }

  end(): void {
    this.#ended.abort()
  }
}
