import { VarveError } from '@varve/platform'

/** Creations and deletions of partitions: one at a time for each name. */
export class PartitionChanges {
  readonly #running = new Map<string, Promise<unknown>>()

  /** @throws `ALREADY_EXISTS` (retriable) while another change of that name runs */
  async run<T>(name: string, change: () => Promise<T>): Promise<T> {
    if (this.#running.has(name))
      throw new VarveError(
        'ALREADY_EXISTS',
        `The partition ${name} is being made or deleted right now; try again.`,
        { retriable: true },
      )
    const running = change()
    this.#running.set(name, running)
    try {
      return await running
    } finally {
      this.#running.delete(name)
    }
  }

  /** Resolves when those that run now have ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running.values())
  }
}
