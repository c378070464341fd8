import type { ConsumerRecord, Isolation, VarveClient } from '@varve/runtime'
import {
  dataOption,
  isolationOf,
  isSet,
  partitionList,
  recordOptions,
  text,
  wholeNumber,
} from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { EXIT } from '../failures.ts'
import { withData } from '../open.ts'
import { checkPartitions, recordWriter } from './read.ts'

export const tailCommand: Command = {
  usage: 'tail <topic>',
  describe: 'Show the last records of a topic in the order of their time, and with -f those that follow',
  positionals: { topic: { describe: 'The topic' } },
  options: {
    lines: {
      alias: 'n',
      type: 'string',
      requiresArg: true,
      describe: 'How many records to begin with [default: 10]',
    },
    follow: { alias: 'f', type: 'boolean', describe: 'Go on with what is appended, until Ctrl-C' },
    ...dataOption,
    ...recordOptions,
  },
  examples: [
    ['tail orders', 'the last ten records'],
    ['tail orders -n 0 -f', 'what comes from now on'],
    ['tail orders -n 100 -o json', 'the last hundred, one object a line'],
    ['tail orders -f --isolation read_committed', 'only what transactions have committed'],
  ],
  run: tail,
}

async function tail(args: Arguments, context: Context): Promise<number> {
  const topic = text(args, 'topic')
  const lines = wholeNumber(args, 'lines', { min: 0, max: 1_000_000 }) ?? 10
  const wanted = partitionList(args)
  const isolation = isolationOf(args)
  const write = recordWriter(args, context)
  const { output, interrupt } = context
  return withData(args, context, { mode: 'read' }, async (varve, path) => {
    const partitions = await checkPartitions(varve, { topic, path, partitions: wanted })
    const signal = AbortSignal.any([interrupt.signal, output.whenClosed])
    try {
      // What lies below these ends is history, what lies above follows: no record falls between.
      const ends = new Map(
        (await varve.admin.offsets(topic, 'end', { isolation })).map(one => [one.partition, one.offset]),
      )
      for (const record of await lastRecords(varve, { topic, lines, partitions, ends, isolation, signal })) {
        write(record)
        if (output.full) await output.ready()
      }
      if (isSet(args, 'follow')) {
        const follow = (partition: number) => ({
          topic,
          partition,
          offset: ends.get(partition) ?? 0,
          isolation,
        })
        await Promise.all(
          partitions.map(async partition => {
            for await (const record of followed(varve, follow(partition), signal)) {
              write(record)
              if (output.full) await output.ready()
            }
          }),
        )
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return interrupt.signal.aborted ? interrupt.exitCode : EXIT.ok
  })
}

interface LastRecords {
  topic: string
  lines: number
  partitions: number[]
  ends: ReadonlyMap<number, number>
  isolation: Isolation
  signal: AbortSignal
}

/**
 * The last records of the topic as a whole, by time, and by offset within a partition. Markers, gaps and what was taken
 * back have offsets, too: where too few records of any partition come, it begins earlier. They might be the newest.
 */
async function lastRecords(varve: VarveClient, asked: LastRecords): Promise<ConsumerRecord[]> {
  const { topic, lines, ends } = asked
  if (lines === 0) return []
  const starts = new Map((await varve.admin.offsets(topic, 'start')).map(one => [one.partition, one.offset]))
  const lengthOf = (partition: number): number => (ends.get(partition) ?? 0) - (starts.get(partition) ?? 0)
  for (let minus = lines; ; minus *= 8) {
    const { last, counts } = await recordsFrom(varve, asked, minus)
    if (asked.partitions.every(one => minus >= lengthOf(one) || (counts.get(one) ?? 0) >= lines)) return last
  }
}

async function recordsFrom(
  varve: VarveClient,
  { topic, lines, partitions, ends, isolation, signal }: LastRecords,
  minus: number,
): Promise<{ last: ConsumerRecord[]; counts: ReadonlyMap<number, number> }> {
  const last: ConsumerRecord[] = []
  const counts = new Map<number, number>()
  const from = { kind: 'end', minus } as const
  for await (const record of varve.replay(topic, { from, partitions, isolation, signal })) {
    if (record.offset >= (ends.get(record.partition) ?? 0)) continue
    counts.set(record.partition, (counts.get(record.partition) ?? 0) + 1)
    last.push(record)
    if (last.length >= lines * 2) last.splice(0, last.length - lines)
  }
  return { last: last.slice(-lines), counts }
}

function followed(
  varve: VarveClient,
  of: { topic: string; partition: number; offset: number; isolation: Isolation },
  signal: AbortSignal,
): AsyncIterable<ConsumerRecord> {
  return varve.read(of.topic, {
    from: { kind: 'offset', offset: of.offset },
    partitions: [of.partition],
    isolation: of.isolation,
    follow: true,
    signal,
  })
}
