import type { Random } from '../../random.ts'
import type { MemFsSync } from './mem-fs-sync.ts'
import type { MemFolderNode, MemNode, MemTree } from './mem-tree.ts'
import type { NameHistory } from './name-history.ts'

/** Builds in `clone` what a power cut could leave of `from`; all of it counts as synced there. */
export function crashedTree(crash: {
  from: MemTree
  history: NameHistory
  clone: MemFsSync
  rng: Random
  unsyncedPercent: number
  inOrder: boolean
}): void {
  const { rng, unsyncedPercent, clone } = crash
  const entriesOf = crash.history.crash(rng, unsyncedPercent, crash.inOrder)
  /** Where each file went, so that its second name is a link. */
  const paths = new Map<MemNode, string>()
  const build = (folder: MemFolderNode, path: string): void => {
    for (const { name, node } of entriesOf(folder).values()) {
      const at = `${path}/${name}`
      const first = paths.get(node)
      if (node.kind === 'folder') {
        clone.mkdir(at)
        build(node, at)
      } else if (first !== undefined) {
        clone.link(first, at)
      } else {
        paths.set(node, at)
        const file = clone.openFile(at, 'create-new')
        if (node.history !== undefined) file.write([node.history.crash(rng, unsyncedPercent).all()], 0)
        file.datasync()
        file.close()
      }
    }
  }
  build(crash.from.root, '')
}
