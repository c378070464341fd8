import { join } from 'node:path'
import { runInteractive } from './run.mjs'
import { root, runMain, setup } from './setup.mjs'

runMain(async () => {
  await setup({ projects: ['packages/varve', 'packages/cli'] })
  const binary = join(root, 'packages/varve/bin/varve.js')
  return runInteractive(process.execPath, [binary, 'demo', ...process.argv.slice(2)])
})
