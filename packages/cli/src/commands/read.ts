import {
  bytesOf,
  dataDirectory,
  dataOption,
  formatOf,
  isolationOf,
  optionalText,
  partitionList,
  recordOptions,
  text,
} from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { EXIT, usageError } from '../failures.ts'
import { describeTopic, withData } from '../open.ts'
import { paintFor } from '../output/colours.ts'
import { recordFormat, type RecordFormat } from '../output/record-format.ts'
import { StatusLine } from '../output/status-line.ts'
import { count } from '../output/table.ts'

export const readCommand: Command = {
  usage: 'read <topic> [range]',
  describe: 'Read the records of a topic, partition by partition; nothing is changed',
  positionals: {
    topic: { describe: 'The topic' },
    range: {
      describe:
        'A..B of start, end, 42, -10, +5, @2026-11-01T09:00, @-1h; B is not read [default: start..end]',
    },
  },
  options: { ...dataOption, ...recordOptions },
  examples: [
    ['read orders', 'every record'],
    ['read orders -10..end', 'the last ten of each partition'],
    ['read orders @-1h..end -o json', 'the last hour, one object a line'],
    ['read orders 100..200 -p 0', 'offsets 100 to 199 of partition 0'],
    ['read orders --isolation read_committed', 'without what transactions took back'],
    ['read orders --data /var/lib/kafka/data', "a Kafka broker's directory, as it lies there"],
  ],
  run: read,
}

async function read(args: Arguments, context: Context): Promise<number> {
  const topic = text(args, 'topic')
  const partitions = partitionList(args)
  dataDirectory(args, context)
  const isolation = isolationOf(args)
  const write = recordWriter(args, context)
  const { parseRange } = await import('@varve/runtime')
  const { from, to } = parseRange(optionalText(args, 'range') ?? 'start..end', { now: Date.now() })
  const status = new StatusLine(context.io)
  const { output, interrupt } = context
  return withData(args, context, { mode: 'read' }, async (varve, path) => {
    await checkPartitions(varve, { topic, path, partitions })
    const signal = AbortSignal.any([interrupt.signal, output.whenClosed])
    let records = 0
    try {
      const options = { from, to, isolation, signal, ...(partitions && { partitions }) }
      for await (const record of varve.read(topic, options)) {
        write(record)
        records++
        if (output.full) await output.ready()
        if (signal.aborted || output.closed) break
        if ((records & 1023) === 0 && context.io.stdout.isTTY !== true) {
          status.update(() => `Read ${count(records)} records (${count(records / status.seconds)}/s)`)
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      status.clear()
    }
    return interrupt.signal.aborted ? interrupt.exitCode : EXIT.ok
  })
}

/** Writes records in the form that the options ask for. */
export function recordWriter(args: Arguments, context: Context): RecordFormat {
  const { io, output } = context
  return recordFormat({
    format: formatOf(args, context),
    bytes: bytesOf(args),
    output,
    paint: paintFor(io.stdout, io.env),
  })
}

/** The partitions to read: those asked for, which must exist, or all. */
export async function checkPartitions(
  varve: Parameters<typeof describeTopic>[0],
  { topic, path, partitions }: { topic: string; path: string; partitions: number[] | undefined },
): Promise<number[]> {
  const all = (await describeTopic(varve, { topic, path })).partitions.map(one => one.partition)
  const missing = partitions?.find(partition => !all.includes(partition))
  if (missing === undefined) return partitions ?? all
  throw usageError(
    `Topic "${topic}" has no partition ${missing}: it has ${all.length} (0 to ${all.length - 1}).`,
  )
}
