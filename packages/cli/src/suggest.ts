/** The name of `names` that `word` may have been meant to be: two letters apart at the most, or one begins the other. */
export function suggest(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = word.length > 4 ? 3 : 2
  for (const name of names) {
    if (Math.abs(name.length - word.length) > 3) continue
    const distance = editDistance(word, name)
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  if (best !== undefined || word.length < 3) return best
  for (const name of names) if (name.startsWith(word) || word.startsWith(name)) return name
  return undefined
}

/** Letters to insert, remove, change or swap with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      }
      row.push(cost)
    }
    before = above
    above = row
  }
  return above[b.length] ?? 0
}
