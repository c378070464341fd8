import type { Isolation } from '@varve/runtime'
import type { Options } from 'yargs'
import type { Arguments, Context } from './command.ts'
import { usageError } from './failures.ts'
import type { BytesName, FormatName } from './output/record-format.ts'

/** Put before an argument such as `-5..-1`, which the parser would take for options, and taken away again here. */
const MARK = '\u001F'

/** Lets positions that begin with a minus through the parser. */
export function markPositions(argv: readonly string[]): string[] {
  return argv.map(word => (/^-\d.*\.\./.test(word) ? `${MARK}${word}` : word))
}

export function unmark(text: string): string {
  return text.replaceAll(MARK, '')
}

export function optionalText(args: Arguments, name: string): string | undefined {
  const value = args[name]
  if (Array.isArray(value)) throw usageError(`${flag(name)} was given ${value.length} times: give it once.`)
  return typeof value === 'string' ? unmark(value) : undefined
}

export function text(args: Arguments, name: string): string {
  const value = optionalText(args, name)
  if (value === undefined) throw usageError(`${flag(name)} is missing: see --help.`)
  return value
}

/** Every value of an option that may be given several times. */
export function texts(args: Arguments, name: string): string[] {
  const value = args[name]
  if (value === undefined) return []
  return (Array.isArray(value) ? value : [value]).map(one => unmark(String(one)))
}

export function isSet(args: Arguments, name: string): boolean {
  return args[name] === true
}

export function wholeNumber(
  args: Arguments,
  name: string,
  { min, max }: { min: number; max: number },
): number | undefined {
  const value = optionalText(args, name)
  if (value === undefined) return undefined
  const number = /^\d+$/.test(value) ? Number(value) : NaN
  if (number >= min && number <= max) return number
  throw usageError(`${flag(name)} takes a whole number from ${min} to ${max}, but found "${value}".`)
}

/** `0,2,5` and repeated options. */
export function partitionList(args: Arguments): number[] | undefined {
  const words = texts(args, 'partition').flatMap(word => word.split(','))
  if (words.length === 0) return undefined
  return words.map(word => {
    if (/^\d{1,9}$/.test(word)) return Number(word)
    throw usageError(`--partition takes partition numbers such as 0 or 0,2, but found "${word}".`)
  })
}

function flag(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`
}

/** The data directory: `--data`, else VARVE_DATA, else `./data`. */
export function dataDirectory(args: Arguments, context: Context): string {
  const path = optionalText(args, 'data') ?? context.io.env['VARVE_DATA'] ?? ''
  if (optionalText(args, 'data') === '') throw usageError('--data takes the path of a folder, but found "".')
  return path === '' ? './data' : path
}

export function formatOf(args: Arguments, context: Context): FormatName {
  const name = optionalText(args, 'output')
  if (name === 'json' || name === 'raw' || name === 'pretty') return name
  return context.io.stdout.isTTY === true ? 'pretty' : 'raw'
}

/** What a reader sees of transactions. Default Kafka's: everything. */
export function isolationOf(args: Arguments): Isolation {
  return optionalText(args, 'isolation') === 'read_committed' ? 'read_committed' : 'read_uncommitted'
}

export function bytesOf(args: Arguments): BytesName {
  return optionalText(args, 'bytes') === 'base64' ? 'base64' : 'utf8'
}

export const dataOption: Readonly<Record<string, Options>> = {
  data: {
    type: 'string',
    requiresArg: true,
    describe: 'The data directory [default: the variable VARVE_DATA, else ./data]',
  },
}

/** For commands that show tables. */
export const tableOption: Readonly<Record<string, Options>> = {
  output: {
    alias: 'o',
    choices: ['pretty', 'json'],
    requiresArg: true,
    describe: 'Text for people or one JSON object a line [default: pretty]',
  },
}

/** For commands that change a directory, and so must own it. */
export const ownerOptions: Readonly<Record<string, Options>> = {
  ...dataOption,
  force: {
    type: 'boolean',
    describe: 'Take the directory from an owner that is gone but cannot be proven to be',
  },
  recover: {
    type: 'boolean',
    describe: 'Own a directory that Kafka did not close cleanly, and recover it',
  },
}

export const recordOptions: Readonly<Record<string, Options>> = {
  partition: {
    alias: 'p',
    type: 'string',
    requiresArg: true,
    describe: 'Only these partitions: 0 or 0,2',
  },
  output: {
    alias: 'o',
    choices: ['pretty', 'json', 'raw'],
    requiresArg: true,
    describe: 'The form of the records [default: pretty on a terminal, else raw: the values]',
  },
  isolation: {
    choices: ['read_committed', 'read_uncommitted'],
    requiresArg: true,
    describe:
      'read_committed leaves out aborted transactions and ends before the first undecided one [default: read_uncommitted]',
  },
  bytes: {
    choices: ['utf8', 'base64'],
    requiresArg: true,
    describe: 'How keys, values and header values are written [default: utf8]',
  },
}
