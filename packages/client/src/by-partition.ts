import type { TopicPartition } from '@varve/engine'

/** What is there once for each partition, to be found without going through all of it for each. */
export class ByPartition<T extends TopicPartition> {
  readonly #items = new Map<string, T>()

  constructor(items: Iterable<T>) {
    for (const item of items) this.#items.set(keyOf(item), item)
  }

  get(of: TopicPartition): T | undefined {
    return this.#items.get(keyOf(of))
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
