// Are the ceilings fast themselves? Each must reach 70 % of what memcpy, the same checksum and the same system calls cost
// alone, or every ratio against it would be flattered.
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checksumBuild } from '../lib/checksum.mjs'
import { ratio, sum, timeInTurn } from '../lib/compare.mjs'
import { withFolder } from '../lib/folder.mjs'
import { BATCHES_PER_WRITE, WRITES_PER_RUN } from '../lib/workload.mjs'
import { makeCeilings } from './ceilings.mjs'

export const CEILING_BAR = 0.7

export async function checkCeilings({ keyed, rounds = 15 }) {
  return withFolder(async folder => {
    const ceilings = makeCeilings(folder, { keyed })
    const { source, readFd, syncFd } = ceilings
    const room = Buffer.allocUnsafeSlow(source.length)
    const rooms = [room, Buffer.allocUnsafeSlow(source.length)]
    const times = await timeInTurn(
      {
        encodeChecksumWrite: ceilings.encodeChecksumWrite,
        checksumDecode: ceilings.checksumDecode,
        readChecksum: ceilings.readChecksum,
        writevLoop: ceilings.writevLoop,
        writevDatasync: ceilings.writevDatasync,
        copy: ceilings.copy,
        memcpy() {
          for (let i = 0; i < WRITES_PER_RUN; i++) rooms[i & 1].set(source)
        },
        /** The same bytes in the pieces that they come in: a value and a key at a time. */
        memcpyPieces() {
          for (let i = 0; i < WRITES_PER_RUN; i++) {
            for (let b = 0, p = 0; b < BATCHES_PER_WRITE; b++)
              p = copyPieces(rooms[i & 1], p, ceilings.records)
          }
        },
        checksumAlone: ceilings.parts.checksum,
        writeAlone: ceilings.parts.write,
        readAlone() {
          for (let i = 0; i < WRITES_PER_RUN; i++)
            fs.readSync(readFd, room, 0, room.length, i * source.length)
        },
        syncAlone() {
          for (let i = 0; i < WRITES_PER_RUN; i++) {
            fs.writeSync(syncFd, source, 0, source.length, i * source.length)
            fs.fdatasyncSync(syncFd)
          }
        },
      },
      { rounds },
    )
    ceilings.close()
    const keys = keyed ? '16-byte keys' : 'null keys'
    const { memcpy, memcpyPieces, checksumAlone, writeAlone, readAlone, syncAlone } = times
    return [
      [
        `encode + checksum + write (${keys})`,
        ratio(sum(memcpyPieces, checksumAlone, writeAlone), times.encodeChecksumWrite),
      ],
      // Decoding touches each record, which memcpy stands for.
      [`checksum + decode (${keys})`, ratio(sum(memcpy, checksumAlone), times.checksumDecode)],
      ['read + checksum', ratio(sum(readAlone, checksumAlone), times.readChecksum)],
      ['writev, asynchronous', ratio(writeAlone, times.writevLoop)],
      ['writev + datasync, asynchronous', ratio(syncAlone, times.writevDatasync)],
      ['copy', ratio(memcpy, times.copy)],
    ].map(([name, reached]) => ({ name, reached, bar: CEILING_BAR }))
  })
}

function copyPieces(target, at, { keys, values }) {
  let p = at
  for (let i = 0; i < values.length; i++) {
    const key = keys[i]
    if (key !== null) {
      target.set(key, p)
      p += key.length
    }
    target.set(values[i], p)
    p += values[i].length
  }
  return p
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(
    `checksum: ${checksumBuild}; ${BATCHES_PER_WRITE} batches of 1,000 records a write; share of memcpy + checksum + system calls alone`,
  )
  let failed = 0
  for (const keyed of [false, true]) {
    for (const { name, reached, bar } of await checkCeilings({ keyed })) {
      if (reached < bar) failed++
      console.log(`${reached >= bar ? 'ok  ' : 'FAIL'} ${reached.toFixed(2)} (bar ${bar}) ${name}`)
    }
  }
  process.exitCode = failed === 0 ? 0 : 1
}
