import { createHash, randomBytes, randomInt } from 'node:crypto'

/** Where randomness comes from. It is handed in, so that a test can replay a run from its seed. */
export interface Random {
  /** At least 0, below 1. */
  next(): number
  /** A whole number of at least 0, below `n` (1 to 2^48). */
  int(n: number): number
  /** `n` bytes that belong to the caller. */
  bytes(n: number): Buffer
}

/** The machine's own source; its bytes are fit for tokens and ids. */
export const cryptoRandom: Random = {
  next: () => {
    const bytes = randomBytes(8)
    return unit(bytes.readUInt32LE(0), bytes.readUInt32LE(4))
  },
  int: n => randomInt(n),
  bytes: n => randomBytes(n),
}

/** The same numbers for the same seed, on every machine (sfc32). Never for secrets. */
export class SeededRandom implements Random {
  readonly seed: number | string
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number | string) {
    this.seed = seed
    const state = createHash('sha256').update(`varve:${seed}`).digest()
    this.#a = state.readInt32LE(0)
    this.#b = state.readInt32LE(4)
    this.#c = state.readInt32LE(8)
  }

  next(): number {
    return unit(this.#uint32(), this.#uint32())
  }

  int(n: number): number {
    return Math.floor(this.next() * n)
  }

  bytes(n: number): Buffer {
    const bytes = Buffer.allocUnsafe(n)
    let at = 0
    for (; at + 4 <= n; at += 4) bytes.writeUInt32LE(this.#uint32(), at)
    for (; at < n; at++) bytes[at] = this.#uint32() & 255
    return bytes
  }

  /** True in `percent` of 100 calls; never at 0, always at 100. */
  chance(percent: number): boolean {
    return this.next() * 100 < percent
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('there is nothing to pick from')
    return items[this.int(items.length)] as T
  }

  /** A copy of `items` in another order. */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.int(i + 1)
      const held = shuffled[i] as T
      shuffled[i] = shuffled[j] as T
      shuffled[j] = held
    }
    return shuffled
  }

  /** A source of its own, so that one part's appetite does not change another part's numbers. */
  fork(name: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${name}`)
  }

  #uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }
}

function unit(high: number, low: number): number {
  return (high * 0x200000 + (low >>> 11)) / 0x20000000000000
}
