import { spawn } from 'node:child_process'

/** How much of a child's output is kept for a message, in characters. */
const OUTPUT_MAX = 200_000

const running = new Set()

/** Kills `child` and everything that it started. */
export function killTree(child, signal = 'SIGKILL') {
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // Gone already.
  }
}

/** Asks `child` and its group to end, so that scripts can end the groups that they started, and then insists. */
function endTree(child) {
  killTree(child, 'SIGTERM')
  setTimeout(() => killTree(child), 2000).unref()
}

/**
 * Starts a program in a process group of its own, without stdin, that dies with this process.
 * On Windows `npm` and its like are `.cmd` files, which only a shell starts.
 */
export function start(command, args, options = {}) {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    shell: process.platform === 'win32' && command === 'npm',
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

/**
 * Runs a program to its end. Never rejects.
 *
 * @param options.echo hands on the output as it comes, beside keeping its tail
 * @param options.timeoutMs kills the program with everything that it started
 * @returns code (null when a signal ended it), signal, output (stdout and stderr as they came), stdout, seconds, timedOut
 */
export function run(command, args, options = {}) {
  const begin = performance.now()
  return new Promise(resolve => {
    const child = start(command, args, options)
    let output = ''
    let stdout = ''
    let timedOut = false
    const keep = (text, stream) => {
      output = (output + text).slice(-OUTPUT_MAX)
      if (stream === process.stdout) stdout = (stdout + text).slice(-OUTPUT_MAX)
      if (options.echo) stream.write(text)
    }
    child.stdout.setEncoding('utf8').on('data', text => keep(text, process.stdout))
    child.stderr.setEncoding('utf8').on('data', text => keep(text, process.stderr))
    const timer =
      options.timeoutMs &&
      setTimeout(() => {
        timedOut = true
        endTree(child)
      }, options.timeoutMs)
    const end = (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, output, stdout, timedOut, seconds: (performance.now() - begin) / 1000 })
    }
    child.once('error', error => {
      keep(`${command}: ${error.message}\n`, process.stderr)
      end(127, null)
    })
    child.once('close', end)
  })
}

/** Runs a program that owns the terminal until it ends; gives its exit code, 128 + n for signal n. */
export function runInteractive(command, args, options = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: 'inherit', ...options })
    // Ctrl-C reaches the child too, and it decides when it is done: this process only waits.
    const stay = () => undefined
    process.on('SIGINT', stay)
    const pass = () => child.kill('SIGTERM')
    process.on('SIGTERM', pass)
    child.once('error', error => {
      process.stderr.write(`${command}: ${error.message}\n`)
      resolve(127)
    })
    child.once('close', (code, signal) => {
      process.off('SIGINT', stay)
      process.off('SIGTERM', pass)
      resolve(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 137))
    })
  })
}

/** npm as it was started, or as it is found: a path with its first arguments. */
function npmCommand() {
  const path = process.env.npm_execpath
  // Started by another package manager, that path is not npm's.
  return path && /npm-cli\.c?js$/.test(path) ? [process.execPath, [path]] : ['npm', []]
}

export function runNpm(args, options = {}) {
  const [command, first] = npmCommand()
  return run(command, [...first, ...args], options)
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => {
    // While a program owns the terminal, it answers.
    if (process.listenerCount(signal) > 1) return
    for (const child of running) endTree(child)
    // What is left after this is killed on exit.
    setTimeout(() => process.exit(code), running.size === 0 ? 0 : 500)
  })
}
process.on('exit', () => {
  for (const child of running) killTree(child)
})
