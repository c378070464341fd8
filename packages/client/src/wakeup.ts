/** Wakes one waiter; a wake-up that comes before the wait is not lost. */
export class Wakeup {
  #pending = false
  #resolve: (() => void) | undefined

  wake(): void {
    const resolve = this.#resolve
    this.#resolve = undefined
    if (resolve === undefined) this.#pending = true
    else resolve()
  }

  /** Resolves at the next `wake()`, at once if one came since the last wait. */
  wait(): Promise<void> {
    if (this.#pending) {
      this.#pending = false
      return Promise.resolve()
    }
    return new Promise(resolve => {
      this.#resolve = resolve
    })
  }
}
