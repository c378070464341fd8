import t from 'tap'
import { runJob } from '../src/run/job.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

t.test('no power cut takes an acknowledged topic, record or commit from a broker', async t => {
  const seeds = seedsFor({ test: 25, ci: 80, long: 5000 })
  const operations = sizeOf({ test: 200, ci: 1000, long: 1000 })
  const counts = await runJob('histories', {
    property: 'broker',
    seeds,
    operations,
    file: 'broker-power-cuts',
  })
  t.comment(`${counts.text}; seeds ${seeds[0]} to ${seeds.at(-1)}`)
  t.ok(counts.reopens >= 2 * seeds.length, 'brokers were reopened')
  t.ok(counts.powerCuts > 0, 'power was cut')
})
