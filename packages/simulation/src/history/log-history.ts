import { FakeClock, MemFs, SeededRandom } from '@varve/platform'
import { LogDirectory } from '@varve/log'
import { type Loss, PropertyFailure } from '@varve/testkit'
import { SimDisk, turn, type WatchedOperation } from '../disk/sim-disk.ts'
import { cannotBeOpened } from '../failure.ts'
import { HistoryCounts } from './counts.ts'
import { planLife, type LifePlan } from './life-plan.ts'
import { LogLife } from './log-life.ts'
import { LogModel } from './log-model.ts'
import { settled, type Settled } from './settled.ts'

const ROOT = '/data'
const RETENTION_CHECK_MS = 300
const MARKER = `${ROOT}/.kafka_cleanshutdown`

export interface LogHistoryOptions {
  /** Client operations of the whole history, about. */
  readonly operations: number
  /** Whether disks fail, besides power cuts. Default true. */
  readonly faults?: boolean
  /** Told every operation of every disk. */
  readonly trace?: (line: string) => void
}

/**
 * One directory from its birth over several processes that die or end in order. Everything follows from the seed: the
 * operations, their timing, the moments of the crashes and what they leave.
 */
export class LogHistory {
  readonly counts = new HistoryCounts()
  /** A line for each process: how it ended, and what went wrong. For whoever looks into a failure. */
  readonly story: string[] = []
  readonly #random: SeededRandom
  readonly #options: LogHistoryOptions & { readonly faults: boolean }
  readonly #clock = new FakeClock()
  readonly #model: LogModel
  #mem: MemFs
  /** What was lost since the last time that everything was compared. */
  #loss: Loss = 'nothing'
  #lives = 0
  #failure: PropertyFailure | undefined

  constructor(seed: number | string, options: LogHistoryOptions) {
    this.#random = new SeededRandom(seed)
    this.#options = { faults: true, ...options }
    this.#model = new LogModel(this.#random.fork('topics'))
    this.#mem = new MemFs({ crashable: true, clock: this.#clock })
    this.#mem.sync.ensureDir(ROOT)
  }

  /** @throws PropertyFailure */
  async run(): Promise<HistoryCounts> {
    const { operations, faults } = this.#options
    const perLife = Math.max(10, Math.floor(operations / 5))
    while (this.counts.operations < operations) {
      await this.#live(
        planLife(this.#random, { operations: perLife, diskOperations: 150 + perLife * 8, faults }),
      )
    }
    // Whatever happened: in the end everything works, and it stays.
    const calm = { operations: 20, stopAt: undefined, end: 'close', unsyncedPercent: 0, faults: [] } as const
    await this.#live(calm)
    await this.#live({ ...calm, operations: 1 })
    this.counts.histories++
    return this.counts
  }

  async #live(plan: LifePlan): Promise<void> {
    const random = this.#random.fork(`life-${this.#lives++}`)
    const { stopAt, faults } = plan
    const disk = new SimDisk({
      mem: this.#mem,
      random: random.fork('disk'),
      faults,
      watch: done => {
        this.#watch(done)
      },
      ...(stopAt === undefined ? {} : { stopAt }),
    })
    const opened = await this.#open(disk, random)
    let closed = false
    if (opened.kind === 'done') {
      const { counts } = this
      const of = { disk, random, directory: opened.value, clock: this.#clock, model: this.#model, counts }
      closed = await this.#use(new LogLife(of), plan)
    } else if (opened.kind === 'dead') {
      this.counts.duringRecovery++
    } else if (disk.fired.length === 0) {
      throw cannotBeOpened(opened.error)
    }
    if (opened.kind === 'failed' || closed) await this.#checkQuiet(disk)
    if (this.#failure !== undefined) throw this.#failure
    this.counts.diskOperations += disk.operations
    this.counts.faults += disk.fired.length
    disk.stop()
    this.story.push(lineOf(plan, disk, opened.kind, closed))
    if (!closed) this.#die(plan)
  }

  #open(disk: SimDisk, random: SeededRandom): Promise<Settled<LogDirectory>> {
    this.counts.operations++
    if (this.#lives > 1) this.counts.reopens++
    const opening = LogDirectory.open(ROOT, {
      vfs: disk,
      clock: this.#clock,
      random: random.fork('directory'),
      configOf: of => this.#model.configOf(of),
      retentionCheckIntervalMs: RETENTION_CHECK_MS,
    })
    return settled(opening, { disk, clock: this.#clock, what: 'The opening of the directory' })
  }

  /** Who gave a directory back does nothing to it any more: somebody else may own it. */
  async #checkQuiet(disk: SimDisk): Promise<void> {
    const { operations } = disk
    for (let turns = 0; turns < 10; turns++) await turn()
    this.#clock.advance(1000)
    for (let turns = 0; turns < 10; turns++) await turn()
    const more = disk.operations - operations
    if (more > 0) throw new PropertyFailure(`${more} operations after the directory was given back`)
  }

  /** The marker of a clean shutdown goes before anything of a partition is looked at, and comes last. */
  #watch({ at, operation, path, fault }: WatchedOperation): void {
    this.#options.trace?.(`${at} ${operation} ${path} ${fault ?? ''}`)
    if (operation === 'close' || !path.startsWith(`${ROOT}/`) || !path.includes('/', ROOT.length + 1)) return
    if (this.#mem.sync.stat(MARKER) === undefined) return
    this.#failure ??= new PropertyFailure(
      `The marker of a clean shutdown is there while operation ${at}, ${operation}, works on ${path}`,
    )
  }

  /** Answers whether the directory was closed in order. */
  async #use(life: LogLife, plan: LifePlan): Promise<boolean> {
    if (!(await life.verify(this.#loss))) return false
    this.#loss = 'nothing'
    const closed = (await life.act(plan.operations)) && plan.end === 'close' && (await life.close())
    if (!closed) life.noteFailedSyncs()
    return closed
  }

  /** The process is gone; what the next one finds depends on how. */
  #die(plan: LifePlan): void {
    if (plan.end === 'kill') {
      this.counts.kills++
      if (this.#loss === 'nothing') this.#loss = 'memory'
      return
    }
    this.counts.powerCuts++
    this.#loss = 'power'
    const rng = this.#random.fork(`cut-${this.#lives}`)
    this.#mem = this.#mem.crashClone({ rng, unsyncedPercent: plan.unsyncedPercent })
  }
}

function lineOf(plan: LifePlan, disk: SimDisk, opened: string, closed: boolean): string {
  const fired = disk.fired.map(({ kind, at, operation, path }) => `${kind} of ${operation} ${at} (${path})`)
  const end = closed ? 'closed' : `${plan.end} with ${plan.unsyncedPercent} % unsynced`
  return `opening ${opened}, ${disk.operations} disk operations, ${end}; faults: ${fired.join(', ') || 'none'}`
}
