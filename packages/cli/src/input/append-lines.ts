import { fstatSync } from 'node:fs'
import { isVarveError, VarveError } from '@varve/platform'
import type { RecordMetadata, VarveClient } from '@varve/runtime'
import type { Context } from '../command.ts'
import { EXIT } from '../failures.ts'
import { StatusLine } from '../output/status-line.ts'
import { count } from '../output/table.ts'
import { Appender, type AppendFailure } from './appender.ts'
import type { CheckedLines } from './checked-lines.ts'
import type { Line } from './lines.ts'
import { LineError } from './record-parser.ts'

export interface AppendRun {
  topic: string
  context: Context
  input: CheckedLines
  onError: 'skip' | 'stop'
  producer: ReturnType<VarveClient['producer']>
  json: boolean
}

/** Appends until the input ends, a line is bad, an append fails, or Ctrl-C; then waits for what is on its way. */
export async function appendLines({
  topic,
  context,
  input,
  onError,
  producer,
  json,
}: AppendRun): Promise<number> {
  const { io, interrupt, output } = context
  const status = new StatusLine(io)
  const stop = () => void io.stdin.destroy()
  const appender = new Appender({
    producer,
    topic,
    onFailed: stop,
    ...(json && { onAppended: metadataLines(context) }),
  })
  let failure: Error | undefined
  let skipped = 0
  const take = (line: Line) => {
    try {
      const record = input.record(line)
      if (record !== undefined) appender.add(record, { line: line.number, bytes: line.bytes.length })
    } catch (error) {
      if (!(error instanceof LineError)) throw error
      const message = `Line ${line.number} ${error.message}`
      if (onError === 'stop') {
        throw new VarveError(
          'INVALID_RECORD',
          `${message}: correct it, or go on without such lines by --on-error skip.`,
        )
      }
      if (++skipped <= 10) context.note(`varve: ${message}: skipped.`)
    }
  }
  interrupt.signal.addEventListener('abort', stop)
  if (io.stdin.isTTY === true) context.note('One record a line; Ctrl-D ends.')
  try {
    if (interrupt.signal.aborted) stop()
    refuseFolder(io.stdin)
    for await (const chunk of io.stdin as AsyncIterable<Buffer | string>) {
      for (const line of input.splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)) {
        take(line)
        if (appender.full) await appender.room()
        if (interrupt.signal.aborted || appender.failure) break
      }
      if (interrupt.signal.aborted || appender.failure) break
      appender.pump()
      if (output.full && !output.closed) await output.ready()
      status.update(
        () => `Appended ${count(appender.count)} records (${count(appender.count / status.seconds)}/s)`,
      )
    }
    if (!interrupt.signal.aborted) for (const line of input.splitter.end()) take(line)
  } catch (error) {
    if (!interrupt.signal.aborted && !appender.failure) failure = inputError(error)
  } finally {
    interrupt.signal.removeEventListener('abort', stop)
    await appender.finish()
    io.stdin.destroy()
    status.clear()
  }
  context.note(summary(topic, { appender, skipped, interrupted: interrupt.signal.aborted }))
  if (appender.failure) throw withLines(appender.failure)
  if (failure !== undefined) throw failure
  return interrupt.signal.aborted ? interrupt.exitCode : EXIT.ok
}

function metadataLines({ output }: Context): (appended: readonly RecordMetadata[]) => void {
  return appended => {
    for (const { topic, partition, offset, timestamp } of appended) {
      output.text(`${JSON.stringify({ topic, partition, offset, timestamp })}\n`)
    }
  }
}

function summary(
  topic: string,
  { appender, skipped, interrupted }: { appender: Appender; skipped: number; interrupted: boolean },
): string {
  const partitions = [...appender.appended].sort(([a], [b]) => a - b)
  const where =
    partitions.length > 1 && partitions.length <= 16
      ? ` (${partitions.map(([p, n]) => `${p}: ${n}`).join(', ')})`
      : ''
  const records = appender.count === 1 ? '1 record' : `${appender.count} records`
  const left = skipped === 0 ? '' : ` and skipped ${skipped === 1 ? '1 line' : `${skipped} lines`}`
  return `Appended ${records} to ${topic}${where}${left}${interrupted ? ' before it was interrupted' : ''}.`
}

/** Node gives an empty stream for a folder, which would look like an input without lines. */
function refuseFolder(stdin: unknown): void {
  if (stdin !== process.stdin || !fstatSync(0).isDirectory()) return
  throw Object.assign(new Error('standard input is a folder'), { code: 'EISDIR' })
}

function inputError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (isVarveError(error) || !('code' in error)) return error
  const what = error.code === 'EISDIR' ? 'it is a folder' : String(error.code)
  return new VarveError(
    'IO_ERROR',
    `Standard input could not be read (${what}): send lines to it, as in \`varve produce t < file\`.`,
    {
      cause: error,
    },
  )
}

/** Names the lines among which the record stands that could not be appended, where it was the record's fault. */
function withLines({ error, firstLine, lastLine }: AppendFailure): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (!isVarveError(error, 'MESSAGE_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP', 'INVALID_ARGUMENT'))
    return error
  const where = firstLine === lastLine ? `Line ${firstLine}` : `One of the lines ${firstLine} to ${lastLine}`
  return new VarveError('INVALID_RECORD', `${where} was not appended: ${error.message}`, { cause: error })
}
