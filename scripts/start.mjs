// `npm start`: from a fresh clone to the demo. Arguments after `--` go to `varve demo`.
import { checkNode } from './lib/node-version.mjs'

checkNode(process.versions.node)
import('./lib/start-demo.mjs')
