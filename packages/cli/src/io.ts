import type { Readable, Writable } from 'node:stream'

/** What a command touches of the outside, so that a test can hand in its own. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborting it is Ctrl-C. Default: SIGINT, SIGTERM and SIGHUP of the process; a second one ends it at once. */
  readonly signal?: AbortSignal
}

export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** What is given, and the process's own for the rest. Its stdin is looked at only by who reads it. */
export function ioOf(given: Partial<Io>): Io {
  return {
    get stdin() {
      return given.stdin ?? process.stdin
    },
    stdout: given.stdout ?? process.stdout,
    stderr: given.stderr ?? process.stderr,
    env: given.env ?? process.env,
    ...(given.signal && { signal: given.signal }),
  }
}

/** Exit codes of a program that a signal ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** The wish to stop. The exit code says which signal it was. */
export interface Interrupt {
  readonly signal: AbortSignal
  readonly exitCode: number
  /** Gives the process its own way with signals back. */
  release(): void
}

/** Listens to the process: the first signal asks the command to come to its end, the second ends it at once. */
export function processInterrupt(): Interrupt {
  const controller = new AbortController()
  let exitCode = 130
  const listeners = Object.entries(SIGNALS).map(([name, code]) => {
    const listener = () => {
      if (controller.signal.aborted) {
        // A progress bar hides the cursor and cuts lines while it is drawn.
        if (process.stderr.isTTY) process.stderr.write('\u001B[?25h\u001B[?7h')
        process.exit(code)
      }
      exitCode = code
      controller.abort()
    }
    process.on(name, listener)
    return { name, listener }
  })
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode
    },
    release() {
      for (const { name, listener } of listeners) process.off(name, listener)
    },
  }
}
