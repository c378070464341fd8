import { join } from 'node:path'
import { isVarveError, type Vfs } from '@varve/platform'
import type { MachineFacts } from './machine.ts'

/*
 * `.lock-<n>`: JSON, one line. The highest number owns the directory. The file is made under another name and linked,
 * so that its name never shows half of it.
 */

const LOCK_FILE = /^\.lock-(\d{1,15})$/
/** Everything that the lock leaves in a folder: numbers, sockets, files on their way to a number. */
const LOCK_NAME = /^\.lock-(\d{1,15}(\.tmp)?|[0-9a-f]{32}\.(sock|new))$/

export interface LockContent extends MachineFacts {
  /** Tells this lock from every other. */
  readonly token: string
  /** The name of the owner's socket in the folder, null where there is none. */
  readonly socket: string | null
  /** Whether the owner gave the directory back. */
  readonly released: boolean
}

/** The file's text. `released` is 0 or 1 there, one byte, so that giving back in place cannot tear the file. */
export function formatLock(content: LockContent): string {
  return `${JSON.stringify({ ...content, released: content.released ? 1 : 0 })}\n`
}

export function isLockName(name: string): boolean {
  return LOCK_NAME.test(name)
}

export function lockPath(root: string, number: number): string {
  return join(root, `.lock-${number}`)
}

export const socketName = (token: string): string => `.lock-${token}.sock`
export const unlinkedLockName = (token: string): string => `.lock-${token}.new`

/** The numbers of the locks in a folder, rising. */
export async function listLocks(vfs: Vfs, root: string): Promise<number[]> {
  const numbers: number[] = []
  for (const { name } of await vfs.list(root)) {
    const digits = LOCK_FILE.exec(name)?.[1]
    if (digits !== undefined) numbers.push(Number(digits))
  }
  return numbers.sort((a, b) => a - b)
}

/** What a lock says; `gone` when it was removed meanwhile, `unreadable` when it says nothing that is understood. */
export async function readLock(vfs: Vfs, path: string): Promise<LockContent | 'gone' | 'unreadable'> {
  let text: string
  try {
    text = (await vfs.readFile(path, { max: 65536 })).toString('utf8')
  } catch (error) {
    if (isVarveError(error, 'NOT_FOUND')) return 'gone'
    if (isVarveError(error, 'TOO_LARGE')) return 'unreadable'
    throw error
  }
  try {
    const value = JSON.parse(text) as Partial<Record<keyof LockContent, unknown>> | null
    return isContent(value) ? { ...value, released: Boolean(value.released) } : 'unreadable'
  } catch {
    return 'unreadable'
  }
}

function isContent(
  value: Partial<Record<keyof LockContent, unknown>> | null,
): value is Omit<LockContent, 'released'> & { released: 0 | 1 | boolean } {
  if (value === null || typeof value !== 'object') return false
  const texts = [value.machineId, value.bootId, value.pidNamespace, value.startTime, value.token]
  if (!texts.every(text => typeof text === 'string') || typeof value.pid !== 'number') return false
  if (value.released !== 0 && value.released !== 1 && typeof value.released !== 'boolean') return false
  return value.socket === null || typeof value.socket === 'string'
}
