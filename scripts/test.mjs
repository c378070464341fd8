// `npm test`, `npm test -- log`, `npm test -- --except simulation`: see lib/test-run.mjs.
import { checkNode } from './lib/node-version.mjs'

checkNode(process.versions.node)
import('./lib/test-run.mjs')
