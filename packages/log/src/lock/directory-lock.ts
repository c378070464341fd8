import { join } from 'node:path'
import { isVarveError, VarveError, type Random, type Vfs } from '@varve/platform'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { replaceFile, removeFile, writeWhole } from '../checkpoints/checkpoint-file.ts'
import {
  formatLock,
  listLocks,
  lockPath,
  readLock,
  socketName,
  unlinkedLockName,
  type LockContent,
} from './lock-file.ts'
import type { LifeSocket, Machine } from './machine.ts'

/** How many earlier locks stay: an opener that is this late still sees that it is late. */
const KEPT_LOCKS = 8
const ATTEMPTS_MAX = 1000
const KAFKA_LOCK_FILE = '.lock'

export interface LockOptions {
  readonly vfs: Vfs
  readonly root: string
  readonly machine: Machine
  readonly random: Random
  /** Takes the directory even from an owner of whom it cannot be told whether it lives. Default false. */
  readonly force?: boolean
}

/**
 * The right to own a directory: a numbered file, made with `link`, which creates or fails. The highest number owns; the
 * next number is taken only when the owner of the highest is dead; whoever has taken one looks whether a higher one
 * appeared, and withdraws. The highest is never deleted, so numbers only grow.
 */
export class DirectoryLock {
  readonly #options: LockOptions
  readonly #number: number
  readonly #content: LockContent
  readonly #socket: LifeSocket | undefined
  #released: Promise<void> | undefined

  private constructor(
    options: LockOptions,
    number: number,
    content: LockContent,
    socket: LifeSocket | undefined,
  ) {
    this.#options = options
    this.#number = number
    this.#content = content
    this.#socket = socket
  }

  /** @throws `DIRECTORY_LOCKED` when somebody owns the directory, or may */
  static async take(options: LockOptions): Promise<DirectoryLock> {
    await refuseKafka(options)
    const { machine, random, root } = options
    const token = random.bytes(16).toString('hex')
    await refuseOwned(options, await listLocks(options.vfs, root))
    const socket = await machine.listen(root, socketName(token))
    const content: LockContent = {
      ...(await machine.facts()),
      token,
      socket: socket === undefined ? null : socketName(token),
      released: false,
    }
    try {
      return new DirectoryLock(options, await takeNumber(options, content), content, socket)
    } catch (error) {
      await socket?.close()
      throw error
    }
  }

  /** Gives the directory back. The file stays: the next owner takes the next number. */
  release(): Promise<void> {
    return (this.#released ??= this.#release())
  }

  async #release(): Promise<void> {
    const { vfs, root } = this.#options
    try {
      const path = lockPath(root, this.#number)
      const found = await readLock(vfs, path)
      // Taken by force from us: the file is another's.
      if (typeof found === 'string' || found.token !== this.#content.token) return
      const released = { ...this.#content, released: true }
      await replaceFile(vfs, path, formatLock(released)).catch(async (error: unknown) => {
        // A full disk takes no other file, but another byte in this one. Without its socket nobody could tell us dead.
        await overwrite(vfs, path, released).catch(() => {
          throw error
        })
      })
    } finally {
      await this.#socket?.close()
    }
  }
}

/**
 * Writes in place the one byte that says that the lock was given back. More could break off in the middle, and what is
 * left then, nobody could understand, nor ever open the directory again.
 */
async function overwrite(vfs: Vfs, path: string, released: LockContent): Promise<void> {
  const before = Buffer.from(formatLock({ ...released, released: false }))
  const after = Buffer.from(formatLock(released))
  const at = after.findIndex((byte, index) => byte !== before[index])
  const file = await vfs.open(path, 'write')
  try {
    await file.write([after.subarray(at, at + 1)], at)
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Links our file to the number behind the highest, for as long as that is free to take. */
async function takeNumber(options: LockOptions, content: LockContent): Promise<number> {
  const { vfs, root } = options
  const unlinked = join(root, unlinkedLockName(content.token))
  await writeWhole(vfs, unlinked, formatLock(content), { sync: true })
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const numbers = await listLocks(vfs, root)
      await refuseOwned(options, numbers)
      const number = (numbers.at(-1) ?? 0) + 1
      if (!(await link(vfs, unlinked, lockPath(root, number)))) continue
      if (await isHighest(vfs, root, number)) {
        await vfs.syncDir(root)
        await removeOlder(vfs, root, numbers, number)
        return number
      }
      // Not ours: a higher number came first. This one is not the highest, so it may go.
      await removeFile(vfs, lockPath(root, number))
    }
  } finally {
    await removeFile(vfs, unlinked)
  }
  throw locked(root, 'other processes took it again and again', undefined)
}

async function link(vfs: Vfs, from: string, to: string): Promise<boolean> {
  try {
    await vfs.link(from, to)
    return true
  } catch (error) {
    if (isVarveError(error, 'ALREADY_EXISTS')) return false
    throw error
  }
}

/**
 * A listing may miss what comes and goes while it runs. The numbers right behind ours are asked for one by one: they
 * are kept until `KEPT_LOCKS` more have come.
 */
async function isHighest(vfs: Vfs, root: string, number: number): Promise<boolean> {
  for (let next = number + 1; next <= number + KEPT_LOCKS; next++) {
    if ((await vfs.stat(lockPath(root, next))) !== undefined) return false
  }
  return (await listLocks(vfs, root)).at(-1) === number
}

async function removeOlder(
  vfs: Vfs,
  root: string,
  numbers: readonly number[],
  number: number,
): Promise<void> {
  for (const older of numbers) {
    if (older >= number - KEPT_LOCKS) break
    await removeFile(vfs, lockPath(root, older))
  }
  const previous = numbers.at(-1)
  const content = previous === undefined ? 'gone' : await readLock(vfs, lockPath(root, previous))
  // The socket of a dead owner; a living one removes its own.
  if (typeof content !== 'string' && content.socket !== null)
    await removeFile(vfs, join(root, content.socket)).catch(() => false)
}

/** @throws `DIRECTORY_LOCKED` unless the owner of the highest number is dead */
async function refuseOwned(options: LockOptions, numbers: readonly number[]): Promise<void> {
  const { vfs, root, force } = options
  const highest = numbers.at(-1)
  if (highest === undefined || plantedBugs.twoOwners) return
  const path = lockPath(root, highest)
  const content = await readLock(vfs, path)
  // Removed meanwhile: there is a higher one, which the next look shows.
  if (content === 'gone') return
  if (content === 'unreadable') {
    if (force === true) return
    throw locked(root, `its lock ${path} cannot be understood`, undefined)
  }
  const life = await lifeOf(options, content)
  if (life === 'dead' || (life === 'unknown' && force === true)) return
  throw locked(root, `process ${content.pid} owns it`, { ...content, life })
}

/** The four signs of death, and the two of life. An owner without a sign counts as living, but force may take its place. */
async function lifeOf(
  { machine, root }: LockOptions,
  owner: LockContent,
): Promise<'dead' | 'alive' | 'unknown'> {
  if (owner.released) return 'dead'
  const own = await machine.facts()
  const sameMachine = owner.machineId !== '' && owner.machineId === own.machineId
  const bootsKnown = owner.bootId !== '' && own.bootId !== ''
  if (sameMachine && bootsKnown && owner.bootId !== own.bootId) return 'dead'
  const sameBoot = bootsKnown ? owner.bootId === own.bootId : sameMachine
  if (!sameBoot) return 'unknown'
  if (owner.socket !== null) {
    const answer = await machine.knock(root, owner.socket)
    if (answer !== 'unknown') return answer === 'refused' ? 'dead' : 'alive'
  }
  if (owner.pidNamespace === '' || owner.pidNamespace !== own.pidNamespace || owner.startTime === '')
    return 'unknown'
  return (await machine.startTimeOf(owner.pid)) === owner.startTime ? 'alive' : 'dead'
}

/** @throws `DIRECTORY_LOCKED` when a running Kafka has the directory open */
async function refuseKafka({ vfs, root, machine }: LockOptions): Promise<void> {
  const stat = await vfs.stat(join(root, KAFKA_LOCK_FILE))
  if (stat === undefined || !(await machine.isFileLocked(stat.id))) return
  throw new VarveError(
    'DIRECTORY_LOCKED',
    `The directory ${root} is open in a running Kafka, which holds ${KAFKA_LOCK_FILE}; stop it first.`,
    {
      context: { path: root },
    },
  )
}

function locked(
  root: string,
  why: string,
  owner: (LockContent & { life: 'alive' | 'unknown' }) | undefined,
): VarveError {
  const advice =
    owner?.life === 'alive'
      ? 'close it there, or read beside it'
      : 'close it there, or if you are sure that nobody uses it, open it with --force'
  return new VarveError('DIRECTORY_LOCKED', `The directory ${root} is in use: ${why}; ${advice}.`, {
    context: {
      path: root,
      ...(owner === undefined
        ? {}
        : { found: { pid: owner.pid, machineId: owner.machineId, life: owner.life } }),
    },
    retriable: true,
  })
}
