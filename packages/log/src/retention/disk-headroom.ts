import { VarveError, type Logger, type Vfs } from '@varve/platform'
import { logLimits } from '../limits.ts'

/**
 * Keeps some of the disk free: appends of clients are refused while less is left, so that what ends the shortage
 * (retention, deletions, commits, a clean close) still finds room. Reading goes on, and so do appends as soon as there is
 * space again.
 *
 * Nothing waits for a measurement: it runs beside the appends, after so many bytes or so much time, and in between what
 * was let in since is taken off.
 */
export class DiskHeadroom {
  readonly #vfs: Vfs
  readonly #path: string
  readonly #logger: Logger
  readonly #wanted: number
  /** Bytes to keep free; 0 as long as nothing was measured. */
  #reserve = 0
  #left = Infinity
  /** Bytes that were let in since the last measurement began. */
  #admitted = 0
  #measuredAt = 0
  #measuring: Promise<void> | undefined

  constructor(options: { vfs: Vfs; path: string; logger: Logger; headroomBytes: number }) {
    this.#vfs = options.vfs
    this.#path = options.path
    this.#logger = options.logger
    this.#wanted = options.headroomBytes
  }

  /**
   * Measures for the first time. On a small disk less is kept free: a tenth of what is left and what the logs have
   * already, a sum that does not shrink as they grow.
   *
   * @param ownBytes what the logs take now
   */
  async begin(ownBytes: number, now: number): Promise<void> {
    if (this.#wanted <= 0) return
    await this.#measure(now)
    const usable = this.#left + ownBytes
    this.#reserve = Math.min(this.#wanted, Math.floor(usable * logLimits.headroomShareMax))
  }

  /**
   * Lets an append of `bytes` in, or not.
   *
   * @throws `DISK_FULL` (retriable)
   */
  admit(bytes: number, now: number, name: string): void {
    if (this.#reserve === 0) return
    const left = this.#left - this.#admitted - bytes
    const elapsed = Math.abs(now - this.#measuredAt)
    if (left < this.#reserve || elapsed >= logLimits.headroomCheckMs || this.#admitted >= this.#reserve / 4)
      void this.#measure(now)
    if (left < this.#reserve) throw this.#refusal(name)
    this.#admitted += bytes
  }

  /** Waits for a measurement that is under way. */
  async idle(): Promise<void> {
    await this.#measuring
  }

  #measure(now: number): Promise<void> {
    return (this.#measuring ??= this.#measureOnce(now).finally(() => {
      this.#measuring = undefined
    }))
  }

  async #measureOnce(now: number): Promise<void> {
    const before = this.#admitted
    this.#measuredAt = now
    try {
      this.#left = await this.#vfs.spaceLeft(this.#path)
    } catch (error) {
      // Where it cannot be told, the disk itself has to say that it is full.
      this.#left = Infinity
      this.#logger.debug({ path: this.#path, error }, 'The space that is left could not be measured.')
    }
    this.#admitted -= before
  }

  #refusal(name: string): VarveError {
    const left = Math.max(0, this.#left - this.#admitted)
    return new VarveError(
      'DISK_FULL',
      `The append to ${name} was refused: ${left} bytes are left on the disk of ${this.#path}, where ${this.#reserve} are kept free; make room, or let topics keep less (retention.ms, retention.bytes), then try again.`,
      { context: { path: this.#path, min: this.#reserve, found: left }, retriable: true },
    )
  }
}
