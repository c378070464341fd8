import type { Clock, Logger, Timer } from '@varve/platform'

interface Entry {
  /** By the clock's monotonic time. */
  readonly due: number
  /** Undefined once it ran or was cancelled. */
  task: (() => void | Promise<void>) | undefined
}

/**
 * What a directory does later: checks of retention, removals of files, syncs that may wait. All of it hangs on one
 * timer, which keeps no process alive, however many partitions wait. A task that fails is logged.
 */
export class Schedule {
  readonly #clock: Clock
  readonly #logger: Logger
  /** A binary heap: the first one is due first. */
  readonly #heap: Entry[] = []
  readonly #running = new Set<Promise<void>>()
  #timer: { readonly due: number; readonly handle: Timer } | undefined
  #closed = false

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Runs `task` once, `ms` from now, unless it is cancelled or the schedule is closed before. */
  after(ms: number, task: () => void | Promise<void>): Timer {
    const entry: Entry = { due: this.#clock.monotonic() + ms, task }
    if (!this.#closed) {
      this.#push(entry)
      this.#arm()
    }
    return {
      cancel: () => {
        entry.task = undefined
      },
    }
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Forgets what waits, and waits for what runs. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.handle.cancel()
    this.#timer = undefined
    this.#heap.length = 0
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #arm(): void {
    const first = this.#heap[0]
    if (first === undefined || (this.#timer !== undefined && this.#timer.due <= first.due)) return
    this.#timer?.handle.cancel()
    const wait = Math.max(0, first.due - this.#clock.monotonic())
    const fire = (): void => {
      this.#timer = undefined
      this.#fire()
    }
    this.#timer = { due: first.due, handle: this.#clock.setTimer(wait, fire, { unref: true }) }
  }

  #fire(): void {
    const now = this.#clock.monotonic()
    // What the tasks add now waits for the next turn, so that a task that is always due starves nobody.
    const due: Entry[] = []
    for (let first = this.#heap[0]; first !== undefined && first.due <= now; first = this.#heap[0]) {
      this.#pop()
      due.push(first)
    }
    for (const entry of due) {
      const { task } = entry
      entry.task = undefined
      if (task !== undefined && !this.#closed) this.#run(task)
    }
    if (!this.#closed) this.#arm()
  }

  #run(task: () => void | Promise<void>): void {
    const running = (async () => {
      try {
        await task()
      } catch (error) {
        this.#logger.error({ error }, 'Something that a directory does in the background failed.')
      }
    })()
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let slot = heap.length
    heap.push(entry)
    while (slot > 0) {
      const above = (slot - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || parent.due <= entry.due) break
      heap[slot] = parent
      heap[above] = entry
      slot = above
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let slot = 0
    for (;;) {
      let below = 2 * slot + 1
      if ((heap[below + 1]?.due ?? Infinity) < (heap[below]?.due ?? Infinity)) below++
      const child = heap[below]
      if (child === undefined || child.due >= last.due) break
      heap[slot] = child
      slot = below
    }
    heap[slot] = last
  }
}
