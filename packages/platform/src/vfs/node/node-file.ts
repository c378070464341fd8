import fs from 'node:fs'
import { closedError, ioError } from '../io-error.ts'
import type { VfsFile, VfsStat } from '../vfs.ts'
import { allAfter, BUFFERS_PER_WRITE_MAX, lengthOf, statOf } from './node-calls.ts'

/**
 * A file by its number. It closes once all calls in flight have returned: the system gives a closed number to
 * the next file that is opened, and a late write would go there.
 */
export class NodeFile implements VfsFile {
  readonly path: string
  readonly #fd: number
  #inFlight = 0
  #closed: Promise<void> | undefined
  #idle: (() => void) | undefined

  constructor(path: string, fd: number) {
    this.path = path
    this.#fd = fd
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#begin('read')
    try {
      let done = 0
      while (done < target.length) {
        const count = await this.#readOnce(target, done, position + done)
        if (count === 0) break
        done += count
      }
      return done
    } catch (error) {
      throw ioError(error, 'read', this.path)
    } finally {
      this.#end()
    }
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    this.#begin('write')
    try {
      let left = buffers
      let length = lengthOf(left)
      let at = position
      while (length > 0) {
        const count = await this.#writeOnce(left, at)
        at += count
        length -= count
        if (length > 0) left = allAfter(left, count)
      }
    } catch (error) {
      throw ioError(error, 'write', this.path)
    } finally {
      this.#end()
    }
  }

  async datasync(): Promise<void> {
    await this.#call('sync', done => {
      datasync(this.#fd, done)
    })
  }

  async truncate(size: number): Promise<void> {
    await this.#call('truncate', done => {
      fs.ftruncate(this.#fd, size, done)
    })
  }

  async stat(): Promise<VfsStat> {
    this.#begin('look at')
    try {
      const stat = await new Promise<fs.BigIntStats>((resolve, reject) => {
        fs.fstat(this.#fd, { bigint: true }, (error, found) => {
          if (error === null) resolve(found)
          else reject(error)
        })
      })
      return statOf(stat)
    } catch (error) {
      throw ioError(error, 'look at', this.path)
    } finally {
      this.#end()
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    if (this.#inFlight > 0) {
      await new Promise<void>(resolve => {
        this.#idle = resolve
      })
    }
    await new Promise<void>((resolve, reject) => {
      fs.close(this.#fd, error => {
        if (error === null) resolve()
        else reject(ioError(error, 'close', this.path))
      })
    })
  }

  #readOnce(target: Uint8Array, from: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, target, from, target.length - from, position, (error, count) => {
        if (error === null) resolve(count)
        else reject(error)
      })
    })
  }

  #writeOnce(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: NodeJS.ErrnoException | null, count: number): void => {
        if (error !== null) reject(error)
        else if (count > 0) resolve(count)
        else reject(new Error('the system took no byte'))
      }
      const only = buffers[0]
      if (buffers.length === 1 && only !== undefined) fs.write(this.#fd, only, 0, only.length, position, done)
      else if (buffers.length <= BUFFERS_PER_WRITE_MAX) fs.writev(this.#fd, buffers, position, done)
      else fs.writev(this.#fd, buffers.slice(0, BUFFERS_PER_WRITE_MAX), position, done)
    })
  }

  async #call(operation: string, run: (done: fs.NoParamCallback) => void): Promise<void> {
    this.#begin(operation)
    try {
      await new Promise<void>((resolve, reject) => {
        run(error => {
          if (error === null) resolve()
          else reject(error)
        })
      })
    } catch (error) {
      throw ioError(error, operation, this.path)
    } finally {
      this.#end()
    }
  }

  #begin(operation: string): void {
    if (this.#closed !== undefined) throw closedError(operation, this.path)
    this.#inFlight++
  }

  #end(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#idle?.()
  }
}

/**
 * macOS keeps what fdatasync(2) and fsync(2) hand it in the drive's cache; only F_FULLFSYNC reaches the medium.
 * Node's `fsync` (libuv) asks for that there, so it is named here rather than hoped for.
 */
const datasync = process.platform === 'darwin' ? fs.fsync : fs.fdatasync
