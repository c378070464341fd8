// Everything that must hold before a change lands, in one run: `.ci/run`. A part of it: `npm run ci -- lint borders`.
import { checkNode } from './lib/node-version.mjs'

checkNode(process.versions.node)
import('./lib/ci-steps.mjs')
