/** A binary heap: the smallest on top, equals in no order of their own (make `less` decide them). */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #less: (a: T, b: T) => boolean

  constructor(less: (a: T, b: T) => boolean) {
    this.#less = less
  }

  get size(): number {
    return this.#items.length
  }

  get top(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent] as T
      if (!this.#less(item, above)) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  /** Puts the top, which has changed, where it belongs. */
  sinkTop(): void {
    const items = this.#items
    const item = items[0]
    if (item === undefined) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#less(items[child + 1] as T, items[child] as T)) child++
      const below = items[child] as T
      if (!this.#less(below, item)) break
      items[at] = below
      at = child
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (last !== undefined && items.length > 0) {
      items[0] = last
      this.sinkTop()
    }
    return top
  }
}
