import t from 'tap'
import { FakeClock, MemFs } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import { config, crashed, DAY, numbers, openDirectory, range, TOPIC_ID, valuesFrom } from './helpers.ts'

const settings = config({
  segmentBytes: 1500,
  indexIntervalBytes: 200,
  flushMessages: Number.MAX_SAFE_INTEGER,
})
/** Records of each partition that were synced, and those that were only written. */
const DURABLE = 40
const WRITTEN = 80

/** A disk as a power cut left it: durable records, a torn tail above them, epochs, and a partition that failed a sync. */
async function torn(seed: string): Promise<MemFs> {
  const vfs = new MemFs({ crashable: true })
  const fs = new FaultFs(vfs)
  const clock = new FakeClock(DAY)
  const machine = new FakeMachine({ bootId: seed + '/torn' })
  const directory = await openDirectory({ vfs: fs, clock, machine, configOf: () => settings })
  for (let partition = 0; partition < 2; partition++) {
    const log = await directory.createPartition({ topic: 't', partition, topicId: TOPIC_ID })
    for (let batch = 0; batch < WRITTEN / 5; batch++) {
      if (batch * 5 === 20) log.leaderEpoch = 2
      await log.append(numbers(batch * 5, 5))
      if (batch * 5 === DURABLE - 5) await log.flush()
    }
  }
  await clock.advanceAsync(200)
  const left = crashed(vfs, seed, 60)
  fs.cutPower()
  return left
}

interface Tap {
  fail(message: string): void
}

/** Opens what is left, with an own boot of the machine, and looks whether all that was durable is there. */
async function check(t: Tap, vfs: MemFs, what: string): Promise<void> {
  const machine = new FakeMachine({ bootId: what })
  const directory = await openDirectory({ vfs, machine, configOf: () => settings })
  for (let partition = 0; partition < 2; partition++) {
    const log = directory.partition({ topic: 't', partition })
    const values = log === undefined ? [] : await valuesFrom(log)
    if (log === undefined || values.length < DURABLE)
      t.fail(`${what}: only ${values.length} records are there`)
    if (JSON.stringify(values) !== JSON.stringify(range(0, values.length))) t.fail(`${what}: wrong records`)
    if (log?.leaderEpochs[0]?.startOffset !== 0 || log.leaderEpochs[1]?.startOffset !== 20)
      t.fail(`${what}: epochs ${JSON.stringify(log?.leaderEpochs)}`)
    const info = await log?.append(numbers(values.length, 1))
    if (info?.baseOffset !== values.length) t.fail(`${what}: it does not go on`)
  }
  await directory.close()
}

/** Runs a recovery of a copy of `vfs`, and takes what a power cut leaves just before each of its operations. */
async function cuts(vfs: MemFs, name: string, every: number): Promise<MemFs[]> {
  const left: MemFs[] = []
  const copy = crashed(vfs, `${name}/copy`, 100)
  const fs = new FaultFs(copy, {
    onOperation({ number }) {
      if (number % every === 0) left.push(crashed(copy, `${name}/${number}`, number % 2 === 0 ? 0 : 50))
    },
  })
  const machine = new FakeMachine({ bootId: name })
  const directory = await openDirectory({ vfs: fs, machine, configOf: () => settings })
  const opened = left.length
  await directory.close()
  return left.slice(0, opened)
}

t.test(
  'recovery survives a power cut at each of its operations, and another one in what follows',
  async t => {
    let first = 0
    let second = 0
    for (const seed of ['recovery-1', 'recovery-2']) {
      const vfs = await torn(seed)
      for (const [number, once] of (await cuts(vfs, seed, 1)).entries()) {
        first++
        for (const [again, twice] of (await cuts(once, `${seed}/${number}`, 17)).entries()) {
          second++
          await check(t, twice, `${seed}/${number}/${again}`)
        }
        await check(t, once, `${seed}/${number}`)
      }
    }
    t.ok(first > 100 && second > 200, `${first} recoveries were cut, ${second} of them twice`)
  },
)
