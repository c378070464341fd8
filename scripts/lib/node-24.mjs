import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, runNpm } from './run.mjs'
import { explain, root, SetupError } from './setup.mjs'

const folder = join(root, '.cache/node-24')

/** The path of a Node 24, from the npm package that ships the binary; fetched once. */
export async function ensureNode24() {
  const binary = join(folder, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (!(await works(binary))) {
    mkdirSync(folder, { recursive: true })
    // Without a package.json of its own npm would look for one further up, and find the workspace.
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    const args = [
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      'node@24',
    ]
    const done = await runNpm(args, { cwd: folder, timeoutMs: 180_000 })
    if (done.code !== 0 || !(await works(binary)))
      throw new SetupError(explain('Node 24 could not be fetched', done.output))
  }
  return binary
}

async function works(binary) {
  if (!existsSync(binary)) return false
  const { stdout } = await run(binary, ['--version'])
  return stdout.startsWith('v24.')
}
