import { readFileSync } from 'node:fs'
import type { Io } from './io.ts'

export { type Io, type OutputStream } from './io.ts'

/**
 * Runs one command line.
 *
 * @param argv the words after `varve`
 * @param io what to use instead of the process's streams, environment and signals
 * @returns the exit code: 0 ok, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 unreachable or timed out, 6 a check
 *   failed, 130 Ctrl-C. It never rejects.
 */
export async function main(argv: readonly string[], io: Partial<Io> = {}): Promise<number> {
  // Answered before anything is loaded: the rest costs more than starting Node.
  if (argv[0] === '--version' || (argv[0] === 'version' && argv.length === 1)) {
    const stdout = io.stdout ?? process.stdout
    stdout.once('error', () => undefined) // nobody reads: no reason to die
    stdout.write(`${version()}\n`)
    return 0
  }
  const { runCommandLine } = await import('./main.ts')
  return runCommandLine(argv, io)
}

function version(): string {
  const json: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return (json as { version: string }).version
}
