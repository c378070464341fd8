// For `node --import`: lets Node 20 run the TypeScript of tests and sources as it lies there. tap's own loader does
// the same and takes two seconds longer per file; a Node that strips types by itself needs neither.
import { register } from 'node:module'

if (!process.features.typescript) register('./typescript-hooks.mjs', import.meta.url)
