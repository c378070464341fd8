import type { SeededRandom, VfsFile, VfsFileSync, VfsStat } from '@varve/platform'
import type { SimDisk } from './sim-disk.ts'

/** An open file of a `SimDisk`. It has no `view`, so that every read is an operation that can fail. */
export class SimFile implements VfsFile {
  readonly #file: VfsFileSync
  readonly #disk: SimDisk
  readonly #random: SeededRandom

  constructor(file: VfsFileSync, disk: SimDisk, random: SeededRandom) {
    this.#file = file
    this.#disk = disk
    this.#random = random
  }

  get path(): string {
    return this.#file.path
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#disk.step('read', this.path, () => this.#file.read(target, position))
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    const write = (count: number): void => {
      let at = position
      for (const buffer of buffers) {
        const part = buffer.subarray(0, Math.max(0, count - (at - position)))
        if (part.length > 0) this.#file.write([part], at)
        at += buffer.length
      }
    }
    return this.#disk.step(
      'write',
      this.path,
      () => {
        write(Infinity)
      },
      () => {
        const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
        write(this.#random.int(total + 1))
      },
    )
  }

  datasync(): Promise<void> {
    return this.#disk.step('datasync', this.path, () => {
      this.#file.datasync()
    })
  }

  truncate(size: number): Promise<void> {
    return this.#disk.step('truncate', this.path, () => {
      this.#file.truncate(size)
    })
  }

  stat(): Promise<VfsStat> {
    return this.#disk.step('statFile', this.path, () => this.#file.stat())
  }

  close(): Promise<void> {
    return this.#disk.step('close', this.path, () => {
      this.#file.close()
    })
  }
}
