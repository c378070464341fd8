// Cuts the power of a real file system, in a mount namespace of its own: `KIND FOLDER CYCLES SEED [BUG ...]`. Says in one line of
// JSON how it went.
import { fileURLToPath } from 'node:url'
import { realCuts } from '../../dist/real/real-cuts.js'

const [kind, folder, cycles, seed, ...bugs] = process.argv.slice(2)
const script = fileURLToPath(new URL('log-server.mjs', import.meta.url))

realCuts({ kind, folder, cycles: Number(cycles), seed: Number(seed), script, bugs }).then(
  outcome => process.stdout.write(`${JSON.stringify(outcome)}\n`),
  error => {
    process.stderr.write(`${error.stack}\n`)
    process.exitCode = 1
  },
)
