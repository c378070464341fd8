import { fileURLToPath } from 'node:url'
import { SeededRandom } from '@varve/testkit'
import { Varve } from '@varve/runtime'
import t from 'tap'
import { Acknowledgements } from '../src/kill/acknowledgements.ts'
import { runAndKill } from '../src/kill/killed-child.ts'
import { forEachSeed } from '../src/run/seeds.ts'
import { seedsFor, sizeOf } from '../src/run/sizes.ts'

const script = fileURLToPath(new URL('children/producer.mjs', import.meta.url))

t.test(
  'kill -9 of a producing process loses no acknowledged record, doubles none, and takes no commit back',
  async t => {
    const kills = sizeOf({ test: 8, ci: 50, long: 1000 })
    await forEachSeed({ seeds: seedsFor({ test: 1, ci: 1, long: 1 }), file: 'kill' }, async seed => {
      const random = new SeededRandom(seed)
      const path = t.testdir()
      const acknowledged = new Acknowledgements()
      let compared = 0
      for (let life = 0; life < kills; life++) {
        // Some die soon after they opened the directory, the others after so many commits.
        const [kind, count] = random.chance(25) ? ['', 1 + random.int(50)] : ['commit', 1 + random.int(20)]
        let said = 0
        await runAndKill({
          script,
          arguments: [path, String(life)],
          killAfter: line => line.startsWith(kind) && ++said === count,
          take: line => {
            acknowledged.take(line)
          },
        })
        // Who only reads leaves the recovery to the next process.
        const client = await Varve.open(path, { readOnly: random.chance(50) })
        try {
          compared += await acknowledged.check(client)
        } finally {
          await client.close()
        }
      }
      const { records, commits } = acknowledged
      t.comment(
        `${kills} kills, ${records} acknowledged records and ${commits} commits, compared ${compared} times`,
      )
      t.ok(records > 20 * kills, 'records were acknowledged')
      t.ok(commits >= kills / 2, 'offsets were committed')
    })
  },
)
