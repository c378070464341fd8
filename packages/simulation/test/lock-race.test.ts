import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SeededRandom } from '@varve/testkit'
import t from 'tap'
import { runAndKill } from '../src/kill/killed-child.ts'
import { checkJournal } from '../src/lock/journal.ts'
import { runJob } from '../src/run/job.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

const script = fileURLToPath(new URL('children/racer.mjs', import.meta.url))
/** Without a single acquisition; one takes some milliseconds. */
const STALLED_MS = 60_000

t.test('of racing processes, some of them killed, never two own a directory at once', async t => {
  const path = t.testdir({ data: {} })
  const journal = join(path, 'journal')
  writeFileSync(journal, '')
  const random = new SeededRandom(1)
  const acquisitions = sizeOf({ test: 150, ci: 2000, long: 20_000 })
  const kills = sizeOf({ test: 10, ci: 100, long: 1000 })
  const racers = sizeOf({ test: 3, ci: 8, long: 32 })
  let processes = 0
  let owned = 0
  let checked = -1
  const stalled = new AbortController()
  // Two looks without an acquisition in between: whoever could have taken it is kept from it.
  const watchdog = setInterval(() => {
    if (owned === checked) stalled.abort()
    checked = owned
  }, STALLED_MS)
  t.teardown(() => {
    clearInterval(watchdog)
  })
  const race = async (): Promise<void> => {
    while (processes < kills || owned < acquisitions) {
      const id = String(processes++)
      // Half of them die as owners, the others at whatever they do then.
      const keepAt = random.chance(50) ? 1 + random.int(20) : 0
      const words = 1 + random.int(Math.ceil((6 * acquisitions) / kills))
      let said = 0
      let got = 0
      await runAndKill({
        script,
        signal: stalled.signal,
        arguments: [join(path, 'data'), journal, id, String(keepAt)],
        take: line => {
          if (line === 'own') owned++
        },
        killAfter: line => {
          if (line === 'own') got++
          const dies = keepAt > 0 ? got === keepAt && line === 'hold' : ++said === words
          if (dies) appendFileSync(journal, `kill ${id}\n`)
          return dies
        },
      })
    }
  }
  await Promise.all(Array.from({ length: racers }, race))
  const { acquired, killedOwners } = checkJournal(readFileSync(journal, 'utf8'))
  t.comment(`${acquired} acquisitions by ${processes} killed processes, ${killedOwners} of them owners`)
  t.ok(acquired >= acquisitions, 'the directory was taken often enough')
  t.ok(killedOwners > 0, 'owners were killed')
})

t.test('of racing processes in any interleaving never two own a directory at once', async t => {
  const seeds = seedsFor({ test: 15, ci: 200, long: 10_000 })
  const { acquired, refused, killed } = await runJob('lockRaces', {
    seeds,
    acquisitions: 20,
    file: 'lock-race',
  })
  t.comment(`${acquired} acquisitions, ${refused} refusals, ${killed} kills`)
  t.ok(acquired >= 20 * seeds.length)
})
