import { isVarveError, VarveError, type Logger } from '@varve/platform'
import type { VarveClient } from '@varve/runtime'
import { readFile, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dataDirectory, isSet } from './arguments.ts'
import type { Arguments, Context } from './command.ts'
import { escapeText } from './output/escape.ts'
import { StatusLine } from './output/status-line.ts'
import { suggest } from './suggest.ts'

/** What a command wants of the directory. */
export interface OpenUse {
  /** A reader changes nothing, and may read beside the owner; a writer is the owner. */
  mode: 'read' | 'write'
  /** Make the directory where there is none. Default false. */
  create?: boolean
}

/** Opens the data directory for as long as `work` runs, and closes it whatever happens. */
export async function withData<T>(
  args: Arguments,
  context: Context,
  use: OpenUse,
  work: (varve: VarveClient, path: string) => Promise<T>,
): Promise<T> {
  const path = dataDirectory(args, context)
  const varve = await openData(args, context, use)
  let result: T
  try {
    result = await work(varve, path)
  } catch (error) {
    // The first error is the one to tell about.
    await varve.close().catch(() => undefined)
    throw error
  }
  await varve.close()
  return result
}

export async function openData(args: Arguments, context: Context, use: OpenUse): Promise<VarveClient> {
  const path = dataDirectory(args, context)
  const { Varve } = await import('@varve/runtime')
  const status = new StatusLine(context.io)
  const readOnly = use.mode === 'read'
  try {
    return await Varve.open(path, {
      readOnly,
      create: use.create ?? false,
      ...(!readOnly && { recover: isSet(args, 'recover'), force: isSet(args, 'force') }),
      logger: loggerFor(context),
      onProgress: ({ opened, partitions }) =>
        status.update(() => `Opening ${path}: ${opened} of ${partitions} partitions`),
      signal: context.interrupt.signal,
    })
  } catch (error) {
    if (isVarveError(error, 'NOT_FOUND')) throw await noDirectory(path, error)
    throw isVarveError(error, 'DIRECTORY_LOCKED') ? await lockedBy(path, error) : error
  } finally {
    status.clear()
  }
}

async function noDirectory(path: string, cause: VarveError): Promise<VarveError> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() === false) {
    return new VarveError(cause.code, `${path} is a file, and no data directory: name a folder by --data.`, {
      context: { path },
      cause,
    })
  }
  const make = `varve topic create orders${dataHint(path)}`
  return new VarveError(
    cause.code,
    `There is no data directory at ${path}: make one with \`${make}\`, or name another by --data.`,
    { context: { path }, cause },
  )
}

/** Says which process of which host the owner is, where the lock tells. */
async function lockedBy(path: string, cause: VarveError): Promise<VarveError> {
  const { pid, machineId, life } = (cause.context.found ?? {}) as {
    pid?: number
    machineId?: string
    life?: string
  }
  if (pid === undefined) return cause
  const own = await readFile('/etc/machine-id', 'utf8').catch(() => '')
  const here = machineId !== undefined && machineId !== '' && own.trim() === machineId
  const host = here
    ? `this host (${hostname()})`
    : `the host with machine id ${machineId === '' ? 'unknown' : (machineId ?? 'unknown')}`
  const force = life === 'alive' ? '' : ', or add --force if you are sure that it is gone'
  return new VarveError(
    cause.code,
    `The data directory ${path} is owned by process ${pid} on ${host}: wait until it ends (reading works meanwhile)${force}.`,
    { context: cause.context, retriable: true, cause },
  )
}

/** Warnings and errors of the engine as lines on stderr, with what they are about. */
function loggerFor(context: Context): Logger {
  const say = (fields: object | string, message?: string) => {
    if (typeof fields === 'string') context.note(`varve: ${escapeText(fields)}`)
    else if (message !== undefined)
      context.note(`varve: ${escapeText(message.replace(/\.$/, ''))}${about(fields)}.`)
  }
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: say,
    error: say,
    child: () => logger,
  }
  return logger
}

function about(fields: { path?: unknown; error?: unknown; err?: unknown }): string {
  const { path, error, err } = fields
  const cause = error ?? err
  const parts = [typeof path === 'string' ? path : '', cause instanceof Error ? cause.message : '']
  const text = parts.filter(part => part !== '').join(': ')
  return text === '' ? '' : ` (${escapeText(text)})`
}

export interface TopicQuestion {
  topic: string
  path: string
  /** How the user would make it. Default `varve topic create`. */
  create?: string
}

/** The topic's description, or an error that names the topics that look alike. */
export async function describeTopic(varve: VarveClient, { topic, path, create }: TopicQuestion) {
  try {
    return await varve.admin.describeTopic(topic)
  } catch (error) {
    if (!isVarveError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
    if (!/^[\w.-]{1,249}$/.test(topic)) {
      throw new VarveError(
        error.code,
        `There is no topic "${topic}", and there can be none: a name is 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-".`,
        { context: { topic }, cause: error },
      )
    }
    const topics = (await varve.admin.listTopics()).map(one => one.topic)
    const near = suggest(topic, topics)
    const hint = near === undefined ? '' : `did you mean "${near}"? If not, `
    throw new VarveError(
      error.code,
      `There is no topic "${topic}" in ${path}: ${hint}make it with \`${create ?? `varve topic create ${topic}`}${dataHint(path)}\`.`,
      { context: { topic, path }, cause: error },
    )
  }
}

/** ` --data ./d`, or nothing for the default directory. */
export function dataHint(path: string): string {
  if (path === './data') return ''
  return ` --data ${/^[\w./:@+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`}`
}
