import t from 'tap'
import { HistoryCounts } from '../src/history/counts.ts'
import { LogHistory } from '../src/history/log-history.ts'
import { forEachSeed } from '../src/run/seeds.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

const operations = sizeOf({ test: 300, ci: 1000, long: 1000 })

t.test(
  'no power cut, kill or failing disk loses what was acknowledged or shows what was not sent',
  async t => {
    const seeds = seedsFor({ test: 60, ci: 500, long: 20_000 })
    const counts = new HistoryCounts()
    await forEachSeed(seeds, 'power-cuts', async seed => {
      counts.add(await new LogHistory(seed, { operations }).run())
    })
    t.comment(`${counts}; seeds ${seeds[0]} to ${seeds.at(-1)}`)
    t.ok(counts.reopens >= 2 * seeds.length, 'histories reopen their directory')
    t.ok(counts.powerCuts + counts.kills + counts.faults >= 3 * seeds.length, 'much goes wrong in them')
  },
)

t.test('a seed is a history: the same operations, crashes and outcomes each time', async t => {
  const run = async (): Promise<string[]> => {
    const lines: string[] = []
    const history = new LogHistory(4711, { operations: 120, trace: line => lines.push(line) })
    await history.run()
    return [...lines, ...history.story, String(history.counts)]
  }
  t.same(await run(), await run())
})
