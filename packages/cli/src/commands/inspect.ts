import type { InspectOptions } from '@varve/runtime'
import { dataDirectory, dataOption, isSet, optionalText, tableOption, wholeNumber } from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { EXIT } from '../failures.ts'
import { InspectionTables } from '../output/inspection-tables.ts'
import { StatusLine } from '../output/status-line.ts'
import { count } from '../output/table.ts'

export const inspectCommand: Command = {
  usage: 'inspect [path]',
  describe: 'Show what is in the files of a data directory, Varve’s or Kafka’s; nothing is changed',
  positionals: {
    path: { describe: "A data directory, a partition's folder or one of its files [default: as --data]" },
  },
  options: {
    partition: {
      alias: 'p',
      type: 'string',
      requiresArg: true,
      describe: 'Only this partition of the directory, in detail: orders-0',
    },
    segment: { type: 'string', requiresArg: true, describe: 'Only the segment that holds this offset' },
    batches: { type: 'boolean', describe: 'Show each batch, and whether its checksum holds' },
    index: { type: 'boolean', describe: 'Show each entry of the offset and time indexes' },
    ...tableOption,
    ...dataOption,
  },
  examples: [
    ['inspect ./data', 'checkpoints, partitions and segments'],
    ['inspect ./data -p orders-0', 'one partition, with leader epochs, producers and aborted transactions'],
    ['inspect ./data -p orders-0 --segment 4200 --batches', 'the batches around offset 4200'],
    ['inspect ./data/orders-0/00000000000000000000.log', 'the batches of one segment'],
    ['inspect ./data/orders-0/00000000000000000000.index', 'the entries of an index'],
    ['inspect ./data --batches -o json', 'every batch, one object a line'],
  ],
  run: runInspect,
}

async function runInspect(args: Arguments, context: Context): Promise<number> {
  const path = optionalText(args, 'path') ?? dataDirectory(args, context)
  const { output, interrupt, io } = context
  const options = optionsOf(args)
  const { inspect } = await import('@varve/runtime')
  const status = new StatusLine(io)
  const signal = AbortSignal.any([interrupt.signal, output.whenClosed])
  const json = optionalText(args, 'output') === 'json'
  const tables = new InspectionTables()
  let items = 0
  try {
    for await (const item of inspect(path, { ...options, signal })) {
      items++
      const text = json ? `${JSON.stringify(item)}\n` : tables.take(item)
      if (text === '') {
        status.update(() => `Looked at ${count(items)} things`)
        continue
      }
      status.clear()
      output.text(text)
      if (output.full) await output.ready()
    }
    status.clear()
    if (!json) output.text(tables.finish())
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    status.clear()
  }
  return interrupt.signal.aborted ? interrupt.exitCode : EXIT.ok
}

function optionsOf(args: Arguments): InspectOptions {
  const partition = optionalText(args, 'partition')
  const segment = wholeNumber(args, 'segment', { min: 0, max: Number.MAX_SAFE_INTEGER })
  return {
    ...(partition !== undefined && { partition }),
    ...(segment !== undefined && { segment }),
    ...(isSet(args, 'batches') && { batches: true }),
    ...(isSet(args, 'index') && { index: true }),
  }
}
