import t from 'tap'
import { runJob } from '../src/run/job.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

const file = 'bad-disks'

t.test(
  'whichever operation fails, nothing that it took is acknowledged, and the next process goes on',
  async t => {
    const seeds = seedsFor({ test: 1, ci: 2, long: 20 })
    // Every n-th operation, beginning with another one for each way to fail.
    const step = sizeOf({ test: 17, ci: 2, long: 1 })
    const { operations, runs, fired, acknowledged } = await runJob('sweeps', { seeds, step, file })
    t.comment(
      `${operations} operations, ${runs} runs, ${fired} with a fault, ${acknowledged} acknowledged appends`,
    )
    t.ok(fired > runs / 2, 'faults hit')
  },
)

t.test('whatever is damaged, no wrong record is read, and none is missing without a word', async t => {
  const seeds = seedsFor({ test: 20, ci: 400, long: 4000 })
  const { damages, refused, unreadable, compared } = await runJob('corruptions', { seeds, damages: 50, file })
  t.comment(
    `${damages} damages: ${refused} directories refused, ${unreadable} offsets refused, ${compared} records compared`,
  )
  t.equal(damages, 50 * seeds.length)
  t.ok(unreadable > 0, 'damage was met')
})
