import { dataOption, formatOf, isSet } from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { EXIT } from '../failures.ts'
import { dataHint, withData } from '../open.ts'
import { table } from '../output/table.ts'

/** The forms of a list. */
const listOptions = {
  output: {
    alias: 'o',
    choices: ['pretty', 'json', 'raw'],
    requiresArg: true,
    describe: 'The form of the list [default: pretty on a terminal, else raw: the names]',
  },
} as const

export const topicListCommand: Command = {
  usage: 'list',
  describe: 'List the topics',
  options: {
    internal: { type: 'boolean', describe: 'List internal topics too' },
    ...dataOption,
    ...listOptions,
  },
  examples: [
    ['topic list', 'the topics of ./data'],
    ['topic list -o json --internal', 'all of them, one object a line'],
  ],
  run: list,
}

async function list(args: Arguments, context: Context): Promise<number> {
  const format = formatOf(args, context)
  return withData(args, context, { mode: 'read' }, async (varve, path) => {
    const topics = await varve.admin.listTopics({ internal: isSet(args, 'internal') })
    const { output } = context
    if (format === 'json') {
      for (const { topic, topicId, partitions, internal } of topics) {
        output.text(`${JSON.stringify({ topic, topicId, partitions, internal })}\n`)
      }
    } else if (format === 'raw') {
      for (const { topic } of topics) output.text(`${topic}\n`)
    } else if (topics.length > 0) {
      output.text(
        table(
          ['TOPIC', 'PARTITIONS', 'ID'],
          topics.map(one => [one.topic, one.partitions, one.topicId]),
        ),
      )
    } else {
      context.note(
        `There are no topics in ${path}: make one with \`varve topic create orders${dataHint(path)}\`.`,
      )
    }
    return EXIT.ok
  })
}
