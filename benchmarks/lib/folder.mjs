import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs `body` with a folder of its own on the disk and removes it afterwards. */
export async function withFolder(body) {
  const folder = mkdtempSync(join(tmpdir(), 'varve-bench-'))
  try {
    return await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
