import type { Flaw, VerifyProgress, VerifySummary } from '@varve/runtime'
import { dataDirectory, dataOption, optionalText, tableOption } from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { EXIT } from '../failures.ts'
import { paintFor, type Paint } from '../output/colours.ts'
import { escapeText } from '../output/escape.ts'
import { StatusLine } from '../output/status-line.ts'
import { bytesText, count, counted } from '../output/table.ts'

/** Notes of one kind that are shown; the others are counted. */
const NOTES_SHOWN = 3

export const verifyCommand: Command = {
  usage: 'verify [path]',
  describe: 'Check every byte of a data directory, Varve’s or Kafka’s; nothing is changed',
  positionals: {
    path: { describe: "A data directory, a partition's folder or one of its files [default: as --data]" },
  },
  options: { ...tableOption, ...dataOption },
  examples: [
    ['verify ./data', 'ends with 0 when all is sound, with 6 where anything is damaged'],
    ['verify ./data/orders-0', 'one partition'],
    ['verify /var/lib/kafka/data', "a Kafka broker's directory, in use or not"],
    ['verify ./data -o json', 'one object a line for each damage and note, and one for the summary'],
  ],
  run: runVerify,
}

async function runVerify(args: Arguments, context: Context): Promise<number> {
  const path = optionalText(args, 'path') ?? dataDirectory(args, context)
  const { output, interrupt, io } = context
  const { verify } = await import('@varve/runtime')
  const status = new StatusLine(io)
  const signal = AbortSignal.any([interrupt.signal, output.whenClosed])
  const report =
    optionalText(args, 'output') === 'json' ? jsonReport() : textReport(paintFor(io.stdout, io.env))
  const onProgress = (progress: VerifyProgress) => status.update(() => progressText(progress, status.seconds))
  let sound = true
  try {
    for await (const one of verify(path, { signal, onProgress })) {
      sound &&= one.type === 'summary' ? one.sound : one.type !== 'damage'
      status.clear()
      output.text(report(one, status.seconds))
      if (output.full) await output.ready()
    }
  } catch (error) {
    if (!signal.aborted) throw error
    // Nobody reads on; what was found is found.
    if (!interrupt.signal.aborted) return sound ? EXIT.ok : EXIT.checkFailed
    context.note('varve: The check was stopped before its end.')
    return interrupt.exitCode
  } finally {
    status.clear()
  }
  return sound ? EXIT.ok : EXIT.checkFailed
}

type Report = (one: Flaw | VerifySummary, seconds: number) => string

/** Flaws: `type kind topic partition path position offset message`, null where there is none. */
function jsonReport(): Report {
  return (one, seconds) => {
    if (one.type === 'summary')
      return `${JSON.stringify({ ...one, seconds: Math.round(seconds * 1000) / 1000 })}\n`
    const { type, kind, topic = null, partition = null, path, position = null, offset = null, message } = one
    return `${JSON.stringify({ type, kind, topic, partition, path, position, offset, message })}\n`
  }
}

function textReport(paint: Paint): Report {
  const notes = new Map<string, number>()
  return (one, seconds) => {
    if (one.type === 'summary') return summaryText(one, { notes, paint, seconds })
    const seen = (notes.get(one.kind) ?? 0) + 1
    if (one.type === 'note') notes.set(one.kind, seen)
    if (one.type === 'note' && seen > NOTES_SHOWN) return ''
    return `${paint(one.type === 'damage' ? 'red' : 'yellow', one.type)}  ${escapeText(one.message)}\n`
  }
}

function summaryText(
  summary: VerifySummary,
  { notes, paint, seconds }: { notes: ReadonlyMap<string, number>; paint: Paint; seconds: number },
): string {
  let text = ''
  for (const [kind, seen] of notes) {
    if (seen > NOTES_SHOWN)
      text += `${paint('yellow', 'note')}  ${count(seen - NOTES_SHOWN)} more of the kind ${kind} (-o json shows all).\n`
  }
  const { sound, damages, partitions, segments, batches, records, bytes, unprovable } = summary
  const verdict = sound ? paint('green', 'sound') : paint('red', `damaged, in ${counted(damages, 'place')}`)
  const what = [
    counted(partitions, 'partition'),
    counted(segments, 'segment'),
    counted(batches, 'batch', 'batches'),
    counted(records, 'record'),
  ].join(', ')
  const rest = summary.notes === 0 ? '' : `, with ${counted(summary.notes, 'note')}`
  text += `${escapeText(summary.path)} is ${verdict}${rest}: ${what}, ${bytesText(bytes)} in ${seconds.toFixed(1)} s.\n`
  // What was asked for is one file or partition: no need to speak of the others.
  if (partitions > 1)
    text += `${paint('dim', `Without a checksum, so looked at for their form only: ${unprovable.join(', ')}.`)}\n`
  return text
}

function progressText({ path, bytes, bytesTotal }: VerifyProgress, seconds: number): string {
  const rate = bytes / Math.max(seconds, 0.001)
  const left = Math.ceil((bytesTotal - bytes) / Math.max(rate, 1))
  const percent = bytesTotal === 0 ? 100 : Math.floor((100 * bytes) / bytesTotal)
  return `Checking ${path}: ${percent} % of ${bytesText(bytesTotal)}, ${bytesText(rate)}/s, ${left} s left`
}
