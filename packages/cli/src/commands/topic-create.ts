import { existsSync } from 'node:fs'
import { dataDirectory, isSet, optionalText, ownerOptions, text, texts, wholeNumber } from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { EXIT, usageError } from '../failures.ts'
import { withData } from '../open.ts'
import { counted } from '../output/table.ts'

export const topicCreateCommand: Command = {
  usage: 'create <topic>',
  describe: 'Create a topic, and the data directory if there is none',
  positionals: { topic: { describe: 'Letters, digits, dot, underscore and dash, at most 249' } },
  options: {
    partitions: {
      alias: 'p',
      type: 'string',
      requiresArg: true,
      describe: 'How many partitions [default: 1]',
    },
    config: {
      alias: 'c',
      type: 'array',
      nargs: 1,
      describe: "One of Kafka's topic settings, such as retention.ms=7d; may be repeated",
    },
    'if-not-exists': { type: 'boolean', describe: 'Do not fail when the topic is there already' },
    output: { alias: 'o', choices: ['json'], requiresArg: true, describe: 'Print what was created as JSON' },
    ...ownerOptions,
  },
  examples: [
    ['topic create orders -p 6', 'six partitions'],
    ['topic create events -c retention.ms=7d -c segment.bytes=64MiB', 'with settings'],
  ],
  run: create,
}

async function create(args: Arguments, context: Context): Promise<number> {
  const topic = text(args, 'topic')
  const partitions = wholeNumber(args, 'partitions', { min: 1, max: 100_000 })
  const config = settings(texts(args, 'config'))
  if (!existsSync(dataDirectory(args, context))) await rehearse(topic, config)
  return withData(args, context, { mode: 'write', create: true }, async (varve, path) => {
    const made = await varve.admin.createTopic(topic, {
      config,
      ifNotExists: isSet(args, 'if-not-exists'),
      ...(partitions !== undefined && { partitions }),
    })
    const what = `topic "${topic}" with ${counted(made.partitions, 'partition')} in ${path}`
    context.note(made.created ? `Created ${what}.` : `There is already a ${what}.`)
    if (optionalText(args, 'output') === 'json') context.output.text(`${JSON.stringify(made)}\n`)
    return EXIT.ok
  })
}

/** What is refused leaves no new directory behind: the same is asked of one in memory first. */
async function rehearse(topic: string, config: Record<string, string>): Promise<void> {
  const { Varve } = await import('@varve/runtime')
  const varve = await Varve.open(':memory:')
  try {
    await varve.admin.createTopic(topic, { config })
  } finally {
    await varve.close()
  }
}

function settings(words: readonly string[]): Record<string, string> {
  const config: Record<string, string> = {}
  for (const word of words) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? []
    if (key === undefined || value === undefined) {
      throw usageError(`--config takes name=value, such as retention.ms=7d, but found "${word}".`)
    }
    if (Object.hasOwn(config, key)) throw usageError(`--config was given twice for "${key}": give it once.`)
    config[key] = value
  }
  return config
}
