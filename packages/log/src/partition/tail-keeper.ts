import type { VfsFile } from '@varve/platform'
import type { Semaphore } from '../files/semaphore.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { makeDurable } from './torn-tail.ts'

/** Bytes that are written and synced together. */
const PIECE_BYTES = 16 * 1024 * 1024

/**
 * Makes durable what recovery finds sound above the durable offset, piece by piece behind it: the disk writes one while
 * the next is read and compared with its checksums. Nothing is visible before all of it is done.
 */
export class TailKeeper {
  readonly #file: VfsFile
  readonly #syncs: Semaphore
  #kept: number | undefined
  #running: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(file: VfsFile, syncs: Semaphore) {
    this.#file = file
    this.#syncs = syncs
  }

  /** Everything in between is sound. */
  found(from: number, to: number): void {
    this.#kept ??= from
    if (this.#running === undefined && to - this.#kept >= PIECE_BYTES) this.#keep(to)
  }

  /** Makes the rest durable. A sync that failed is not tried again. */
  async finish(from: number, to: number): Promise<void> {
    await this.settled()
    this.#kept ??= from
    if (this.#kept < to) this.#keep(to)
    await this.settled()
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Waits for what is under way; the file must stay open until then. */
  async settled(): Promise<void> {
    await this.#running
  }

  #keep(to: number): void {
    const from = this.#kept ?? to
    this.#kept = to
    if (this.#failure !== undefined) return
    if (plantedBugs.recoveredTailUnsynced || plantedBugs.pageCacheTrusted) return
    this.#running = this.#syncs
      .run(() => makeDurable(this.#file, { from, to }))
      .catch((error: unknown) => {
        this.#failure = { error }
      })
      .finally(() => {
        this.#running = undefined
      })
  }
}
