import { LogDirectory } from '@varve/log'
import { FakeMachine } from '@varve/log/testing'
import { FakeClock, isVarveError, MemFs, SeededRandom } from '@varve/platform'
import { PropertyFailure } from '@varve/testkit'
import { SimDisk, turn } from '../disk/sim-disk.ts'
import { settled } from '../history/settled.ts'

const ROOT = '/data'
const RACERS = 4

export interface LockRaceCounts {
  acquired: number
  refused: number
  killed: number
}

/**
 * Fake processes of one machine that race for one directory in memory: they own it for a while, give it back, or are
 * killed at any of their disk operations. At no moment there are two living owners.
 */
export class LockRace {
  readonly counts: LockRaceCounts = { acquired: 0, refused: 0, killed: 0 }
  readonly #random: SeededRandom
  readonly #acquisitions: number
  readonly #clock = new FakeClock()
  readonly #mem = new MemFs({ clock: this.#clock })
  readonly #machine = new FakeMachine()
  #owner: { readonly racer: number; readonly disk: SimDisk } | undefined
  #processes = 0
  #over = false

  constructor(seed: number, { acquisitions }: { readonly acquisitions: number }) {
    this.#random = new SeededRandom(seed)
    this.#acquisitions = acquisitions
  }

  /** @throws PropertyFailure */
  async run(): Promise<LockRaceCounts> {
    this.#mem.sync.ensureDir(ROOT)
    const racers = Array.from({ length: RACERS }, async (_, racer) => {
      try {
        while (!this.#over && this.counts.acquired < this.#acquisitions) await this.#process(racer)
      } finally {
        this.#over = true
      }
    })
    // Nobody goes on behind the back of whoever reads of the first failure.
    await Promise.allSettled(racers)
    await Promise.all(racers)
    return this.counts
  }

  /** One process: it tries a few times, and then is another. */
  async #process(racer: number): Promise<void> {
    const random = this.#random.fork(`process-${this.#processes++}`)
    const machine = this.#machine.spawn()
    machine.sockets = random.chance(70)
    const disk = new SimDisk({
      mem: this.#mem,
      random: random.fork('disk'),
      ...(random.chance(40) ? { stopAt: 1 + random.int(200) } : {}),
    })
    for (let attempts = 0; attempts < 20 && !disk.dead; attempts++) {
      if (this.#over || this.counts.acquired >= this.#acquisitions) break
      await this.#attempt(racer, { disk, machine, random })
    }
    if (disk.dead) this.counts.killed++
    disk.stop()
    if (this.#owner?.disk === disk) this.#owner = undefined
    machine.kill()
  }

  async #attempt(
    racer: number,
    of: { disk: SimDisk; machine: FakeMachine; random: SeededRandom },
  ): Promise<void> {
    const { disk, machine, random } = of
    const opening = LogDirectory.open(ROOT, { vfs: disk, clock: this.#clock, random, machine }).then(
      directory => {
        this.#own(racer, disk)
        return directory
      },
    )
    const opened = await settled(opening, { disk, clock: this.#clock, what: 'The opening of a directory' })
    if (opened.kind === 'dead') return
    if (opened.kind === 'failed') {
      // A racer may also see what another one is about to finish: a rename, a folder that is not whole.
      if (!isVarveError(opened.error)) throw opened.error
      this.counts.refused++
      for (let turns = random.int(40); turns > 0 && !disk.dead; turns--) await turn()
      return
    }
    for (let turns = random.int(6); turns > 0; turns--) {
      await turn()
      if (disk.dead) return
      if (this.#owner?.racer !== racer)
        throw new PropertyFailure(`Racer ${racer} owns the directory, and so does another`)
    }
    this.#owner = undefined
    await settled(opened.value.close(), { disk, clock: this.#clock, what: 'The closing of a directory' })
  }

  #own(racer: number, disk: SimDisk): void {
    if (disk.dead) return
    if (this.#owner?.disk.dead === false) {
      throw new PropertyFailure(`Racer ${racer} got the directory while racer ${this.#owner.racer} owns it`)
    }
    this.#owner = { racer, disk }
    this.counts.acquired++
  }
}
