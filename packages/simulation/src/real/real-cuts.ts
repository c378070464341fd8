import { join } from 'node:path'
import type { PlantedBug } from '@varve/log/testing'
import { FakeClock, SeededRandom } from '@varve/platform'
import { PropertyFailure } from '@varve/testkit'
import { cannotBeOpened } from '../failure.ts'
import { HistoryCounts } from '../history/counts.ts'
import { LogLife } from '../history/log-life.ts'
import { LogModel } from '../history/log-model.ts'
import { settled } from '../history/settled.ts'
import { NoRealDisk, RealDisk, type FileSystemName } from './real-disk.ts'
import { RemoteDirectory } from './remote-directory.ts'

/** Answers of a process before its power goes. */
const ANSWERS_MAX = 150
/** How long an opening takes, about. */
const OPENING_MS = 25

export interface RealCutsOptions {
  readonly kind: FileSystemName
  /** Where the disk may lie; everything in it goes with the caller's mount namespace. */
  readonly folder: string
  readonly cycles: number
  readonly seed: number
  /** The program that has the directory open, and loses it. */
  readonly script: string
  /** Bugs that it has. */
  readonly bugs: readonly PlantedBug[]
}

/**
 * A directory on a real file system: a process opens it and does what clients do, the power goes, another process opens
 * what the journal brings back. What the clients do follows from the seed, what the disk loses from the moment.
 */
class RealCuts {
  readonly counts = new HistoryCounts()
  readonly #options: RealCutsOptions
  readonly #random: SeededRandom
  readonly #clock = new FakeClock()
  readonly #model: LogModel
  readonly #disk: RealDisk
  #next: RemoteDirectory

  /** @throws NoRealDisk */
  constructor(options: RealCutsOptions) {
    this.#options = options
    this.#random = new SeededRandom(`${options.kind}-${options.seed}`)
    this.#model = new LogModel(this.#random.fork('topics'))
    this.#disk = new RealDisk(options.kind, options.folder)
    this.#next = this.#spawn()
  }

  /** @throws PropertyFailure */
  async run(): Promise<HistoryCounts> {
    try {
      for (let cycle = 0; cycle < this.#options.cycles; cycle++) {
        if (cycle > 0) this.#disk.mount()
        await this.#cycle(cycle)
        this.#disk.unmount()
      }
    } finally {
      await this.#next.kill()
    }
    this.counts.histories++
    return this.counts
  }

  #spawn(): RemoteDirectory {
    return new RemoteDirectory(this.#options.script, () => this.#clock.now())
  }

  async #cycle(cycle: number): Promise<void> {
    const random = this.#random.fork(`cycle-${cycle}`)
    const directory = this.#next
    // The one after it starts while this one works.
    this.#next = this.#spawn()
    const stopAt = 1 + random.int(ANSWERS_MAX)
    let gone: Promise<void> | undefined
    const cut = (): void => {
      if (gone !== undefined) return
      directory.cutOff()
      this.#disk.cutPower(random.chance(20) ? 'log-flushed' : 'log-lost')
      gone = directory.kill()
    }
    directory.onAnswer = () => {
      if (directory.answers === stopAt) cut()
    }
    // Often enough while it opens, which is one call.
    if (random.chance(20)) setTimeout(cut, random.int(OPENING_MS))
    try {
      await this.#live(directory, random)
    } finally {
      cut()
      await gone
    }
    this.counts.powerCuts++
  }

  async #live(directory: RemoteDirectory, random: SeededRandom): Promise<void> {
    this.counts.operations++
    this.counts.reopens++
    const configs = this.#model.configs
    const { bugs } = this.#options
    const opening = directory.open({
      path: join(this.#disk.path, 'data'),
      seed: random.bytes(8).toString('hex'),
      configs,
      bugs,
    })
    const what = 'The opening of the directory'
    const opened = await settled(opening, { disk: directory, clock: this.#clock, what })
    if (opened.kind === 'failed' && directory.fired.length === 0) throw cannotBeOpened(opened.error)
    if (opened.kind !== 'done') {
      this.counts.duringRecovery++
      return
    }
    const { counts } = this
    const life = new LogLife({
      disk: directory,
      random,
      directory,
      clock: this.#clock,
      model: this.#model,
      counts,
    })
    if (!(await life.verify('power'))) return
    if ((await life.act(20 + random.int(200))) && random.chance(20)) await life.close()
  }
}

/** As a program: answers counts, or why there is nothing to count. */
export async function realCuts(
  options: RealCutsOptions,
): Promise<{ skip: string } | { text: string; powerCuts: number } | { failure: string }> {
  try {
    const counts = await new RealCuts(options).run()
    return { text: counts.toString(), powerCuts: counts.powerCuts }
  } catch (error) {
    if (error instanceof NoRealDisk) return { skip: error.message }
    if (error instanceof PropertyFailure) return { failure: error.message }
    throw error
  }
}
