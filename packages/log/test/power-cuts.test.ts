import t from 'tap'
import { MemFs, SeededRandom } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import { plant, type PlantedBug } from '../src/testing/planted-bugs.ts'
import { config, crashed, numbers, openLog, valuesFrom } from './helpers.ts'

const LIVES = 4
const settings = config({ segmentBytes: 1500, indexIntervalBytes: 200 })

/** One life of the engine after the other on one disk, each ended by a close, a kill or a power cut, from a seed. */
class History {
  readonly seed: string
  readonly random: SeededRandom
  #vfs = new MemFs({ crashable: true })
  readonly #unsyncedPercent: number
  readonly #machine = new FakeMachine()
  #boot = 0
  #next = 0
  /** Everything below was acknowledged, or seen by a reader. */
  #promised = 0
  /** What was ever sent at an offset: what was not acknowledged may be lost, and its offset be given again. */
  readonly #sent = new Map<number, Set<string>>()

  constructor(seed: string) {
    this.seed = seed
    this.random = new SeededRandom(seed)
    this.#unsyncedPercent = this.random.pick([0, 20, 50, 80])
  }

  /** @returns how many records were acknowledged or seen */
  async run(): Promise<number> {
    for (let life = 0; life < LIVES; life++) await this.#life(`${this.seed}/${life}`)
    return this.#promised
  }

  async #life(name: string): Promise<void> {
    const fs = new FaultFs(this.#vfs)
    const process = this.#machine.spawn({ bootId: `boot-${this.#boot}` })
    const { directory, log } = await openLog({ vfs: fs, machine: process, config: settings })
    if (log.logEndOffset < this.#promised) {
      throw new Error(
        `${name}: offsets up to ${this.#promised} were promised, but the log ends at ${log.logEndOffset}`,
      )
    }
    for (const [offset, value] of (await valuesFrom(log)).entries()) {
      if (!this.#sent.get(offset)?.has(value))
        throw new Error(`${name}: '${value}' at offset ${offset} was never sent there`)
    }
    this.#promised = log.logEndOffset
    let end = log.logEndOffset
    let alive = true
    const appends: Promise<unknown>[] = []
    for (let round = this.random.int(8); round > 0; round--) {
      await Promise.all(appends)
      for (let count = 1 + this.random.int(3); count > 0; count--) {
        const records = 1 + this.random.int(5)
        for (let index = 0; index < records; index++) this.#mark(end + index, String(this.#next + index))
        const appended = log.append(numbers(this.#next, records)).then(info => {
          if (alive) this.#promised = Math.max(this.#promised, info.lastOffset + 1)
        })
        appends.push(appended.catch(() => undefined))
        end += records
        this.#next += records
      }
    }
    const ending = this.random.pick(['close', 'kill', 'power', 'power'])
    // Somewhere between the first operation of the last round and its end, or in the middle of the close.
    let steps = this.random.int(4) === 0 ? 200 : this.random.int(25)
    const closing =
      ending === 'close' || this.random.int(4) === 0 ? directory.close().catch(() => undefined) : undefined
    if (ending === 'close') await closing
    else for (; steps > 0; steps--) await Promise.resolve()
    alive = false
    if (ending === 'power') {
      this.#vfs = crashed(this.#vfs, name, this.#unsyncedPercent)
      this.#boot++
    }
    // The old engine is dead: nothing it still has under way reaches the disk.
    fs.cutPower()
    process.kill()
    await Promise.all([...appends, closing ?? directory.close().catch(() => undefined)])
    if (ending === 'power' && this.random.int(3) === 0) await this.#cutRecovery(name)
  }

  /** The power goes again while recovery runs. */
  async #cutRecovery(name: string): Promise<void> {
    const fs = new FaultFs(this.#vfs)
    const process = this.#machine.spawn({ bootId: `boot-${this.#boot++}` })
    const opening = openLog({ vfs: fs, machine: process, config: settings })
    for (let steps = this.random.int(150); steps > 0; steps--) await Promise.resolve()
    this.#vfs = crashed(this.#vfs, `${name}/recovery`, this.#unsyncedPercent)
    fs.cutPower()
    process.kill()
    await opening.then(({ directory }) => directory.close()).catch(() => undefined)
  }

  #mark(offset: number, value: string): void {
    const values = this.#sent.get(offset) ?? new Set()
    this.#sent.set(offset, values.add(value))
  }
}

t.test('no power cut and no kill loses what was acknowledged or shows what was never sent', async t => {
  let promised = 0
  for (let seed = 0; seed < 80; seed++) promised += await new History(`cut-${seed}`).run()
  t.ok(promised > 2000, `${promised} records were promised in 80 histories`)
})

const caught: PlantedBug[] = [
  'dataSyncLeftOut',
  'directorySyncLeftOut',
  'acknowledgedBeforeSync',
  'recoveredTailUnsynced',
]

for (const bug of caught) {
  t.test(`the same histories find the bug ${bug}`, async t => {
    const heal = plant(bug)
    try {
      for (let seed = 0; seed < 300; seed++) {
        try {
          await new History(`cut-${seed}`).run()
        } catch (error) {
          t.pass(`after ${seed + 1} histories: ${error instanceof Error ? error.message : String(error)}`)
          return
        }
      }
      t.fail(`300 histories did not find ${bug}`)
    } finally {
      heal()
    }
  })
}
