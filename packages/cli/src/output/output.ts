import { VarveError } from '@varve/platform'
import type { OutputStream } from '../io.ts'

const CHUNK_BYTES = 65_536

/**
 * Standard output for much data: gathers small writes into chunks, follows back-pressure, and takes a closed pipe for
 * an end instead of an error.
 *
 * Writing is synchronous; whoever writes in a loop awaits `ready()` when `full` says so.
 */
export class Output {
  readonly stream: OutputStream
  readonly #signal: AbortSignal
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  #used = 0
  #scheduled = false
  #blocked = false
  #error: NodeJS.ErrnoException | undefined
  readonly #closing = new AbortController()

  constructor(stream: OutputStream, signal: AbortSignal) {
    this.stream = stream
    this.#signal = signal
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= error
      this.#closing.abort()
    })
    stream.on('drain', () => {
      this.#blocked = false
    })
  }

  /** Whether nobody reads any more: what is written goes nowhere. */
  get closed(): boolean {
    return this.#error !== undefined || this.stream.destroyed || this.stream.writableEnded
  }

  /** Aborted when the reader closes its end. */
  get whenClosed(): AbortSignal {
    return this.#closing.signal
  }

  get full(): boolean {
    return this.#blocked || this.closed
  }

  text(text: string): void {
    const bytesMost = text.length * 3
    if (bytesMost > CHUNK_BYTES) {
      this.bytes(Buffer.from(text))
      return
    }
    if (bytesMost > CHUNK_BYTES - this.#used) this.#push()
    this.#used += this.#chunk.write(text, this.#used)
    this.#schedule()
  }

  bytes(bytes: Buffer): void {
    if (bytes.length > CHUNK_BYTES - this.#used) this.#push()
    if (bytes.length > CHUNK_BYTES) {
      this.#send(Buffer.from(bytes))
      return
    }
    this.#used += bytes.copy(this.#chunk, this.#used)
    this.#schedule()
  }

  /** Resolves when there is room again, nobody reads any more, or the command is to stop. */
  async ready(): Promise<void> {
    if (this.#blocked) await this.#until(done => this.stream.once('drain', done))
    this.#check()
  }

  /** Resolves when everything is handed over. A closed pipe is fine; a full disk is not. */
  async finish(): Promise<void> {
    this.#push()
    // The callback of an empty write comes after everything before it.
    if (this.stream.writableLength > 0) await this.#until(done => this.stream.write('', done))
    await new Promise(setImmediate) // the error of the last write comes a turn later
    this.#check()
  }

  /** Waits for what `subscribe` is told, but no longer than somebody reads and the command is to go on. */
  async #until(subscribe: (done: () => void) => void): Promise<void> {
    if (this.closed || this.#signal.aborted) return
    await new Promise<void>(resolve => {
      const done = () => {
        this.stream.off('close', done).off('error', done)
        this.#signal.removeEventListener('abort', done)
        resolve()
      }
      this.stream.on('close', done).on('error', done)
      this.#signal.addEventListener('abort', done)
      subscribe(done)
    })
  }

  #check(): void {
    const code = this.#error?.code
    if (this.#error === undefined || code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return
    throw new VarveError(
      code === 'ENOSPC' ? 'DISK_FULL' : 'IO_ERROR',
      `Standard output could not be written (${code ?? this.#error.message}): look at where it is sent to.`,
      { cause: this.#error },
    )
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#push()
    })
  }

  #push(): void {
    if (this.#used === 0) return
    const bytes = this.#chunk.subarray(0, this.#used)
    this.#used = 0
    if (bytes.length < CHUNK_BYTES / 8) {
      this.#send(Buffer.from(bytes)) // a few lines of a tail: the chunk stays
      return
    }
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    this.#send(bytes)
  }

  #send(bytes: Buffer): void {
    if (this.closed) return
    if (!this.stream.write(bytes)) this.#blocked = true
  }
}
