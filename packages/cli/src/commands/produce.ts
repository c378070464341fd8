import type { ProducerOptions } from '@varve/runtime'
import { bytesOf, isSet, optionalText, ownerOptions, text } from '../arguments.ts'
import type { Arguments, Command, Context } from '../command.ts'
import { usageError } from '../failures.ts'
import { appendLines } from '../input/append-lines.ts'
import { CheckedLines } from '../input/checked-lines.ts'
import { jsonParser, keyFieldParser, lineParser, type RecordParser } from '../input/record-parser.ts'
import { templateParser } from '../input/template.ts'
import { describeTopic, withData } from '../open.ts'

export const produceCommand: Command = {
  usage: 'produce <topic>',
  describe: 'Append what standard input says, one record a line',
  positionals: { topic: { describe: 'The topic' } },
  options: {
    format: {
      alias: 'f',
      type: 'string',
      requiresArg: true,
      describe: "How a line looks: %k key, %v value, %t timestamp (ms), %p partition, such as '%k\\t%v\\n'",
    },
    json: {
      type: 'boolean',
      describe:
        'Lines are {"key","value","headers","timestamp","partition"}; all but the value may be left out',
    },
    'key-field': {
      type: 'string',
      requiresArg: true,
      describe: 'Lines are JSON objects: the line is the value, this field of it the key',
    },
    bytes: {
      choices: ['utf8', 'base64'],
      requiresArg: true,
      describe: 'With --json: how keys, values and header values are written [default: utf8]',
    },
    'on-error': {
      choices: ['stop', 'skip'],
      requiresArg: true,
      describe: 'What to do with a line that is no record [default: stop]',
    },
    compression: {
      choices: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
      requiresArg: true,
      describe: 'The codec of the batches [default: none]',
    },
    output: {
      alias: 'o',
      choices: ['json'],
      requiresArg: true,
      describe: 'Print topic, partition, offset and timestamp of each appended record',
    },
    ...ownerOptions,
  },
  examples: [
    ['produce orders < lines.txt', 'each line is a value'],
    ["produce orders -f '%k\\t%v\\n' < table.tsv", 'a key and a value, with a tab between them'],
    ['produce orders --json < records.ndjson', 'records as `varve read -o json` prints them'],
    ['produce orders --key-field customer < orders.ndjson', 'keyed by a field of the value'],
  ],
  run: produce,
}

async function produce(args: Arguments, context: Context): Promise<number> {
  const topic = text(args, 'topic')
  const parse = parserFor(args)
  const onError = optionalText(args, 'on-error') === 'skip' ? ('skip' as const) : ('stop' as const)
  const compression = optionalText(args, 'compression') as ProducerOptions['compression']
  return withData(args, context, { mode: 'write' }, async (varve, path) => {
    const { config, partitions } = await describeTopic(varve, { topic, path })
    const max = Number(config.find(one => one.name === 'max.message.bytes')?.value ?? 1_048_588)
    // A compressed batch may hold more than the topic's limit; the line must only not fill the memory.
    const recordBytesMax =
      compression === undefined || compression === 'none' ? max : Math.max(max, 67_108_864)
    const input = new CheckedLines({
      parse,
      recordBytesMax,
      partitions: partitions.length,
      json: isSet(args, 'json'),
    })
    // Closed with the client, which waits for what is on its way.
    const producer = varve.producer({ ...(compression && { compression }) })
    const run = { topic, context, input, onError, producer, json: optionalText(args, 'output') === 'json' }
    return await appendLines(run)
  })
}

function parserFor(args: Arguments): RecordParser {
  const template = optionalText(args, 'format')
  const keyField = optionalText(args, 'key-field')
  const json = isSet(args, 'json')
  const ways = [
    template !== undefined && '--format',
    json && '--json',
    keyField !== undefined && '--key-field',
  ]
  const given = ways.filter(way => way !== false)
  if (given.length > 1)
    throw usageError(`${given.join(' and ')} say different things about a line: give one of them.`)
  if (bytesOf(args) === 'base64' && !json)
    throw usageError('--bytes base64 says how --json records are written: add --json.')
  if (template !== undefined) return templateParser(template)
  if (keyField !== undefined) return keyFieldParser(keyField)
  return json ? jsonParser(bytesOf(args)) : lineParser
}
