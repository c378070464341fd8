import t from 'tap'
import { driveLog, FakeClock, MemFs, ModelLog, SeededRandom } from '@varve/testkit'
import { config, openLog, TOPIC_ID } from './helpers.ts'

const NEVER = Number.MAX_SAFE_INTEGER

t.test('whatever is called in whatever order, a log answers as its model', async t => {
  let compared = 0
  for (let seed = 1; seed <= 12; seed++) {
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
    try {
      compared += await driveLog({ model, random, clock, open, steps: 200, deletes: true, producers: true })
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
  }
  t.ok(compared > 5000, `${compared} records were compared`)
})
