import type { TopicDescription } from '@varve/runtime'
import { dataOption, isSet, optionalText, text } from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { EXIT } from '../failures.ts'
import { describeTopic, withData } from '../open.ts'
import { count, counted, table } from '../output/table.ts'

export const topicDescribeCommand: Command = {
  usage: 'describe <topic>',
  describe: 'Show the partitions, offsets and settings of a topic',
  positionals: { topic: { describe: 'The topic' } },
  options: {
    all: { type: 'boolean', describe: 'Show the settings that are left at their defaults too' },
    output: {
      alias: 'o',
      choices: ['pretty', 'json'],
      requiresArg: true,
      describe: 'A table or one JSON object [default: pretty]',
    },
    ...dataOption,
  },
  examples: [
    ['topic describe orders', 'a table'],
    ['topic describe orders -o json --all', 'one object with every setting'],
  ],
  run: describe,
}

async function describe(args: Arguments, context: Context): Promise<number> {
  const topic = text(args, 'topic')
  const all = isSet(args, 'all')
  return withData(args, context, { mode: 'read' }, async (varve, path) => {
    const found = await describeTopic(varve, { topic, path })
    const config = all ? found.config : found.config.filter(one => one.source === 'topic')
    const json = optionalText(args, 'output') === 'json'
    context.output.text(json ? `${JSON.stringify({ ...found, config })}\n` : pretty({ ...found, config }))
    return EXIT.ok
  })
}

function pretty(found: TopicDescription): string {
  const records = found.partitions.reduce((sum, one) => sum + one.highWatermark - one.logStartOffset, 0)
  const lines = [
    `${found.topic}: ${counted(found.partitions.length, 'partition')}, offsets for ${counted(records, 'record')}, ` +
      `id ${found.topicId}${found.internal ? ', internal' : ''}\n\n`,
    table(
      ['PARTITION', 'LEADER', 'EPOCH', 'START', 'END', 'RECORDS'],
      found.partitions.map(one => [
        one.partition,
        one.leader,
        one.leaderEpoch,
        one.logStartOffset,
        one.highWatermark,
        count(one.highWatermark - one.logStartOffset),
      ]),
    ),
  ]
  if (found.config.length === 0) lines.push('\nEvery setting has its default (--all shows them).\n')
  else {
    const rows = found.config.map(one => [one.name, one.value, one.source])
    lines.push('\n', table(['SETTING', 'VALUE', 'FROM'], rows))
  }
  return lines.join('')
}
