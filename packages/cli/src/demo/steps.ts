import type { SingleBar } from 'cli-progress'
import type { Context } from '../command.ts'
import { paintFor } from '../output/colours.ts'
import { count } from '../output/table.ts'

/** Says how far a step is. */
export type Progress = (done: number, total: number) => void

/** The steps of the demo: a bar on stderr while one works, a line on stdout with its time when it is done. */
export class Steps {
  readonly #context: Context
  readonly #begun = performance.now()
  #number = 0

  constructor(context: Context) {
    this.#context = context
  }

  /** Runs one step. `work` answers with its result and what to say about it. */
  async run<T>(title: string, work: (progress: Progress) => Promise<readonly [T, string]>): Promise<T> {
    const { io, output } = this.#context
    const number = ++this.#number
    const begun = performance.now()
    const bar = await this.#bar(title)
    if (bar === undefined) this.#context.note(`${title} …`)
    let says: string
    let result: T
    try {
      let drawn = false
      ;[result, says] = await work((done, total) => {
        if (bar === undefined) return
        if (drawn) bar.update(done)
        else bar.start(total, done)
        drawn = true
      })
    } finally {
      bar?.stop()
    }
    const paint = paintFor(io.stdout, io.env)
    const seconds = paint('dim', secondsText(performance.now() - begun).padStart(8))
    output.text(
      `${paint('bold', String(number).padStart(2))} ${seconds}  ${paint('cyan', title.padEnd(18))}  ${says}\n`,
    )
    // What was said must stand on the terminal before the next bar is drawn.
    await output.finish()
    return result
  }

  /** Ms since the first step. */
  get elapsedMs(): number {
    return performance.now() - this.#begun
  }

  async #bar(title: string): Promise<SingleBar | undefined> {
    const { stderr } = this.#context.io
    if (stderr.isTTY !== true) return undefined
    const { default: progress } = await import('cli-progress')
    const options = {
      // Its type asks for a process's own stream; any that is written to will do.
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
      stream: stderr as NodeJS.WriteStream,
      format: `   {bar} ${title} {value} of {total}`,
      formatValue: (value: number, _: unknown, type: string) =>
        type === 'value' || type === 'total' ? count(value) : String(value),
      clearOnComplete: true,
      hideCursor: true,
      barsize: 24,
      fps: 15,
    }
    return new progress.SingleBar(options, progress.Presets.shades_classic)
  }
}

export function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
}

/** `61,234/s`. */
export function rateText(n: number, ms: number): string {
  return `${count(n / Math.max(ms / 1000, 0.001))}/s`
}
