// `npm run proofs`: the simulation's properties with more seeds than in `npm test`; `npm run proofs -- long` takes as
// long as it takes. More arguments go to the test runner.
import { checkNode } from './lib/node-version.mjs'

checkNode(process.versions.node)

const sizes = ['ci', 'long']
const given = process.argv[2] ?? 'ci'
const size = sizes.includes(given) ? given : 'ci'
const rest = process.argv.slice(sizes.includes(given) ? 3 : 2)
process.env.VARVE_PROOFS = size
const timeout = size === 'long' ? '86400' : '900'
process.argv.splice(
  2,
  process.argv.length,
  '--timeout',
  timeout,
  ...(rest.length > 0 ? rest : ['simulation']),
)
import('./lib/test-run.mjs')
