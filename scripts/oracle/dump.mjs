// Kafka's DumpLogSegments over everything that Varve wrote.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dump } from './kafka.mjs'

/** What the tool prints when a file is not what it should be. It ends with 0 all the same. */
const COMPLAINTS = /mismatch|not found|corrupt|exception|invalid|out of order|is followed by|isvalid: false/i
/** What it says of every segment that does not start at 0, and lines in which a file's name stands. */
const HARMLESS = /^\s*-1 is followed by|^Dumping |^Non-consecutive|passed the sanity check|^SLF4J|^\| /

/** Whether Kafka's tool accepts every file below `root`: batches and records, indexes, snapshots. */
export function dumpAll(root) {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map(name => join(root, name))
    .filter(path => /\.(log|index|timeindex|txnindex|snapshot)$/.test(path) && statSync(path).size > 0)
  let complaints = 0
  const ask = (chosen, options) => {
    // The command line has an end.
    for (let at = 0; at < chosen.length; at += 500) {
      const { stdout, stderr } = dump(chosen.slice(at, at + 500), options)
      let file = ''
      for (const line of `${stdout}\n${stderr}`.split('\n')) {
        if (/^Dumping |^Non-consecutive|^Index timestamp|^Found timestamp/.test(line)) file = line
        if (HARMLESS.test(line) || !COMPLAINTS.test(line)) continue
        complaints++
        console.error(`${file}\n  ${line}`)
      }
    }
  }
  ask(files, ['--deep-iteration'])
  const indexes = files.filter(path => /\.(time)?index$/.test(path))
  ask(indexes, ['--index-sanity-check'])
  ask(indexes, ['--verify-index-only'])
  console.error(`DumpLogSegments read ${files.length} files of Varve's, with ${complaints} complaints.`)
  if (files.length === 0) console.error('There was nothing to read: did the test run?')
  return complaints === 0 && files.length > 0
}
