/**
 * Runs subjects in turn, round after round, and compares each with the others of the same round: the machine's mood
 * changes from second to second, and only what ran side by side may be divided.
 *
 * @param {Record<string, () => Promise<void> | void>} subjects each call does the same amount of work
 * @param {{ rounds?: number, warmup?: number, between?: () => Promise<void> }} [options] default 15 measured rounds after 4;
 *   `between` runs, untimed, before each round
 * @returns {Promise<Record<string, number[]>>} ms of each round, by subject
 */
export async function timeInTurn(subjects, { rounds = 15, warmup = 4, between } = {}) {
  const names = Object.keys(subjects)
  const times = Object.fromEntries(names.map(name => [name, []]))
  for (let round = -warmup; round < rounds; round++) {
    await between?.()
    // The order turns, so that nobody always runs on the heels of the same neighbour.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + Math.abs(round)) % names.length]
      const began = performance.now()
      await subjects[name]()
      if (round >= 0) times[name].push(performance.now() - began)
    }
  }
  return times
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The median over rounds of `best / subject`: 1 is as fast as `best`, 0.5 takes twice its time. */
export function ratio(best, subject) {
  return median(best.map((ms, round) => ms / subject[round]))
}

/** The sum of several subjects, round by round. */
export function sum(...subjects) {
  return subjects[0].map((_, round) => subjects.reduce((total, ms) => total + ms[round], 0))
}
