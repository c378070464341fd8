import type { VarveClient } from '@varve/client'
import { PropertyFailure, require } from '@varve/testkit'

/** What the killed processes of a run said before they died. */
export class Acknowledgements {
  records = 0
  commits = 0
  readonly #byPartition = new Map<string, Map<number, string>>()
  readonly #committed = new Map<string, number>()

  /** Takes one line of a child. */
  take(line: string): void {
    const [kind, topic, partition, offset, value = ''] = line.split(' ')
    const key = `${topic}-${partition}`
    if (kind === 'ack') {
      const acknowledged = this.#byPartition.get(key) ?? new Map<number, string>()
      this.#byPartition.set(key, acknowledged)
      const at = Number(offset)
      const before = acknowledged.get(at)
      require(before === undefined, () => `${key}: offset ${at} was given to '${before}' and to '${value}'`)
      acknowledged.set(at, value)
      this.records++
    } else if (kind === 'commit') {
      this.#committed.set(key, Math.max(this.#committed.get(key) ?? 0, Number(offset)))
      this.commits++
    } else if (kind !== 'open') {
      throw new PropertyFailure(`A child said '${line}'`)
    }
  }

  /** Every acknowledged record is where it was, once, and each process' records are in order; commits did not go back. */
  async check(client: VarveClient): Promise<number> {
    let compared = 0
    for (const { topic } of await client.admin.listTopics()) compared += await this.#checkTopic(client, topic)
    if (this.#committed.size === 0) return compared
    const { offsets } = await client.admin.describeGroup('readers')
    for (const [key, committed] of this.#committed) {
      const found = offsets.find(({ topic, partition }) => `${topic}-${partition}` === key)
      require((found?.offset ?? -1) >= committed, () =>
        `${key}: offset ${committed} was committed, and ${found?.offset} is there`)
    }
    return compared
  }

  async #checkTopic(client: VarveClient, topic: string): Promise<number> {
    const found = new Map<string, Map<number, string>>()
    const last = new Map<string, number>()
    const seen = new Set<string>()
    for await (const { partition, offset, value } of client.read(topic, { value: 'string' })) {
      const key = `${topic}-${partition}`
      const records = found.get(key) ?? new Map<number, string>()
      found.set(key, records)
      require(offset === records.size, () => `${key}: offset ${offset} lies where ${records.size} is due`)
      require(value !== null && !seen.has(value), () =>
        `${key}: '${value}' at offset ${offset} is there twice`)
      seen.add(value)
      records.set(offset, value)
      const [life, number] = value.split('-')
      const before = last.get(`${key}/${life}`) ?? -1
      require(Number(number) > before, () => `${key}: ${number} of process ${life} comes after ${before}`)
      last.set(`${key}/${life}`, Number(number))
    }
    let compared = 0
    for (const [key, acknowledged] of this.#byPartition) {
      if (!key.startsWith(`${topic}-`)) continue
      for (const [offset, value] of acknowledged) {
        const there = found.get(key)?.get(offset)
        require(there === value, () => `${key}: offset ${offset} should hold '${value}' and holds '${there}'`)
        compared++
      }
    }
    return compared
  }
}
