import { Readable, Writable } from 'node:stream'
import { main } from '../src/index.ts'

export interface RunOptions {
  stdin?: string | Buffer | Iterable<string | Buffer> | AsyncIterable<string | Buffer> | Readable
  env?: Record<string, string>
  signal?: AbortSignal
  /** Whether stdout and stderr are terminals. */
  terminal?: boolean
  onStdout?: (text: string) => void
  onStderr?: (text: string) => void
}

export interface Ran {
  code: number
  stdout: string
  stderr: string
  /** stdout as lines of JSON. */
  json(): Record<string, unknown>[]
}

/** Runs a command line in this process, with nothing of the process's own streams, variables and signals. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdout = collector(options.terminal, options.onStdout)
  const stderr = collector(options.terminal, options.onStderr)
  const code = await main(argv, {
    stdin: stdinOf(options.stdin ?? ''),
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: options.env ?? {},
    signal: options.signal ?? new AbortController().signal,
  })
  const text = stdout.text()
  return {
    code,
    stdout: text,
    stderr: stderr.text(),
    json: () =>
      text
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line) as Record<string, unknown>),
  }
}

function stdinOf(input: NonNullable<RunOptions['stdin']>): Readable {
  if (input instanceof Readable) return input
  if (typeof input === 'string' || Buffer.isBuffer(input))
    return Readable.from([Buffer.from(input)], { objectMode: false })
  return Readable.from(input, { objectMode: false })
}

function collector(terminal = false, onText?: (text: string) => void) {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      onText?.(chunk.toString())
      done()
    },
  })
  return {
    stream: Object.assign(stream, { isTTY: terminal, columns: 100 }),
    text: () => Buffer.concat(chunks).toString(),
  }
}
