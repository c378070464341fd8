import type { Command, CommandFamily, Context } from './command.ts'
import { EXIT, exitCodeOf, sentenceOf } from './failures.ts'
import { ioOf, processInterrupt, type Interrupt, type Io } from './io.ts'
import { paintFor } from './output/colours.ts'
import { escapeText } from './output/escape.ts'
import { Output } from './output/output.ts'

/** Each command in its own file, loaded when it is asked for. */
const COMMANDS = new Map<string, () => Promise<Command | CommandFamily>>([
  ['topic', async () => (await import('./commands/topic.ts')).topicCommands],
  ['produce', async () => (await import('./commands/produce.ts')).produceCommand],
  ['read', async () => (await import('./commands/read.ts')).readCommand],
  ['tail', async () => (await import('./commands/tail.ts')).tailCommand],
  ['inspect', async () => (await import('./commands/inspect.ts')).inspectCommand],
  ['verify', async () => (await import('./commands/verify.ts')).verifyCommand],
  ['demo', async () => (await import('./commands/demo.ts')).demoCommand],
])

/** The work of `main`, with all that it loads. */
export async function runCommandLine(argv: readonly string[], given: Partial<Io>): Promise<number> {
  const io = ioOf(given)
  // Nobody reads our messages: that is no reason to die in the middle of an append.
  io.stderr.on('error', () => undefined)
  const interrupt: Interrupt = io.signal
    ? { signal: io.signal, exitCode: EXIT.interrupted, release: () => undefined }
    : processInterrupt()
  const output = new Output(io.stdout, interrupt.signal)
  const note = (line: string) => void io.stderr.write(`${line}\n`)
  try {
    const code = await dispatch(argv, { io, output, interrupt, note })
    await output.finish()
    return code
  } catch (error) {
    await output.finish().catch(() => undefined)
    const code = exitCodeOf(error)
    if (code === EXIT.interrupted && interrupt.signal.aborted) return interrupt.exitCode
    const paint = paintFor(io.stderr, io.env)
    note(`${paint('red', 'varve:')} ${escapeText(sentenceOf(error))}`)
    if ((io.env['VARVE_DEBUG'] ?? '') !== '') note(inspectError(error))
    return code
  } finally {
    interrupt.release()
  }
}

async function dispatch(argv: readonly string[], context: Context): Promise<number> {
  // The parser costs as much as starting Node, the commands little: only what is asked for is loaded.
  const wanted = COMMANDS.get(argv[0] ?? '')
  const [{ parse }, commands] = await Promise.all([
    import('./parser.ts'),
    Promise.all((wanted === undefined ? [...COMMANDS.values()] : [wanted]).map(load => load())),
  ])
  const request = parse(argv, { commands, columns: context.io.stdout.columns ?? 100 })
  if (request.kind === 'run') return request.command.run(request.args, context)
  context.output.text(`${request.text.trimEnd()}\n`)
  return EXIT.ok
}

function inspectError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${inspectError(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
