import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const binary = fileURLToPath(new URL('../../bin/varve.js', import.meta.url))
export const top = fileURLToPath(new URL('../../../../', import.meta.url))

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface StartOptions {
  /** What standard input says; `'open'` leaves it open for the test to write to. Default: nothing. */
  input?: string | Buffer | 'open'
  env?: Record<string, string>
  cwd?: string
}

/** What a user's shell hands on, without what a test runner or CI adds. */
function environment(more: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...more }
}

/** A running command whose output is kept. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''
  #watchers: (() => void)[] = []
  #over = false

  constructor(file: string, args: readonly string[], { input = '', env, cwd }: StartOptions) {
    this.child = spawn(file, args, { env: environment(env), cwd, stdio: 'pipe' })
    // A command may end before it has read everything.
    this.child.stdin.on('error', () => undefined)
    if (input !== 'open') this.child.stdin.end(input)
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => this.#add('stdout', text))
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => this.#add('stderr', text))
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('close', (code, signal) => {
        this.#over = true
        for (const watch of this.#watchers.splice(0)) watch()
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })
      })
    })
  }

  /** Resolves when `done` holds for what was printed so far; rejects when the command ends before. */
  async until(done: (running: this) => boolean): Promise<void> {
    while (!done(this)) {
      if (this.#over) throw new Error(`it ended too early, with ${this.stdout} and ${this.stderr}`)
      await new Promise<void>(resolve => this.#watchers.push(resolve))
    }
  }

  /** Sends the signal and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal)
    return await this.ended
  }

  #add(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text
    for (const watch of this.#watchers.splice(0)) watch()
  }
}

/** Starts `varve …` as a shell would. */
export function start(args: readonly string[], options: StartOptions = {}): Running {
  return new Running(process.execPath, [binary, ...args], options)
}

/** Runs `varve …` to its end. */
export async function varve(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return await start(args, options).ended
}

/** A program of Node's own. It has to end by itself. */
export async function node(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return await new Running(process.execPath, args, options).ended
}

/** Runs lines of a shell in which `npx varve` is this build, in `folder`. */
export async function shell(folder: string, lines: string): Promise<Ended> {
  const npx = join(folder, 'npx')
  writeFileSync(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${binary}" "$@"\n`)
  chmodSync(npx, 0o755)
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` }
  return await new Running('/bin/sh', ['-c', lines], { env, cwd: folder }).ended
}

export function lines(text: string): string[] {
  return text.split('\n').slice(0, -1)
}

export interface PrintedRecord {
  topic: string
  partition: number
  offset: number
  timestamp: number
  timestampType: string
  leaderEpoch: number
  key: string | null
  value: string | null
  headers: [string, string | null][]
}

export function records(text: string): PrintedRecord[] {
  return lines(text).map(line => JSON.parse(line) as PrintedRecord)
}

/** What every failure looks like: one sentence on standard error, nothing on standard output. */
export const ONE_SENTENCE = /^varve: [^\n]+[.?]\n$/
