import { inFamily } from '../parser.ts'
import { topicCreateCommand } from './topic-create.ts'
import { topicDeleteCommand } from './topic-delete.ts'
import { topicDescribeCommand } from './topic-describe.ts'
import { topicListCommand } from './topic-list.ts'

export const topicCommands = inFamily({
  name: 'topic',
  describe: 'Create, list, describe and delete topics',
  commands: [topicCreateCommand, topicListCommand, topicDescribeCommand, topicDeleteCommand],
})
