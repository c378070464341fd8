import t from 'tap'
import { runJob } from '../src/run/job.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

t.test(
  'no power cut, kill or failing disk loses what was acknowledged or shows what was not sent',
  async t => {
    const seeds = seedsFor({ test: 100, ci: 1000, long: 20_000 })
    const operations = sizeOf({ test: 300, ci: 1000, long: 1000 })
    const counts = await runJob('histories', { property: 'log', seeds, operations, file: 'power-cuts' })
    t.comment(`${counts.text}; seeds ${seeds[0]} to ${seeds.at(-1)}`)
    t.ok(counts.reopens >= 2 * seeds.length, 'histories reopen their directory')
    t.ok(counts.powerCuts + counts.kills + counts.faults >= 3 * seeds.length, 'much goes wrong in them')
  },
)

t.test('a seed is a history: the same operations, crashes and outcomes each time', async t => {
  const story = await runJob('story', { seed: 4711, operations: 120 })
  t.ok(story.length > 100, 'much happens')
  t.same(await runJob('story', { seed: 4711, operations: 120 }), story)
})
