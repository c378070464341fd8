import type { Random } from '../../random.ts'
import { MemBudget, MemContent } from './mem-content.ts'
import { keptCount } from './kept-count.ts'

/** What a disk writes as a whole or not at all. */
const SECTOR_BYTES = 512
/** What the kernel keeps, marks and writes back as one. */
const PAGE_BYTES = 4096

type Change = { kind: 'write'; position: number; bytes: Buffer } | { kind: 'size'; size: number }

/**
 * What of one file is on the disk, and what happened to it since: enough to say at any time what a power cut could
 * leave. After a failed sync the pages that were dirty are *doomed*: the kernel holds them for clean, so they can be
 * read but no later sync writes them, unless something dirties them again.
 */
export class FileHistory {
  readonly #durable: MemContent
  #changes: Change[] = []
  readonly #doomed = new Set<number>()

  constructor(durable?: MemContent) {
    this.#durable = durable ?? new MemContent(new MemBudget(Infinity))
  }

  /** `count` bytes were written at `position` and are in `content` now. */
  wrote(content: MemContent, position: number, count: number): void {
    const bytes = Buffer.allocUnsafe(count)
    content.read(bytes, position)
    this.#changes.push({ kind: 'write', position, bytes })
    this.#dirty(content, position, position + count)
  }

  resized(content: MemContent): void {
    this.#changes.push({ kind: 'size', size: content.size })
    for (const page of this.#doomed) if (page * PAGE_BYTES >= content.size) this.#doomed.delete(page)
    this.#dirty(content, content.size, content.size)
  }

  synced(): void {
    for (const change of this.#changes) apply(this.#durable, change)
    this.#changes = []
  }

  syncFailed(content: MemContent): void {
    let smallest = content.size
    for (const change of this.#changes) {
      if (change.kind === 'size') smallest = Math.min(smallest, change.size)
      else for (const page of pagesOf(change.position, change.bytes.length)) this.#doomed.add(page)
    }
    // The size is the folder's business, not the pages': a later sync writes it, and leaves holes before it.
    this.#changes = []
    if (smallest < this.#durable.size) this.#changes.push({ kind: 'size', size: smallest })
    if (content.size !== Math.min(smallest, this.#durable.size))
      this.#changes.push({ kind: 'size', size: content.size })
  }

  /** The content that a power cut now could leave. */
  crash(rng: Random, unsyncedPercent: number): MemContent {
    const left = this.#durable.copy(new MemBudget(Infinity))
    const count = this.#changes.length
    if (count === 0 || unsyncedPercent <= 0) return left
    if (unsyncedPercent >= 100) for (const change of this.#changes) apply(left, change)
    else if (rng.int(2) === 0) this.#inOrder(left, rng, unsyncedPercent)
    else this.#scattered(left, rng, unsyncedPercent)
    return left
  }

  /** What was done first is there, and of the next write the first sectors. */
  #inOrder(left: MemContent, rng: Random, percent: number): void {
    const kept = keptCount(this.#changes.length, rng, percent)
    for (const change of this.#changes.slice(0, kept)) apply(left, change)
    const torn = this.#changes[kept]
    if (torn?.kind !== 'write') return
    const start = Math.floor(torn.position / SECTOR_BYTES)
    const end = Math.ceil((torn.position + torn.bytes.length) / SECTOR_BYTES)
    const cut = (start + rng.int(end - start)) * SECTOR_BYTES - torn.position
    if (cut > 0) left.write(torn.bytes.subarray(0, cut), torn.position)
  }

  /**
   * The size stands as after some change, and each sector as after some change, whichever. Changes of size keep their
   * order, as in a journal: nothing from before one shows through after it, nothing from after one stands before it.
   */
  #scattered(left: MemContent, rng: Random, percent: number): void {
    const changes = this.#changes
    const kept = keptCount(changes.length, rng, percent)
    const first = changes.slice(0, kept).findLastIndex(change => change.kind === 'size') + 1
    const next = changes.findIndex((change, index) => index >= kept && change.kind === 'size')
    const end = next < 0 ? changes.length : next
    let size = left.size
    const points = new Map<number, number>()
    for (const [index, change] of changes.slice(0, end).entries()) {
      if (change.kind === 'size') {
        left.truncate(change.size)
        size = change.size
        continue
      }
      if (index < kept) size = Math.max(size, change.position + change.bytes.length)
      for (const piece of sectorsOf(change.position, change.bytes.length)) {
        const point = points.get(piece.sector) ?? choosePoint(rng, { first, end, percent })
        points.set(piece.sector, point)
        if (index < point)
          left.write(change.bytes.subarray(piece.from, piece.to), change.position + piece.from)
      }
    }
    left.truncate(size)
  }

  /** A change to a doomed page makes all of that page dirty again. */
  #dirty(content: MemContent, from: number, to: number): void {
    if (this.#doomed.size === 0) return
    for (const page of pagesOf(from, Math.max(1, to - from))) {
      if (!this.#doomed.delete(page)) continue
      const start = page * PAGE_BYTES
      const bytes = Buffer.alloc(Math.max(0, Math.min(PAGE_BYTES, content.size - start)))
      content.read(bytes, start)
      if (bytes.length > 0) this.#changes.push({ kind: 'write', position: start, bytes })
    }
  }
}

function choosePoint(rng: Random, range: { first: number; end: number; percent: number }): number {
  if (rng.next() * 100 >= range.percent) return range.first
  // Mostly the newest; sometimes what lay there when the kernel happened to write the sector.
  return rng.int(4) === 0 ? range.first + rng.int(range.end - range.first + 1) : range.end
}

function apply(content: MemContent, change: Change): void {
  if (change.kind === 'size') content.truncate(change.size)
  else content.write(change.bytes, change.position)
}

function* pagesOf(position: number, length: number): Generator<number> {
  const last = Math.floor((position + length - 1) / PAGE_BYTES)
  for (let page = Math.floor(position / PAGE_BYTES); page <= last; page++) yield page
}

function* sectorsOf(
  position: number,
  length: number,
): Generator<{ sector: number; from: number; to: number }> {
  for (let at = position; at < position + length;) {
    const sector = Math.floor(at / SECTOR_BYTES)
    const to = Math.min(position + length, (sector + 1) * SECTOR_BYTES)
    yield { sector, from: at - position, to: to - position }
    at = to
  }
}
