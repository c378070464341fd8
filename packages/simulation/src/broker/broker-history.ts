import { EmbeddedBroker } from '@varve/engine'
import { FakeClock, MemFs, SeededRandom } from '@varve/platform'
import { type Loss } from '@varve/testkit'
import { SimDisk } from '../disk/sim-disk.ts'
import { cannotBeOpened } from '../failure.ts'
import { HistoryCounts } from '../history/counts.ts'
import { planLife, type LifePlan } from '../history/life-plan.ts'
import { settled } from '../history/settled.ts'
import { BrokerLife } from './broker-life.ts'
import { BrokerModel } from './broker-model.ts'

const ROOT = '/data'

/** One broker's directory over several processes that are killed, lose power or end in order. */
export class BrokerHistory {
  readonly counts = new HistoryCounts()
  readonly #random: SeededRandom
  readonly #operations: number
  readonly #clock = new FakeClock()
  readonly #model: BrokerModel
  #mem: MemFs
  #loss: Loss = 'nothing'
  #lives = 0

  constructor(seed: number | string, { operations }: { readonly operations: number }) {
    this.#random = new SeededRandom(seed)
    this.#operations = operations
    this.#model = new BrokerModel(this.#random.fork('topics'))
    this.#mem = new MemFs({ crashable: true, clock: this.#clock })
  }

  /** @throws PropertyFailure */
  async run(): Promise<HistoryCounts> {
    const operations = Math.max(10, Math.floor(this.#operations / 5))
    while (this.counts.operations < this.#operations) {
      await this.#live(
        planLife(this.#random, { operations, diskOperations: 300 + operations * 10, faults: false }),
      )
    }
    const calm = { operations: 20, stopAt: undefined, end: 'close', unsyncedPercent: 0, faults: [] } as const
    await this.#live(calm)
    await this.#live({ ...calm, operations: 1 })
    this.counts.histories++
    return this.counts
  }

  async #live(plan: LifePlan): Promise<void> {
    const random = this.#random.fork(`life-${this.#lives++}`)
    const { stopAt, operations, end } = plan
    const disk = new SimDisk({
      mem: this.#mem,
      random: random.fork('disk'),
      ...(stopAt === undefined ? {} : { stopAt }),
    })
    this.counts.operations++
    if (this.#lives > 1) this.counts.reopens++
    const clock = this.#clock
    const opening = EmbeddedBroker.open({ path: ROOT, vfs: disk, clock, random: random.fork('broker') })
    const opened = await settled(opening, { disk, clock, what: 'The opening of the broker' })
    if (opened.kind === 'failed') throw cannotBeOpened(opened.error)
    let closed = false
    if (opened.kind === 'done') {
      const { counts } = this
      const life = new BrokerLife({ disk, random, broker: opened.value, clock, model: this.#model, counts })
      if (await life.verify(this.#loss)) {
        this.#loss = 'nothing'
        closed = (await life.act(operations)) && end === 'close' && (await life.close())
      }
    } else {
      this.counts.duringRecovery++
    }
    this.counts.diskOperations += disk.operations
    disk.stop()
    if (!closed) this.#die(plan)
  }

  #die({ end, unsyncedPercent }: LifePlan): void {
    if (end === 'kill') {
      this.counts.kills++
      if (this.#loss === 'nothing') this.#loss = 'memory'
      return
    }
    this.counts.powerCuts++
    this.#loss = 'power'
    this.#mem = this.#mem.crashClone({ rng: this.#random.fork(`cut-${this.#lives}`), unsyncedPercent })
  }
}
