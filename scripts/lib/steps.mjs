import { SetupError } from './setup.mjs'

const format = seconds => `${seconds.toFixed(1)} s`

/** The counts in the last line of a test run's output, or undefined when it has none. */
export function countsOf(output) {
  const match = /^(\d+) passed, (\d+) failed\s*$/m.exec(output.trimEnd().split('\n').at(-1) ?? '')
  return match ? { passed: Number(match[1]), failed: Number(match[2]) } : undefined
}

/** What the user can change is said in one sentence; anything else comes with its stack. */
const messageOf = error => (error instanceof SetupError ? error.message : String(error?.stack ?? error))

/**
 * Runs steps one after the other, whatever becomes of each, and counts: a step is one, and a step that runs tests
 * adds those.
 *
 * @param options.write takes the lines
 */
export class Steps {
  passed = 0
  failed = 0
  #lines = []
  #write

  constructor({ write = text => process.stdout.write(text) } = {}) {
    this.#write = write
  }

  /**
   * @param step.name
   * @param step.budgetSeconds above it the step warns; it never fails for being slow
   * @param step.counted whether its last line is `N passed, N failed`, whose numbers are added
   * @param step.work gives { ok, output }
   */
  async run({ name, budgetSeconds, counted = false, work }) {
    this.#write(`\n── ${name}\n`)
    const begin = performance.now()
    const result = await work().catch(error => ({
      ok: false,
      output: messageOf(error),
      quiet: true,
    }))
    const seconds = (performance.now() - begin) / 1000
    if (result.quiet) this.#write(`${result.output}\n`)
    let ok = result.ok
    if (counted) {
      const counts = countsOf(result.output)
      this.passed += counts?.passed ?? 0
      this.failed += counts?.failed ?? 0
      // A run that says nothing, or that found nothing to run, proves nothing.
      if (!counts || counts.failed > 0 || counts.passed === 0) ok = false
    }
    if (ok) this.passed++
    else this.failed++
    const late = seconds > budgetSeconds ? `  (warning: its budget is ${budgetSeconds} s)` : ''
    this.#end(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(44)} ${format(seconds).padStart(8)}${late}`)
  }

  #end(line) {
    this.#lines.push(line)
    this.#write(`${line}\n`)
  }

  /** Prints all verdicts once more and, last of all, the sum. */
  finish() {
    this.#write(`\n── In short\n${this.#lines.join('\n')}\n${this.passed} passed, ${this.failed} failed\n`)
    return this.failed > 0 ? 1 : 0
  }
}
