import { isCodecLoaded, loadCodec, type CodecName } from '@varve/records'
import type { LogState } from './log-state.ts'
import { missingCodecs } from './log-validator.ts'

/** Loads the codecs that appends need: the only reason for one to wait before it is checked. */
export class CodecLoading {
  readonly #state: LogState
  /** Set while an append waits; those that come after it wait behind it, so that calls keep their order. */
  #last: Promise<unknown> | undefined

  constructor(state: LogState) {
    this.#state = state
  }

  /** Resolves when it is the batches' turn; `undefined` where nobody waits and nothing is missing. */
  load(batches: Buffer): Promise<void> | undefined {
    if (this.#last === undefined && this.#missing(batches).length === 0) return undefined
    const turn = this.#load(batches, this.#last)
    const last = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#last === last) this.#last = undefined
      })
    this.#last = last
    return turn
  }

  /** Waits until nobody waits. */
  async idle(): Promise<void> {
    while (this.#last !== undefined) await this.#last
  }

  #missing(batches: Buffer): CodecName[] {
    return missingCodecs(batches, this.#state.config, isCodecLoaded)
  }

  async #load(batches: Buffer, before: Promise<unknown> | undefined): Promise<void> {
    await before
    // Settings may change meanwhile, and the codec with them.
    for (let codecs = this.#missing(batches); codecs.length > 0; codecs = this.#missing(batches))
      for (const codec of codecs) await loadCodec(codec)
  }
}
