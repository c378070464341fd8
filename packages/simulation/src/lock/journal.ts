import { require } from '@varve/testkit'

/**
 * Reads the journal of racing processes: `own`, `hold` and `free` with the id of who wrote them, in the order in which
 * they were written, and `kill` before a process is killed.
 *
 * @returns how often the directory was owned, and how many owners were killed
 */
export function checkJournal(text: string): { acquired: number; killedOwners: number } {
  const lines = text.split('\n').filter(line => line !== '')
  const killed = new Set<string>()
  let owner: string | undefined
  let acquired = 0
  let killedOwners = 0
  for (const [index, line] of lines.entries()) {
    const [word, id = ''] = line.split(' ')
    if (word === 'kill') killed.add(id)
    else if (word === 'own') {
      const free = owner === undefined || killed.has(owner)
      require(free, () => `Line ${index + 1}: ${id} owns the directory while ${owner} does`)
      if (owner !== undefined) killedOwners++
      owner = id
      acquired++
    } else {
      require(owner === id, () => `Line ${index + 1}: ${id} says '${word}' while ${owner} owns the directory`)
      if (word === 'free') owner = undefined
    }
  }
  return { acquired, killedOwners }
}
