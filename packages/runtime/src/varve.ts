import { BrokerClient, type VarveClient } from '@varve/client'
import { EmbeddedBroker } from '@varve/engine'
import { NodeMachine } from '@varve/log'
import {
  cryptoRandom,
  isVarveError,
  MemFs,
  NodeFs,
  realClock,
  silentLogger,
  VarveError,
  type Vfs,
} from '@varve/platform'
import { checkAborted, checkOpenOptions, type OpenOptions } from './open-options.ts'

/** Where the directory of `':memory:'` lies in its file system. */
const MEMORY_PATH = '/varve'

/**
 * Opens a data directory, or `':memory:'`, inside this process. One process owns a directory; others may open it with
 * `readOnly`. Close the client when it is no longer needed: it flushes producers, leaves groups and closes the files in
 * good order.
 *
 * @throws `DIRECTORY_LOCKED`, `DIRECTORY_NOT_VARVE`, `DIRECTORY_NOT_CLEAN`, `DIRECTORY_TOO_NEW`, `UNSUPPORTED_VERSION`
 *   (written by a newer Kafka: readable, not ownable), `NOT_FOUND` (with `create: false` or `readOnly`),
 *   `NOT_PERMITTED`, `DISK_FULL`, `ABORTED`, `INVALID_ARGUMENT`
 */
async function open(path: string, options: OpenOptions = {}): Promise<VarveClient> {
  const checked = checkOpenOptions(path, options)
  const { inMemory, logger = silentLogger, memoryBytesMax, signal } = checked
  const vfs = inMemory
    ? new MemFs(memoryBytesMax === undefined ? {} : { bytesMax: memoryBytesMax })
    : new NodeFs()
  if (!checked.create && !inMemory) await checkExists(vfs, path)
  const clock = realClock
  const random = cryptoRandom
  const broker = await EmbeddedBroker.open({
    path: inMemory ? MEMORY_PATH : path,
    vfs,
    clock,
    random,
    machine: inMemory ? undefined : new NodeMachine(),
    readOnly: checked.readOnly,
    recover: checked.recover,
    force: checked.force,
    autoCreateTopics: checked.autoCreateTopics,
    numPartitions: checked.numPartitions,
    logger,
    progress: progress => {
      checkAborted(signal)
      checked.onProgress?.(progress)
    },
  })
  const client = new BrokerClient({ broker, clock, random, logger, closeBroker: () => broker.close() })
  if (signal?.aborted === true) await client.close()
  checkAborted(signal)
  return client
}

/** Not there yet: it comes with the package `@varve/cluster`. Rejects with `UNSUPPORTED`. */
function connect(address: string): Promise<never> {
  const message = `Varve cannot connect to '${address}': this version opens directories only; use Varve.open.`
  return Promise.reject(new VarveError('UNSUPPORTED', message, { context: { found: address } }))
}

/** A folder that is there but empty holds no data either. */
async function checkExists(vfs: Vfs, path: string): Promise<void> {
  let cause: unknown
  try {
    if ((await vfs.list(path)).length > 0) return
  } catch (error) {
    if (!isVarveError(error, 'NOT_FOUND')) throw error
    cause = error
  }
  throw new VarveError(
    'NOT_FOUND',
    `There is no data directory at ${path}; open it without create: false to make one.`,
    {
      cause,
      context: { path },
    },
  )
}

/** Where programs begin: `await Varve.open('./data')`. */
export const Varve = Object.freeze({ open, connect })
