import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** All files below `folder` that `wanted` (given the path from the folder) accepts, sorted; none if it is missing. */
export function filesBelow(folder, wanted = () => true) {
  if (!existsSync(folder)) return []
  const found = []
  const walk = below => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      if (entry.name === 'node_modules' || entry.name === '.tap') continue
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) walk(path)
      else if (wanted(path)) found.push(join(folder, path))
    }
  }
  walk('')
  return found.sort()
}

/** A fingerprint that changes when a file comes, goes, or is written: of names, sizes and times. */
export function fingerprintByTime(files) {
  const hash = createHash('sha256')
  for (const file of files) {
    const stat = statSync(file, { throwIfNoEntry: false })
    hash.update(`${file}\0${stat?.size}\0${stat?.mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** A fingerprint that changes when the bytes of a file do, so that a new checkout of the same files keeps it. */
export function fingerprintByContent(files) {
  const hash = createHash('sha256')
  for (const file of files) {
    const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
    hash.update(`${file}\0${bytes.length}\n`).update(bytes)
  }
  return hash.digest('hex')
}

/** What was noted at `path`, or undefined when nothing was. */
export function readStamp(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

export function writeStamp(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
