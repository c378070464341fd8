import { isSet, ownerOptions, text } from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { EXIT } from '../failures.ts'
import { dataHint, describeTopic, withData } from '../open.ts'
import { counted } from '../output/table.ts'

export const topicDeleteCommand: Command = {
  usage: 'delete <topic>',
  describe: 'Delete a topic with all its records; without --yes it only says what would go',
  positionals: { topic: { describe: 'The topic' } },
  options: { yes: { alias: 'y', type: 'boolean', describe: 'Do it' }, ...ownerOptions },
  examples: [
    ['topic delete orders', 'says what would be deleted'],
    ['topic delete orders --yes', 'deletes it'],
  ],
  run: remove,
}

async function remove(args: Arguments, context: Context): Promise<number> {
  const topic = text(args, 'topic')
  const yes = isSet(args, 'yes')
  return withData(args, context, { mode: yes ? 'write' : 'read' }, async (varve, path) => {
    const { partitions } = await describeTopic(varve, { topic, path })
    const records = partitions.reduce((sum, one) => sum + one.highWatermark - one.logStartOffset, 0)
    const what = `topic "${topic}" with ${counted(partitions.length, 'partition')} and up to ${counted(records, 'record')}`
    if (yes) {
      await varve.admin.deleteTopic(topic)
      context.note(`Deleted ${what}.`)
    } else {
      context.note(
        `This would delete ${what}: do it with \`varve topic delete ${topic} --yes${dataHint(path)}\`.`,
      )
    }
    return EXIT.ok
  })
}
