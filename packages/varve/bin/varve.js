#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 20 || (major === 20 && minor >= 19)) {
  import('../dist/bin.js')
} else {
  console.error(`varve: Node.js ${process.versions.node} is too old: install 20.19 or newer.`)
  process.exitCode = 1
}
