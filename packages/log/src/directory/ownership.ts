import { join } from 'node:path'
import type { Logger, Random, Vfs } from '@varve/platform'
import { readText, removeFile, replaceFile } from '../checkpoints/checkpoint-file.ts'
import { brokerEpochOf, CLEAN_SHUTDOWN_FILE, formatCleanShutdown } from '../checkpoints/clean-shutdown.ts'
import {
  formatMetaProperties,
  META_PROPERTIES_FILE,
  META_PROPERTIES_OWNED_FILE,
  randomId,
  type MetaProperties,
} from '../checkpoints/meta-properties.ts'
import { formatVarveFormat, VARVE_FORMAT_FILE } from '../checkpoints/varve-format.ts'
import { DirectoryLock, type LockOptions } from '../lock/directory-lock.ts'
import { plantedBugs } from '../testing/planted-bugs.ts'
import { checkOwnable, inspectRoot, isClean, type DirectoryRoot } from './directory-root.ts'

const NODE_ID_DEFAULT = 1

/**
 * What it takes to own a directory: the lock, `meta.properties` under another name so that Kafka does not start here,
 * and no clean marker. Each step knows how to take itself back, for when opening fails further on.
 */
export class Ownership {
  readonly root: DirectoryRoot
  readonly properties: MetaProperties
  readonly #vfs: Vfs
  readonly #logger: Logger
  readonly #lock: DirectoryLock
  readonly #undo: (() => Promise<unknown>)[]
  readonly #brokerEpoch: number

  private constructor(options: {
    root: DirectoryRoot
    properties: MetaProperties
    vfs: Vfs
    logger: Logger
    lock: DirectoryLock
    undo: (() => Promise<unknown>)[]
  }) {
    this.root = options.root
    this.properties = options.properties
    this.#vfs = options.vfs
    this.#logger = options.logger
    this.#lock = options.lock
    this.#undo = options.undo
    this.#brokerEpoch = options.root.marker === undefined ? -1 : brokerEpochOf(options.root.marker)
  }

  /** @throws `DIRECTORY_LOCKED`, `DIRECTORY_NOT_CLEAN` and what `inspectRoot` throws; nothing is changed then */
  static async take(options: LockOptions & { logger: Logger; recover: boolean }): Promise<Ownership> {
    const { vfs, logger } = options
    checkOwnable(await inspectRoot(vfs, options.root, { readOnly: false }), options)
    const lock = await DirectoryLock.take(options)
    const undo: (() => Promise<unknown>)[] = []
    try {
      // Who owned it a moment ago may have changed it.
      const root = await inspectRoot(vfs, options.root, { readOnly: false })
      checkOwnable(root, options)
      const properties = await claim(root, options, undo)
      const ownership = new Ownership({ root, properties, vfs, logger, lock, undo })
      if (!plantedBugs.cleanMarkerDeletedLate) await ownership.removeMarker()
      return ownership
    } catch (error) {
      await takeBack(undo, logger)
      await lock.release()
      throw error
    }
  }

  /** Gone, and gone for good, before recovery begins: a crash during recovery is no clean shutdown. */
  async removeMarker(): Promise<void> {
    const { marker, path } = this.root
    if (marker === undefined) return
    const markerPath = join(path, CLEAN_SHUTDOWN_FILE)
    this.#undo.push(() => replaceFile(this.#vfs, markerPath, marker))
    await removeFile(this.#vfs, markerPath)
    if (!plantedBugs.directorySyncLeftOut) await this.#vfs.syncDir(path)
  }

  /** Leaves the directory as it was found. */
  async abandon(): Promise<void> {
    await takeBack(this.#undo, this.#logger)
    await this.#lock.release()
  }

  /** The last steps of a close: the marker, then the name that Kafka looks for, then the lock. */
  async giveBack({ clean }: { clean: boolean }): Promise<void> {
    const { path } = this.root
    try {
      if (!clean) return
      if (!plantedBugs.cleanMarkerEarly) await this.writeMarker()
      await this.#vfs.rename(join(path, META_PROPERTIES_OWNED_FILE), join(path, META_PROPERTIES_FILE))
      await this.#vfs.syncDir(path)
    } finally {
      await this.#lock.release()
    }
  }

  async writeMarker(): Promise<void> {
    const path = join(this.root.path, CLEAN_SHUTDOWN_FILE)
    await replaceFile(this.#vfs, path, formatCleanShutdown(this.#brokerEpoch))
  }

  get clean(): boolean {
    return isClean(this.root)
  }
}

/** Makes a new directory, or hides the `meta.properties` of one that is there. */
async function claim(
  root: DirectoryRoot,
  options: { vfs: Vfs; random: Random },
  undo: (() => Promise<unknown>)[],
): Promise<MetaProperties> {
  const { vfs, random } = options
  const { path } = root
  const metaPath = join(path, META_PROPERTIES_FILE)
  const ownedPath = join(path, META_PROPERTIES_OWNED_FILE)
  const formatPath = join(path, VARVE_FORMAT_FILE)
  if (!root.hasFormat) {
    undo.push(() => removeFile(vfs, formatPath))
    await replaceFile(vfs, formatPath, formatVarveFormat())
  }
  if (root.properties === undefined) {
    const properties = { clusterId: randomId(random), nodeId: NODE_ID_DEFAULT, directoryId: randomId(random) }
    undo.push(() => removeFile(vfs, ownedPath))
    await replaceFile(vfs, ownedPath, formatMetaProperties(properties))
    return properties
  }
  if (!root.owned) {
    undo.push(async () => {
      if ((await readText(vfs, metaPath)) !== undefined) return
      await vfs.rename(ownedPath, metaPath)
      await vfs.syncDir(path)
    })
    await vfs.rename(metaPath, ownedPath)
    await vfs.syncDir(path)
  }
  return root.properties
}

/**
 * Last step first. What cannot be taken back is told; the error that brought us here matters more. The steps before it
 * stay: a directory of Varve's without a clean marker is recovered, one of Kafka's is refused.
 */
async function takeBack(undo: (() => Promise<unknown>)[], logger: Logger): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      logger.warn({ error }, 'A change of a failed opening could not be taken back.')
      return
    }
  }
}
