import type { Vfs } from '@varve/platform'
import type { LifeSocket, Machine, MachineFacts } from './machine.ts'

/**
 * The machine for a directory that no other process can see, such as one in memory: owners live as long as their
 * sockets, which are entries of a set. A copy of the file system, as after a power cut, is another machine start.
 */
export class MemoryMachine implements Machine {
  static readonly #sockets = new WeakMap<Vfs, { boot: string; names: Set<string> }>()
  static #boots = 0
  readonly #boot: string
  readonly #names: Set<string>

  constructor(vfs: Vfs) {
    const known = MemoryMachine.#sockets.get(vfs) ?? {
      boot: `boot-${MemoryMachine.#boots++}`,
      names: new Set<string>(),
    }
    MemoryMachine.#sockets.set(vfs, known)
    this.#boot = known.boot
    this.#names = known.names
  }

  facts(): Promise<MachineFacts> {
    return Promise.resolve({
      machineId: 'memory',
      bootId: this.#boot,
      pidNamespace: this.#boot,
      pid: 1,
      startTime: '0',
    })
  }

  startTimeOf(): Promise<string | undefined> {
    return Promise.resolve('0')
  }

  listen(folder: string, name: string): Promise<LifeSocket | undefined> {
    const key = `${folder}/${name}`
    this.#names.add(key)
    return Promise.resolve({
      close: () => {
        this.#names.delete(key)
        return Promise.resolve()
      },
    })
  }

  knock(folder: string, name: string): Promise<'accepted' | 'refused' | 'unknown'> {
    return Promise.resolve(this.#names.has(`${folder}/${name}`) ? 'accepted' : 'refused')
  }

  isFileLocked(): Promise<boolean> {
    return Promise.resolve(false)
  }
}
