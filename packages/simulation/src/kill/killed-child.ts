import { PropertyFailure } from '@varve/testkit'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface KilledChildOptions {
  /** A plain `.mjs` file. */
  readonly script: string
  readonly arguments: readonly string[]
  /** Whether this line is the last one before it is killed. */
  readonly killAfter: (line: string) => boolean
  /** Takes every line, also those that it wrote before it died and that were read after. */
  readonly take: (line: string) => void
  /** Ends it when nothing goes on any more. */
  readonly signal?: AbortSignal
}

/**
 * Runs a process until it has said enough, then kills it with SIGKILL, and waits until it is gone and its last line is
 * read.
 *
 * @throws PropertyFailure when it ends by itself
 */
export async function runAndKill({
  script,
  arguments: given,
  killAfter,
  take,
  signal,
}: KilledChildOptions): Promise<number> {
  const child = spawn(process.execPath, [script, ...given], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  let lines = 0
  let killed = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const gone = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => {
      resolve()
    })
  })
  const giveUp = (): void => {
    child.kill('SIGKILL')
  }
  signal?.addEventListener('abort', giveUp)
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      lines++
      take(line)
      if (killed || !killAfter(line)) continue
      killed = true
      child.kill('SIGKILL')
    }
  } finally {
    signal?.removeEventListener('abort', giveUp)
    child.kill('SIGKILL')
    await gone
  }
  if (signal?.aborted === true)
    throw new PropertyFailure(
      `The children are stuck: nothing goes on any more; this one said ${lines} lines`,
    )
  if (!killed) throw new PropertyFailure(`The child ended by itself after ${lines} lines: ${stderr.trim()}`)
  return lines
}
