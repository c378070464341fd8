import { errnoError, sleep, VarveError } from '@varve/platform'
import { Delay, type DelayOptions } from './delay.ts'
import { Fault, fits, type FaultOptions, type Operation, type Target } from './fault.ts'
import { Hold } from './hold.ts'

export interface FaultFsOptions {
  /**
   * Called before each call with its number from 1: the place to take a `crashClone`, at any operation of a workload.
   */
  onOperation?: (call: { operation: Operation; path: string; number: number }) => void
  /** Awaited before and after each asynchronous call, so that a seed decides which of those under way goes on first. */
  pace?: (call: { operation: Operation; path: string }) => Promise<void>
}

/** What is to go wrong, and what has been asked so far. Both faces of a `FaultFs` share one. */
export class FaultPlan {
  readonly options: FaultFsOptions
  readonly faults: Fault[] = []
  readonly counts = new Map<Operation, number>()
  number = 0
  powerCut = false
  readonly delays: Delay[] = []
  readonly #holds: Hold[] = []

  constructor(options: FaultFsOptions) {
    this.options = options
  }

  fail(options: FaultOptions): Fault {
    const fault = new Fault(options)
    this.faults.push(fault)
    return fault
  }

  delay(options: DelayOptions): Delay {
    const delay = new Delay(options)
    this.delays.push(delay)
    return delay
  }

  hold(target: Target): Hold {
    const hold = new Hold(target)
    this.#holds.push(hold)
    return hold
  }

  /** Counts a call and answers the fault that strikes it. */
  begin(operation: Operation, path: string): Fault | undefined {
    if (this.powerCut)
      throw new VarveError('IO_ERROR', `Cannot ${operation} ${path}: the power has been cut.`, {
        context: { path },
      })
    this.number++
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1)
    this.options.onOperation?.({ operation, path, number: this.number })
    let struck: Fault | undefined
    for (const fault of this.faults) {
      if (fits(fault.options, operation, path) && fault.strikes()) struck ??= fault
    }
    return struck
  }

  /**
   * Everything that an asynchronous call goes through.
   * @param struck what happens below in place of the call when a fault strikes
   */
  async run<T>(
    operation: Operation,
    path: string,
    call: () => Promise<T>,
    struck?: (fault: Fault) => Promise<void>,
  ): Promise<T> {
    for (const hold of this.#holds) await hold.pass(operation, path)
    for (const delay of this.delays) {
      if (fits(delay.options, operation, path) && delay.strikes())
        await sleep(delay.options.clock, delay.options.ms)
    }
    await this.options.pace?.({ operation, path })
    const fault = this.begin(operation, path)
    if (fault !== undefined) {
      if (fault.options.done === true) await call()
      else await struck?.(fault)
      throw errnoError(fault.errno, operation, path)
    }
    const answer = await call()
    await this.options.pace?.({ operation, path })
    return answer
  }

  runSync<T>(operation: Operation, path: string, call: () => T, struck?: (fault: Fault) => void): T {
    const fault = this.begin(operation, path)
    if (fault === undefined) return call()
    if (fault.options.done === true) call()
    else struck?.(fault)
    throw errnoError(fault.errno, operation, path)
  }
}
