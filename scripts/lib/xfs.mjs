import { existsSync } from 'node:fs'
import { run } from './run.mjs'

const places = ['/usr/sbin/mkfs.xfs', '/sbin/mkfs.xfs', '/usr/bin/mkfs.xfs']

/** The proofs cut the power of a real xfs as well, where they may mount one. Without its tools they say so and go on. */
export async function ensureXfs() {
  const aptGet = '/usr/bin/apt-get'
  if (process.getuid?.() !== 0 || places.some(existsSync) || !existsSync(aptGet)) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '-y', '-qq', '--no-install-recommends', 'xfsprogs']
  try {
    await run(aptGet, install, { env, timeoutMs: 60_000 })
  } catch {
    // As without root.
  }
}
