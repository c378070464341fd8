import type { Clock } from '@varve/platform'
import type { Target } from './fault.ts'

export interface DelayOptions extends Target {
  /** Milliseconds that each call takes longer. */
  ms: number
  /** Where they pass: a fake clock, as a rule. */
  clock: Clock
  /** The first of the fitting calls that is slow, counted from 1. Default 1. */
  nth?: number
  /** How many calls are slow from there on. Default `Infinity`: the disk stays slow. */
  times?: number
}

/** A slow disk, and how many calls it has kept waiting. */
export class Delay {
  readonly options: DelayOptions
  #seen = 0
  #fired = 0

  constructor(options: DelayOptions) {
    this.options = options
  }

  /** How many calls it has slowed down. */
  get fired(): number {
    return this.#fired
  }

  /** Counts a call that fits and answers whether it is slow. */
  strikes(): boolean {
    this.#seen++
    const { nth = 1, times = Infinity } = this.options
    if (this.#seen < nth || this.#seen >= nth + times) return false
    this.#fired++
    return true
  }
}
