import t from 'tap'
import { runJob } from '../src/run/job.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

const file = 'bad-disks'

t.test(
  'whichever operation fails, nothing that it took is acknowledged, and the next process goes on',
  async t => {
    const seeds = seedsFor({ test: 1, ci: 1, long: 20 })
    // Every n-th operation; every one in the proofs.
    const step = sizeOf({ test: 17, ci: 1, long: 1 })
    const counts = await runJob('sweeps', { seeds, step, file })
    for (const [workload, { operations, runs, fired, acknowledged }] of Object.entries(counts)) {
      t.comment(
        `${workload}: ${operations} operations, ${runs} runs, ${fired} with a fault, ${acknowledged} acknowledged appends`,
      )
      t.ok(runs > 0 && fired === runs, `a fault hits in every run of ${workload}`)
    }
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
