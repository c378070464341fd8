import t from 'tap'
import { driveLog, FakeClock, MemFs, ModelLog, PropertyFailure, SeededRandom } from '@varve/testkit'
import { plant, type PlantedBug } from '../src/testing/planted-bugs.ts'
import { config, openLog, TOPIC_ID } from './helpers.ts'

const NEVER = Number.MAX_SAFE_INTEGER

/** Drives a log from a seed, and answers how many records were compared. */
async function drive(seed: number): Promise<number> {
  const random = new SeededRandom(`model-${seed}`)
  const clock = new FakeClock()
  const vfs = new MemFs({ clock })
  const settings = config({
    segmentBytes: random.pick([600, 3000]),
    indexIntervalBytes: random.pick([1, 300]),
    flushMessages: random.pick([1, NEVER]),
    retentionMs: random.pick([NEVER, 2000]),
    retentionBytes: random.pick([NEVER, 4000]),
    fileDeleteDelayMs: random.pick([0, 1000]),
  })
  const { retentionMs, retentionBytes, flushMessages } = settings
  const durable = flushMessages === 1
  const named = { uid: 1, topic: 't', partition: 0, topicId: TOPIC_ID }
  const model = new ModelLog({ ...named, durable, retentionMs, retentionBytes })
  const open = async () => {
    const { directory, log } = await openLog({ vfs, clock, config: settings })
    return { log, close: () => directory.close() }
  }
  return driveLog({ model, random, clock, open, steps: 200, deletes: true, producers: true })
}

t.test('whatever is called in whatever order, a log answers as its model', async t => {
  let compared = 0
  for (let seed = 1; seed <= 12; seed++) {
    compared += await drive(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    })
  }
  t.ok(compared > 2000, `${compared} records were compared`)
})

const caught: PlantedBug[] = [
  'duplicateGivenNewOffset',
  'sequenceLostInSnapshot',
  'stableOffsetPastOpenTransaction',
  'abortedDataShown',
]

for (const bug of caught) {
  t.test(`the model finds the bug ${bug}`, async t => {
    t.teardown(plant(bug))
    for (let seed = 1; seed <= 40; seed++) {
      try {
        await drive(seed)
      } catch (error) {
        t.ok(error instanceof PropertyFailure, `after ${seed} seeds: ${String(error)}`)
        return
      }
    }
    t.fail(`40 seeds did not find ${bug}`)
  })
}
