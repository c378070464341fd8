import { fits, type Operation, type Target } from './fault.ts'

/** Calls that wait, before they do anything, until the test lets them go. */
export class Hold {
  readonly target: Target
  readonly #waiting: (() => void)[] = []
  readonly #watchers: { count: number; seen: () => void }[] = []
  #held = 0
  #open = false

  constructor(target: Target) {
    this.target = target
  }

  /** How many calls wait now. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Resolves as soon as `count` calls have come to wait here, those released since included. */
  reached(count = 1): Promise<void> {
    if (this.#held >= count) return Promise.resolve()
    return new Promise(seen => {
      this.#watchers.push({ count, seen })
    })
  }

  /** Lets the first of those that wait go on. */
  releaseOne(): void {
    this.#waiting.shift()?.()
  }

  /** Lets all go on, and holds no more. */
  release(): void {
    this.#open = true
    for (const go of this.#waiting.splice(0)) go()
  }

  /** Waits, where the call is meant. */
  pass(operation: Operation, path: string): Promise<void> | undefined {
    if (this.#open || !fits(this.target, operation, path)) return undefined
    return new Promise(go => {
      this.#waiting.push(go)
      this.#held++
      for (const { count, seen } of this.#watchers) if (this.#held >= count) seen()
    })
  }
}
