import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PlantedBug } from '@varve/log/testing'
import t from 'tap'
import { FILE_SYSTEMS, type FileSystemName } from '../src/real/real-disk.ts'
import { isProof, seedsFor, sizeOf } from '../src/run/sizes.ts'

const script = fileURLToPath(new URL('children/real-cuts.mjs', import.meta.url))

interface Outcome {
  readonly skip?: string
  readonly failure?: string
  readonly text?: string
  readonly powerCuts?: number
}

/** What a disk that keeps everything, or a blind comparison, would not find. */
const planted = { ext4: 'directorySyncLeftOut', xfs: 'dataSyncLeftOut' } as const satisfies Record<
  FileSystemName,
  PlantedBug
>

for (const kind of FILE_SYSTEMS) {
  t.test(
    `a real ${kind} loses its power: nothing that was acknowledged, and nothing that was not sent`,
    async t => {
      const cycles = sizeOf({ test: 8, ci: 25, long: 500 })
      for (const seed of seedsFor({ test: 1, ci: 1, long: 1 })) {
        const { skip, failure, text, powerCuts } = await cuts(kind, { cycles, seed })
        if (skip !== undefined) {
          t.comment(`SKIPPED: no power of a real ${kind} is cut in this run: ${skip}`)
          t.pass(`skipped: ${skip}`, { skip })
          continue
        }
        t.equal(
          failure,
          undefined,
          `seed ${seed}: VARVE_SEED=${seed} npm test -- simulation/test/real-power-cuts`,
        )
        t.comment(`${kind}: ${text}`)
        t.equal(powerCuts, cycles)
      }
    },
  )
}

for (const kind of isProof() ? FILE_SYSTEMS : []) {
  const bug = planted[kind]
  t.test(`power cuts of a real ${kind} find the planted bug ${bug}`, async t => {
    const { skip, failure } = await cuts(kind, { cycles: 20, seed: 1, bug })
    if (skip !== undefined) t.pass(`skipped: ${skip}`, { skip })
    else t.ok(failure, 'the comparison failed')
    t.comment(failure)
  })
}

/** In a mount namespace of its own, with which every mount and loop device goes, however it ends. */
async function cuts(
  kind: FileSystemName,
  of: { cycles: number; seed: number; bug?: PlantedBug },
): Promise<Outcome> {
  if (process.platform !== 'linux') return { skip: 'this is not Linux' }
  if (process.getuid?.() !== 0) return { skip: 'mounting takes root' }
  const folder = mkdtempSync(join(tmpdir(), 'varve-real-'))
  try {
    const given = [script, kind, folder, String(of.cycles), String(of.seed)]
    if (of.bug !== undefined) given.push(of.bug)
    const { code, stdout, stderr } = await run('unshare', ['--mount', process.execPath, ...given])
    if (stdout !== '') return JSON.parse(stdout) as Outcome
    if (stderr.startsWith('unshare')) return { skip: stderr.trim() }
    throw new Error(`It ended with code ${code}: ${stderr}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(
  command: string,
  given: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(command, given, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise(resolve => {
    child.once('error', error => {
      resolve({ code: null, stdout: '', stderr: `unshare: ${error.message}` })
    })
    child.once('close', code => {
      resolve({ code, stdout, stderr })
    })
  })
}
