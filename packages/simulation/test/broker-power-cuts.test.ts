import t from 'tap'
import { BrokerHistory } from '../src/broker/broker-history.ts'
import { HistoryCounts } from '../src/history/counts.ts'
import { forEachSeed } from '../src/run/seeds.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

const operations = sizeOf({ test: 200, ci: 1000, long: 1000 })

t.test('no power cut takes an acknowledged topic, record or commit from a broker', async t => {
  const seeds = seedsFor({ test: 25, ci: 80, long: 5000 })
  const counts = new HistoryCounts()
  await forEachSeed(seeds, 'broker-power-cuts', async seed => {
    counts.add(await new BrokerHistory(seed, { operations }).run())
  })
  t.comment(`${counts}; seeds ${seeds[0]} to ${seeds.at(-1)}`)
  t.ok(counts.reopens >= 2 * seeds.length, 'brokers were reopened')
  t.ok(counts.powerCuts > 0, 'power was cut')
})
