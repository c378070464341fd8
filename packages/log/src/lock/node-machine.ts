import { open, readFile, readlink } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { LifeSocket, Machine, MachineFacts } from './machine.ts'

/** The address of a Unix socket takes 108 bytes on Linux, 104 on macOS; a longer one is cut without a word. */
const SOCKET_PATH_BYTES_MAX = 99

/** The machine that this process runs on. */
export class NodeMachine implements Machine {
  #facts: Promise<MachineFacts> | undefined

  facts(): Promise<MachineFacts> {
    return (this.#facts ??= readFacts())
  }

  startTimeOf(pid: number): Promise<string | undefined> {
    return startTimeOf(pid)
  }

  async listen(folder: string, name: string): Promise<LifeSocket | undefined> {
    const address = await socketAddress(folder, name)
    if (address === undefined) return undefined
    const server = createServer(socket => socket.destroy())
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ path: address.path, exclusive: true }, resolve)
      })
    } catch {
      // A file system without sockets: the other signs of life have to do.
      await address.release()
      return undefined
    }
    server.unref()
    server.on('error', () => undefined)
    return {
      close: async () => {
        await new Promise<void>(resolve => {
          server.close(() => {
            resolve()
          })
        })
        await address.release()
      },
    }
  }

  async knock(folder: string, name: string): Promise<'accepted' | 'refused' | 'unknown'> {
    const address = await socketAddress(folder, name)
    if (address === undefined) return 'unknown'
    try {
      return await new Promise(resolve => {
        const socket = connect({ path: address.path })
        socket.once('connect', () => {
          socket.destroy()
          resolve('accepted')
        })
        socket.once('error', (error: NodeJS.ErrnoException) => {
          // EAGAIN: its queue is full, so somebody listens.
          if (error.code === 'ECONNREFUSED') resolve('refused')
          else resolve(error.code === 'EAGAIN' ? 'accepted' : 'unknown')
        })
      })
    } finally {
      await address.release()
    }
  }

  async isFileLocked(fileId: string): Promise<boolean> {
    const [device = '', inode = ''] = fileId.split(':')
    const locks = await readText('/proc/locks')
    // "1: POSIX  ADVISORY  WRITE 1234 fe:01:5678 0 EOF"
    for (const line of locks.split('\n')) {
      const [, major = '', minor = '', number] = / ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line) ?? []
      if (number !== inode || !/\b(POSIX|OFDLCK)\b/.test(line)) continue
      const [wantedMajor, wantedMinor] = deviceNumbers(Number(device))
      // A file system without a device of its own (major 0: overlay, btrfs) shows another number in stat.
      if (wantedMajor === 0) return true
      if (Number.parseInt(major, 16) === wantedMajor && Number.parseInt(minor, 16) === wantedMinor)
        return true
    }
    return false
  }
}

async function readFacts(): Promise<MachineFacts> {
  const machineId = (await readText('/etc/machine-id')) || (await readText('/var/lib/dbus/machine-id'))
  return {
    machineId: machineId.trim() || hostname(),
    bootId: (await readText('/proc/sys/kernel/random/boot_id')).trim(),
    pidNamespace: await readlink('/proc/self/ns/pid').catch(() => ''),
    pid: process.pid,
    startTime: (await startTimeOf(process.pid)) ?? '',
  }
}

/** Field 22 of `/proc/<pid>/stat`; the second field, the command in parentheses, may hold anything. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readText(`/proc/${pid}/stat`)
  return stat === '' ? undefined : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

/** The path of the socket if it is short enough, else through the folder's handle, where the system has that. */
async function socketAddress(
  folder: string,
  name: string,
): Promise<{ path: string; release(): Promise<void> } | undefined> {
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return { path, release: () => Promise.resolve() }
  if (process.platform !== 'linux') return undefined
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  return { path: `/proc/self/fd/${handle.fd}/${name}`, release: () => handle.close() }
}

/** How Linux packs major and minor into the device number of stat. */
function deviceNumbers(device: number): [major: number, minor: number] {
  const value = BigInt(device)
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & ~0xfffn)
  const minor = (value & 0xffn) | ((value >> 12n) & ~0xffn & 0xffffffffn)
  return [Number(major), Number(minor)]
}
