import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SeededRandom } from '@varve/platform'
import t from 'tap'
import { caught } from '../src/history/planted.ts'
import { runAndKill } from '../src/kill/killed-child.ts'
import { checkJournal } from '../src/lock/journal.ts'
import { LockRace } from '../src/lock/lock-race.ts'
import { forEachSeed } from '../src/run/seeds.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

const script = fileURLToPath(new URL('children/racer.mjs', import.meta.url))

t.test('of racing processes, some of them killed, never two own a directory at once', async t => {
  const path = t.testdir({ data: {} })
  const journal = join(path, 'journal')
  writeFileSync(journal, '')
  const random = new SeededRandom(1)
  const acquisitions = sizeOf({ test: 200, ci: 2000, long: 20_000 })
  const kills = sizeOf({ test: 12, ci: 100, long: 1000 })
  let processes = 0
  let owned = 0
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
  await Promise.all([race(), race(), race()])
  const { acquired, killedOwners } = checkJournal(readFileSync(journal, 'utf8'))
  t.comment(`${acquired} acquisitions by ${processes} killed processes, ${killedOwners} of them owners`)
  t.ok(acquired >= acquisitions, 'the directory was taken often enough')
  t.ok(killedOwners > 0, 'owners were killed')
})

t.test('of racing processes in any interleaving never two own a directory at once', async t => {
  const total = { acquired: 0, refused: 0, killed: 0 }
  await forEachSeed(seedsFor({ test: 15, ci: 200, long: 10_000 }), 'lock-race', async seed => {
    const { acquired, refused, killed } = await new LockRace(seed, { acquisitions: 20 }).run()
    total.acquired += acquired
    total.refused += refused
    total.killed += killed
  })
  t.comment(`${total.acquired} acquisitions, ${total.refused} refusals, ${total.killed} kills`)
})

t.test('the race finds a planted bug: twoOwners', async t => {
  const found = await caught('twoOwners', seed => new LockRace(seed, { acquisitions: 20 }).run(), {
    seedsMax: 50,
  })
  t.ok(found, 'two owners were seen')
  t.comment(found && `seed ${found.seed} after ${found.tried}: ${found.message}`)
})
