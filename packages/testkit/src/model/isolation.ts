import type { AbortedRange } from './log-under-test.ts'
import type { Found } from './stamp.ts'

/**
 * What a consumer of committed records makes of a fetch: markers are for it alone, and records of aborted transactions
 * are skipped. The rule of apache/kafka, org.apache.kafka.clients.consumer.internals.CompletedFetch.
 */
export function committedOnly(
  found: readonly Found[],
  aborted: readonly AbortedRange[],
): { visible: Found[]; hidden: Found[] } {
  const waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const skipped = new Set<number>()
  const [visible, hidden]: [Found[], Found[]] = [[], []]
  for (const record of found) {
    const batchEnd = record.offset + record.count - 1 - record.index
    for (let next = waiting[0]; next !== undefined && next.firstOffset <= batchEnd; next = waiting[0]) {
      skipped.add(next.producerId)
      waiting.shift()
    }
    if (record.marker === 'abort') skipped.delete(record.producerId)
    if (record.marker !== undefined) continue
    ;(record.transactional && skipped.has(record.producerId) ? hidden : visible).push(record)
  }
  return { visible, hidden }
}

/** What a log's content says by itself: where its first open transaction begins, and which records are committed. */
export function stableView(
  found: readonly Found[],
  end: number,
): { lastStableOffset: number; committed: Found[] } {
  const open = new Map<number, Found[]>()
  const aborted = new Set<Found>()
  for (const record of found) {
    if (record.marker !== undefined) {
      if (record.marker === 'abort') for (const one of open.get(record.producerId) ?? []) aborted.add(one)
      open.delete(record.producerId)
    } else if (record.transactional) {
      const of = open.get(record.producerId) ?? []
      open.set(record.producerId, of)
      of.push(record)
    }
  }
  let lastStableOffset = end
  for (const [first] of open.values())
    lastStableOffset = Math.min(lastStableOffset, (first?.offset ?? end) - (first?.index ?? 0))
  const committed = found.filter(
    one => one.marker === undefined && one.offset < lastStableOffset && !aborted.has(one),
  )
  return { lastStableOffset, committed }
}
