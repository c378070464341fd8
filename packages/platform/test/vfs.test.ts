import t from 'tap'
import { MemFs } from '../src/vfs/memory/mem-fs.ts'
import { NodeFs } from '../src/vfs/node/node-fs.ts'
import { SeededRandom } from '../src/random.ts'
import type { Vfs } from '../src/vfs/vfs.ts'
import { asyncOf, conformance } from './vfs-conformance.ts'

const kinds: Record<string, () => Vfs> = {
  NodeFs: () => new NodeFs(),
  MemFs: () => new MemFs(),
  'MemFs with a limit': () => new MemFs({ bytesMax: 64 * 1024 * 1024 }),
  'MemFs that can crash': () => new MemFs({ crashable: true }),
  'MemFs after a crash': () =>
    new MemFs({ crashable: true }).crashClone({ rng: new SeededRandom(1), unsyncedPercent: 50 }),
  'MemFs without case': () => new MemFs({ caseInsensitive: true }),
  'MemFs as Windows': () => new MemFs({ windows: true, crashable: true }),
}

for (const [kind, make] of Object.entries(kinds)) {
  for (const face of ['asynchronous', 'synchronous']) {
    void t.test(`${kind}, ${face}`, async t => {
      for (const [name, run] of Object.entries(conformance)) {
        await t.test(name, async t => {
          const made = make()
          const fs = face === 'synchronous' ? asyncOf(made.sync) : made
          const folder = kind === 'NodeFs' ? t.testdir() : '/some/folder'
          await fs.ensureDir(folder)
          await run(t, { fs, folder })
        })
      }
    })
  }
}
