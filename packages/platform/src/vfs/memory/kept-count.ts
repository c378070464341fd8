import type { Random } from '../../random.ts'

/** How many of `count` changes in order a power cut left: none at 0 percent, all at 100, any number about evenly at 50. */
export function keptCount(count: number, rng: Random, percent: number): number {
  if (percent <= 0) return 0
  if (percent >= 100) return count
  const share = percent <= 50 ? (rng.next() * percent) / 50 : 1 - (rng.next() * (100 - percent)) / 50
  return Math.min(count, Math.floor(share * (count + 1)))
}
