import type { Io } from '../io.ts'

const REDRAW_MS = 100

/** One line on stderr that is drawn over: only on a terminal, and never in the way of other output. */
export class StatusLine {
  readonly #io: Io
  readonly #begun = performance.now()
  #drawnAt = 0
  #shown = false

  constructor(io: Io) {
    this.#io = io
  }

  /** Draws what `text` gives, ten times a second at most and not within the first half second. */
  update(text: () => string): void {
    if (this.#io.stderr.isTTY !== true) return
    const now = performance.now()
    if (now - this.#begun < 500 || now - this.#drawnAt < REDRAW_MS) return
    this.#drawnAt = now
    this.#shown = true
    this.#io.stderr.write(`\r\u001B[K${text().slice(0, Math.max(20, (this.#io.stderr.columns ?? 80) - 1))}`)
  }

  clear(): void {
    if (this.#shown) this.#io.stderr.write('\r\u001B[K')
    this.#shown = false
  }

  /** Seconds since it was made. */
  get seconds(): number {
    return (performance.now() - this.#begun) / 1000
  }
}
