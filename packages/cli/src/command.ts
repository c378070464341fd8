import type { Options } from 'yargs'
import type { Interrupt, Io } from './io.ts'
import type { Output } from './output/output.ts'

/** One command, as data for the parser and a function that runs it. */
export interface Command {
  /** `read <topic> [range]`. */
  readonly usage: string
  readonly describe: string
  readonly positionals?: Readonly<Record<string, { describe: string }>>
  readonly options?: Readonly<Record<string, Options>>
  /** A command line without `varve`, and what it does. */
  readonly examples: readonly (readonly [string, string])[]
  /** Resolves to the exit code. */
  run(args: Arguments, context: Context): Promise<number>
}

/** A family of commands: `topic create`, `topic list`. */
export interface CommandFamily {
  readonly name: string
  readonly describe: string
  readonly commands: readonly Command[]
}

/** What the parser understood. */
export type Arguments = Readonly<Record<string, unknown>>

/** Where a command runs. */
export interface Context {
  readonly io: Io
  readonly output: Output
  readonly interrupt: Interrupt
  /** A line for people, on stderr. */
  note(line: string): void
}
