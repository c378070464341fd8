import yargs, { type Argv, type Options } from 'yargs'
import { markPositions, unmark } from './arguments.ts'
import type { Arguments, Command, CommandFamily } from './command.ts'
import { usageError } from './failures.ts'
import { suggest } from './suggest.ts'

/** What the command line asks for. */
export type Request =
  | { readonly kind: 'run'; readonly command: Command; readonly args: Arguments }
  | { readonly kind: 'help'; readonly text: string }

export interface ParseOptions {
  commands: readonly (Command | CommandFamily)[]
  columns: number
}

/** @throws USAGE when the words mean nothing, with the nearest that does */
export function parse(argv: readonly string[], { commands, columns }: ParseOptions): Request {
  let request: Request | undefined
  // Where the words stand in the tree of commands, for messages and suggestions.
  const chosen = find(commands, argv)
  const add = (parser: Argv, command: Command): Argv =>
    parser.command(
      command.usage,
      command.describe,
      inner => withOptions(inner, command),
      args => {
        request = { kind: 'run', command, args }
      },
    )
  let parser: Argv = yargs()
    .scriptName('varve')
    .locale('en')
    .usage('An append-only log that speaks Kafka: topics, records and replay in a folder.\n\nvarve <command>')
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'dot-notation': false,
      'camel-case-expansion': false,
      'boolean-negation': false,
    })
    .wrap(Math.min(100, columns))
    .exitProcess(false)
    .help('help')
    .alias('help', 'h')
    .version(false)
    .strict()
    .demandCommand(1, 'no command')
    .option('version', { type: 'boolean', describe: 'Show the version', global: false })
    .epilogue('varve <command> --help shows its options and examples.')
    .fail((message, error) => {
      throw explain(message || error.message, argv, chosen)
    })
  for (const one of commands) {
    if ('usage' in one) parser = add(parser, one)
    else {
      parser = parser.command(one.name, one.describe, inner => {
        for (const command of one.commands) add(inner, command)
        return inner.usage(`varve ${one.name} <command>`).demandCommand(1, 'no command')
      })
    }
  }
  // With a callback nothing is printed and the process is left alone.
  void parser.parse(markPositions(argv), {}, (_error: unknown, _argv: unknown, output: string) => {
    if (output !== '') request = { kind: 'help', text: unmark(output) }
  })
  if (request === undefined) throw usageError('The command line could not be understood: see varve --help.')
  return request
}

function withOptions(parser: Argv, command: Command): Argv {
  for (const [name, { describe }] of Object.entries(command.positionals ?? {})) {
    parser = parser.positional(name, { type: 'string', describe })
  }
  for (const [name, option] of Object.entries(command.options ?? {})) parser = parser.option(name, option)
  for (const [line, meaning] of command.examples) parser = parser.example(`varve ${line}`, meaning)
  return parser.usage(`varve ${fullUsage(command)}\n\n${command.describe}`).epilogue('')
}

interface Chosen {
  readonly family?: CommandFamily
  readonly command?: Command
  /** The names that may stand where the words stopped making sense. */
  readonly names: readonly string[]
}

function find(commands: readonly (Command | CommandFamily)[], argv: readonly string[]): Chosen {
  const top = commands.find(one => nameOf(one) === argv[0])
  if (top === undefined) return { names: commands.map(nameOf) }
  if ('usage' in top) return { command: top, names: [] }
  const command = top.commands.find(one => nameOf(one) === argv[1])
  return { family: top, ...(command && { command }), names: top.commands.map(nameOf) }
}

function nameOf(one: Command | CommandFamily): string {
  return 'usage' in one ? (one.usage.split(' ')[0] ?? '') : one.name
}

const families = new WeakMap<Command, string>()

/** Remembers that `command` belongs to a family, for its usage line. */
export function inFamily(family: CommandFamily): CommandFamily {
  for (const command of family.commands) families.set(command, family.name)
  return family
}

function fullUsage(command: Command): string {
  const family = families.get(command)
  return family === undefined ? command.usage : `${family} ${command.usage}`
}

/** The parser's message as one sentence that names the words and what they may have been meant to be. */
function explain(message: string, argv: readonly string[], { family, command, names }: Chosen): Error {
  const path = ['varve', ...(family ? [family.name] : []), ...(command && !family ? [nameOf(command)] : [])]
  if (command && family) path.push(nameOf(command))
  const help = `see ${path.join(' ')} --help`
  if (command === undefined) {
    const word = argv[family === undefined ? 0 : 1]
    if (word === undefined || message === 'no command') {
      return usageError(`${path.join(' ')} needs a command (${names.join(', ')}): ${help}.`)
    }
    return usageError(
      `"${word}" is not a command of ${path.join(' ')}: ${meant(suggest(word, names), help)}.`,
    )
  }
  const missing = /Not enough non-option arguments: got (\d+)/.exec(message)
  if (missing) {
    const wanted = [...command.usage.matchAll(/<([^>]+)>/g)].map(match => match[1] ?? '')
    const rest = wanted.slice(Number(missing[1]))
    return usageError(`${path.join(' ')} needs a ${rest.join(' and a ')}: varve ${fullUsage(command)}.`)
  }
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)
  if (unknown) return usageError(unknownWord(unknown[1] ?? '', argv, { command, help, path: path.join(' ') }))
  const value = /^Invalid values:\n\s*Argument: (\S+), Given: (.*), Choices: (.*)$/s.exec(message)
  if (value)
    return usageError(
      `--${value[1] ?? ''} takes one of ${value[3] ?? ''}, but found ${value[2] ?? ''}: ${help}.`,
    )
  const empty = /^Not enough arguments following: (.*)$/.exec(message)
  if (empty) return usageError(`The option ${dashed(empty[1] ?? '')} needs a value: ${help}.`)
  return usageError(`${unmark(message).replace(/\s+/g, ' ').replace(/\.$/, '')}: ${help}.`)
}

function unknownWord(
  list: string,
  argv: readonly string[],
  { command, help, path }: { command: Command; help: string; path: string },
): string {
  const first = unmark(list.split(', ')[0] ?? '')
  const option = argv.find(word => word.startsWith('-') && word.replace(/^-+/, '').split('=')[0] === first)
  if (option === undefined && !argv.some(word => /^-[a-zA-Z]*$/.test(word) && word.includes(first))) {
    return `${path} does not know what to do with "${first}": ${help}.`
  }
  const names = Object.entries(command.options ?? {}).flatMap(([name, one]) => [name, ...aliases(one)])
  const near = suggest(first, names)
  return `${path} has no option ${dashed(first)}: ${meant(near === undefined ? undefined : dashed(near), help)}.`
}

function aliases(option: Options): string[] {
  return typeof option.alias === 'string' ? [option.alias] : [...(option.alias ?? [])]
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`
}

function meant(near: string | undefined, help: string): string {
  return near === undefined ? help : `did you mean ${near}? If not, ${help}`
}
