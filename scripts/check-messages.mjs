// Whether packages/protocol/src/generated is what scripts/generate-messages.mjs makes of the schemas today.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './lib/run.mjs'
import { root, runMain } from './lib/setup.mjs'
import { filesBelow } from './lib/stamp.mjs'

const read = folder =>
  new Map(filesBelow(folder).map(path => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]))

runMain(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-messages-'))
  try {
    const args = ['scripts/generate-messages.mjs', 'packages/protocol/schemas', folder]
    const { code, output } = await run(process.execPath, args, { cwd: root })
    if (code !== 0) {
      process.stderr.write(output)
      return 1
    }
    const [wanted, found] = [read(folder), read(join(root, 'packages/protocol/src/generated'))]
    const different = [...new Set([...wanted.keys(), ...found.keys()])].filter(
      name => wanted.get(name) !== found.get(name),
    )
    for (const name of different)
      process.stderr.write(`packages/protocol/src/generated/${name} is not what the schemas say.\n`)
    if (different.length > 0) process.stderr.write('Run node scripts/generate-messages.mjs and commit.\n')
    else process.stdout.write(`${wanted.size} files are up to date.\n`)
    return different.length > 0 ? 1 : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
