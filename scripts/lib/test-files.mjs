import { join } from 'node:path'
import { packageNames, root } from './setup.mjs'
import { filesBelow } from './stamp.mjs'

/** Folders with tests beside the packages. */
const extraFolders = ['scripts']

/** The test files of the workspace, as paths from the root. */
export function testFiles() {
  const folders = [...packageNames().map(name => `packages/${name}`), ...extraFolders]
  return folders.flatMap(folder =>
    filesBelow(join(root, folder, 'test'), path => /\.test\.(ts|mjs)$/.test(path)).map(path =>
      path.slice(root.length + 1).replaceAll('\\', '/'),
    ),
  )
}

/** Whether `path` is what `filter` asks for: the name of a package, or a part of the path. */
export function matches(path, filter, names) {
  const wanted = filter.replace(/^@varve\//, '').replace(/\/$/, '')
  if (names.includes(wanted)) return path.startsWith(`packages/${wanted}/`)
  return path.includes(wanted.replace(/^(\.\/)+/, ''))
}

export function select(files, { filters, except, names }) {
  return files
    .filter(path => filters.length === 0 || filters.some(filter => matches(path, filter, names)))
    .filter(path => !except.some(filter => matches(path, filter, names)))
}
