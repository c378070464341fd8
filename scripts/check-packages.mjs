// Packs every public package and uses the tarballs as a stranger would: see lib/package-check.mjs.
import { checkNode } from './lib/node-version.mjs'

checkNode(process.versions.node)
import('./lib/package-check.mjs')
