// 10,000 partitions: opening against the bare system calls, memory, handles, and appends to many against appends to one.
import { fork } from 'node:child_process'
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cryptoRandom, NodeFs, realClock } from '@varve/platform'
import { LogDirectory, logConfigOf } from '@varve/log'
import { BatchWriter } from '@varve/records'
import { withFolder } from './lib/folder.mjs'
import { FLUSH_MESSAGES_MAX } from './lib/log.mjs'
import { median, ratio, timeInTurn } from './lib/compare.mjs'

const PARTITIONS = Number(process.env.PARTITIONS ?? 10_000)
const HOT = Math.min(800, PARTITIONS)
const APPENDS = Math.min(4000, PARTITIONS)
const config = logConfigOf([['flush.messages', FLUSH_MESSAGES_MAX]])

/** Best first: `opening` takes at most 3 times the bare calls, and so on. */
const BARS = { open: 3, memoryMb: 400, handles: 1024, hot: 1.5, all: 4 }

function open(path, options = {}) {
  return LogDirectory.open(path, {
    vfs: new NodeFs(),
    clock: realClock,
    random: cryptoRandom,
    configOf: () => config,
    ...options,
  })
}

function batch(records) {
  const writer = new BatchWriter()
  for (let i = 0; i < records; i++)
    writer.append({ timestamp: 978_307_200_000 + i, value: Buffer.alloc(100, 'v') })
  return writer.finish()
}

/** A closed directory with some records in each partition. */
async function fill(path) {
  const directory = await open(path)
  const numbers = Array.from({ length: PARTITIONS }, (_, partition) => partition)
  const began = performance.now()
  const topicId = cryptoRandom.bytes(16).toString('base64url')
  for (let at = 0; at < numbers.length; at += 64) {
    await Promise.all(
      numbers.slice(at, at + 64).map(async partition => {
        const log = await directory.createPartition({ topic: 'many', partition, topicId, config })
        await log.append(batch(10))
      }),
    )
  }
  const created = performance.now()
  await directory.close()
  return { createMs: created - began, closeMs: performance.now() - created }
}

/** What every opener has to ask of the system: a listing, the sizes of the segments, and the small files. */
function bareOpen(path) {
  const memory = Buffer.allocUnsafe(4096)
  let bytes = 0
  for (const name of readdirSync(path)) {
    if (!name.startsWith('many-')) continue
    const folder = join(path, name)
    for (const file of readdirSync(folder)) {
      if (file.endsWith('.log')) bytes += statSync(join(folder, file)).size
      else if (isSmall(file)) {
        const fd = openSync(join(folder, file), 'r')
        bytes += readSync(fd, memory, 0, memory.length, 0)
        closeSync(fd)
      }
    }
  }
  return bytes
}

/** The topic's id, the epochs, and the producers. */
function isSmall(file) {
  return file === 'partition.metadata' || file === 'leader-epoch-checkpoint' || file.endsWith('.snapshot')
}

function handles() {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}

/** How much a process that does nothing else grows by opening all of it, in MB. */
async function memoryOfOpening(path) {
  const child = fork(fileURLToPath(import.meta.url), ['open', path])
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', code => {
      reject(new Error(`the opening process ended with ${code}`))
    })
  })
}

async function tellMemory(path) {
  const before = process.memoryUsage().rss
  const directory = await open(path)
  const grown = (process.memoryUsage().rss - before) / 2 ** 20
  await directory.close()
  process.send(grown)
}

/** One append after the other, to one partition after the other. */
async function appendInTurn(logs, count, offset = 0) {
  for (let i = 0; i < count; i++) await logs[(offset + i) % logs.length].append(batch(1))
}

export async function measureManyPartitions({ rounds = 5 } = {}) {
  return withFolder(async folder => {
    const path = join(folder, 'data')
    const { createMs, closeMs } = await fill(path)
    const memoryMb = await memoryOfOpening(path)
    let most = handles()
    const closing = []
    const opening = await timeInTurn(
      {
        bare: () => bareOpen(path),
        async open() {
          const directory = await open(path)
          const opened = performance.now()
          // Not timed with the opening: see below.
          await directory.close()
          closing.push(performance.now() - opened)
        },
      },
      { rounds, warmup: 1 },
    )
    const opens = opening.open.map((ms, i) => ms - closing[i + 1])
    const directory = await open(path)
    const logs = [...directory.partitions.values()]
    let turn = 0
    const appending = await timeInTurn(
      {
        one: () => appendInTurn(logs.slice(0, 1), APPENDS),
        hot: () => appendInTurn(logs.slice(0, HOT), APPENDS),
        async all() {
          await appendInTurn(logs, APPENDS, turn)
          turn += APPENDS
        },
      },
      { rounds, warmup: 1 },
    )
    most = Math.max(most, handles())
    const flushing = performance.now()
    await directory.flush()
    const flushMs = performance.now() - flushing
    const again = performance.now()
    await directory.flush()
    const idleFlushMs = performance.now() - again
    await directory.close()
    return {
      open: 1 / ratio(opening.bare, opens),
      bareMs: median(opening.bare),
      openMs: median(opens),
      memoryMb,
      handles: most,
      hot: 1 / ratio(appending.one, appending.hot),
      all: 1 / ratio(appending.one, appending.all),
      createMs,
      closeMs,
      idleCloseMs: median(closing),
      flushMs,
      idleFlushMs,
    }
  })
}

if (process.argv[2] === 'open') {
  void tellMemory(process.argv[3])
} else if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = await measureManyPartitions()
  const line = (value, bar, name) => console.log(`${value} (bar ${bar}) ${name}`)
  const count = PARTITIONS.toLocaleString('en')
  line(
    found.open.toFixed(2),
    BARS.open,
    `times the bare system calls (${found.bareMs.toFixed(0)} ms): opening ${count} closed partitions (${found.openMs.toFixed(0)} ms)`,
  )
  line(found.memoryMb.toFixed(0), BARS.memoryMb, `MB of memory that ${count} open partitions take`)
  line(found.handles, BARS.handles, 'file handles of the process at most')
  line(found.hot.toFixed(2), BARS.hot, `times an append to one partition: to ${HOT} in turn`)
  line(found.all.toFixed(2), BARS.all, `times an append to one partition: to all ${count} in turn`)
  const ms = name => `${found[name].toFixed(0)} ms`
  console.log(
    `made and filled in ${ms('createMs')}, closed in ${ms('closeMs')}, unchanged in ${ms('idleCloseMs')}; flushed in ${ms('flushMs')}, unchanged in ${ms('idleFlushMs')}`,
  )
}
