// The bars that every change has to keep. All are ratios of two things that ran side by side in this process. Each is measured
// once, over enough rounds for its median to stand still: a second try would pick the luckier one.
import { checkCeilings } from './ceilings/check.mjs'
import { measureAppend, measureLargeAppend } from './append.mjs'
import { measureFlush } from './flush.mjs'
import { measureScan } from './scan.mjs'
import { checksumBuild } from './lib/checksum.mjs'

const ROUNDS = 75

console.log(`node ${process.versions.node}, checksum ${checksumBuild}, median of ${ROUNDS} rounds`)
let failed = 0
const report = ({ name, reached, bar }) => {
  const held = reached >= bar
  if (!held) failed++
  console.log(`${held ? 'ok  ' : 'FAIL'} ${reached.toFixed(2)} (bar ${bar.toFixed(2)}) ${name}`)
}
for (const keyed of [false, true]) {
  const options = { keyed, rounds: ROUNDS }
  for (const one of await checkCeilings(options)) report(one)
  report(await measureAppend(options))
  report(await measureScan(options))
}
for (const one of await measureLargeAppend({ rounds: ROUNDS })) report(one)
report(await measureFlush({ rounds: ROUNDS }))
process.exitCode = failed === 0 ? 0 : 1
