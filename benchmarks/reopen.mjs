// Reopening after a crash: against reading the unflushed bytes, and with much or nothing stored below the recovery point.
import { execFileSync, fork } from 'node:child_process'
import { closeSync, fstatSync, openSync, readdirSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cryptoRandom, NodeFs, realClock } from '@varve/platform'
import { LogDirectory, logConfigOf, NodeMachine } from '@varve/log'
import { BatchWriter } from '@varve/records'
import { median } from './lib/compare.mjs'
import { withFolder } from './lib/folder.mjs'
import { FLUSH_MESSAGES_MAX } from './lib/log.mjs'

const MiB = 2 ** 20
const UNFLUSHED = Number(process.env.UNFLUSHED_MIB ?? 256) * MiB
const BELOW = Number(process.env.BELOW_MIB ?? 1024) * MiB
const SEGMENT_BYTES = 64 * MiB
const BARS = { read: 3, below: 1.2 }

function open(path) {
  const config = logConfigOf([
    ['flush.messages', FLUSH_MESSAGES_MAX],
    ['segment.bytes', String(SEGMENT_BYTES)],
  ])
  return LogDirectory.open(path, {
    vfs: new NodeFs(),
    clock: realClock,
    random: cryptoRandom,
    machine: new NodeMachine(),
    configOf: () => config,
  })
}

/** Runs in a child that is killed: `below` bytes that are synced, `UNFLUSHED` that are only written. */
async function write(path, below) {
  const directory = await open(path)
  const log = await directory.createPartition({
    topic: 'crashed',
    partition: 0,
    topicId: cryptoRandom.bytes(16).toString('base64url'),
  })
  const value = Buffer.alloc(1024, 'v')
  let now = 978_307_200_000
  const append = async bytes => {
    for (let written = 0; written < bytes;) {
      const appends = []
      for (let i = 0; i < 8; i++) {
        const writer = new BatchWriter()
        for (let r = 0; r < 256; r++) writer.append({ timestamp: now++, value })
        const batch = writer.finish()
        written += batch.length
        appends.push(log.append(batch))
      }
      await Promise.all(appends)
    }
  }
  await append(below)
  await log.flush()
  // Until the durable offset is noted.
  await new Promise(resolve => setTimeout(resolve, 300))
  await append(UNFLUSHED)
  process.send(log.durableOffset)
}

/** @returns how many bytes of each segment were not flushed */
async function crash(path, below) {
  const child = fork(fileURLToPath(import.meta.url), ['write', path, String(below)])
  const closed = new Promise(resolve => child.once('exit', resolve))
  await new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', code => reject(new Error(`the writing process ended with ${code}`)))
  })
  child.kill('SIGKILL')
  await closed
}

/**
 * After a crash of the machine the bytes are on the disk alone. Answers false where the system cannot be made to forget
 * them: then they are read from memory, which no disk can follow that has to take them durably.
 */
function forgetPages() {
  try {
    execFileSync('sync')
    writeFileSync('/proc/sys/vm/drop_caches', '1')
    return true
  } catch {
    return false
  }
}

/** The last bytes of a log's segments, read as fast as can be. */
function readTail(path, bytes) {
  const memory = Buffer.allocUnsafe(MiB)
  const folder = join(path, 'crashed-0')
  let left = bytes
  for (const name of readdirSync(folder)
    .filter(file => file.endsWith('.log'))
    .sort()
    .reverse()) {
    const fd = openSync(join(folder, name), 'r')
    const { size } = fstatSync(fd)
    for (let at = Math.max(0, size - left); at < size;) {
      const count = readSync(fd, memory, 0, memory.length, at)
      if (count === 0) break
      at += count
      left -= count
    }
    closeSync(fd)
    if (left <= 0) break
  }
}

export async function measureReopen({ rounds = 3 } = {}) {
  return withFolder(async folder => {
    const reads = []
    const opens = { nothing: [], much: [] }
    let cold = false
    for (let round = 0; round < rounds; round++) {
      for (const [name, below] of Object.entries({ nothing: 0, much: BELOW })) {
        const path = join(folder, `${name}-${round}`)
        await crash(path, below)
        cold = forgetPages()
        const reading = performance.now()
        readTail(path, UNFLUSHED)
        reads.push(performance.now() - reading)
        forgetPages()
        const began = performance.now()
        const directory = await open(path)
        opens[name].push(performance.now() - began)
        await directory.close()
      }
    }
    const read = median(reads)
    return {
      cold,
      read,
      nothing: median(opens.nothing),
      much: median(opens.much),
      ofReading: Math.max(median(opens.nothing), median(opens.much)) / read,
      ofStored: median(opens.much) / median(opens.nothing),
    }
  })
}

if (process.argv[2] === 'write') {
  void write(process.argv[3], Number(process.argv[4]))
} else if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = await measureReopen()
  const mib = bytes => `${bytes / MiB} MiB`
  console.log(
    `${found.ofReading.toFixed(2)} (bar ${BARS.read}) times reading the unflushed ${mib(UNFLUSHED)} from ${found.cold ? 'the disk' : 'MEMORY, for lack of permission to drop it'} (${found.read.toFixed(0)} ms): opening after a crash, all of it checked and made durable (${found.nothing.toFixed(0)} ms)`,
  )
  console.log(
    `${found.ofStored.toFixed(2)} (bar ${BARS.below}) times as long with ${mib(BELOW)} below the recovery point (${found.much.toFixed(0)} ms) as with none`,
  )
}
