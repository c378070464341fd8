import type { LifeSocket, Machine, MachineFacts } from '../lock/machine.ts'

/** What a set of fake processes shares: who listens, and who runs. */
interface World {
  readonly listening: Set<string>
  readonly running: Map<string, string>
  readonly lockedFiles: Set<string>
  next: number
}

/** A machine played by a test: processes are started, killed and rebooted at will. */
export class FakeMachine implements Machine {
  readonly #world: World
  readonly #facts: MachineFacts
  readonly #sockets = new Set<string>()
  /** Whether this machine has sockets at all. */
  sockets = true

  constructor(
    facts: Partial<MachineFacts> = {},
    world: World = { listening: new Set(), running: new Map(), lockedFiles: new Set(), next: 100 },
  ) {
    this.#world = world
    const pid = facts.pid ?? world.next++
    this.#facts = {
      machineId: 'machine',
      bootId: 'boot',
      pidNamespace: 'pid:[1]',
      startTime: String(pid * 7),
      ...facts,
      pid,
    }
    world.running.set(this.#key(pid), this.#facts.startTime)
  }

  /** Another process, by default on the same machine. */
  spawn(facts: Partial<MachineFacts> = {}): FakeMachine {
    const { machineId, bootId, pidNamespace } = this.#facts
    return new FakeMachine({ machineId, bootId, pidNamespace, ...facts }, this.#world)
  }

  /** The process is gone, as after `kill -9`. */
  kill(): void {
    for (const name of this.#sockets) this.#world.listening.delete(name)
    this.#world.running.delete(this.#key(this.#facts.pid))
  }

  /** Some process, Kafka perhaps, locks a file. */
  lockFile(fileId: string): void {
    this.#world.lockedFiles.add(fileId)
  }

  facts(): Promise<MachineFacts> {
    return Promise.resolve(this.#facts)
  }

  startTimeOf(pid: number): Promise<string | undefined> {
    return Promise.resolve(this.#world.running.get(this.#key(pid)))
  }

  listen(folder: string, name: string): Promise<LifeSocket | undefined> {
    if (!this.sockets) return Promise.resolve(undefined)
    const key = `${this.#facts.bootId}:${folder}/${name}`
    this.#world.listening.add(key)
    this.#sockets.add(key)
    return Promise.resolve({
      close: () => {
        this.#world.listening.delete(key)
        return Promise.resolve()
      },
    })
  }

  knock(folder: string, name: string): Promise<'accepted' | 'refused' | 'unknown'> {
    if (!this.sockets) return Promise.resolve('unknown')
    return Promise.resolve(
      this.#world.listening.has(`${this.#facts.bootId}:${folder}/${name}`) ? 'accepted' : 'refused',
    )
  }

  isFileLocked(fileId: string): Promise<boolean> {
    return Promise.resolve(this.#world.lockedFiles.has(fileId))
  }

  #key(pid: number): string {
    return `${this.#facts.machineId}/${this.#facts.bootId}/${this.#facts.pidNamespace}/${pid}`
  }
}
