import { fork, type ChildProcess } from 'node:child_process'
import type { Finding, LogConfig, NewPartition, TopicPartition } from '@varve/log'
import type { PlantedBug } from '@varve/log/testing'
import { VarveError } from '@varve/platform'
import type { FetchUnderTest, LogUnderTest } from '@varve/testkit'
import type { FiredFault } from '../disk/fault.ts'
import type { DirectoryUnderTest } from '../history/directory-under-test.ts'
import type { LifeWorld } from '../history/life-world.ts'

/** What the process that has the directory open is asked. */
export interface RemoteCall {
  readonly id: number
  /** The time at which the call is made. */
  readonly now: number
  /** `topic-partition` for calls of a log, '' for those of the directory. */
  readonly name: string
  readonly method: string
  readonly given: readonly unknown[]
}

export interface RemoteAnswer {
  readonly id: number
  readonly value?: unknown
  readonly error?: { readonly code: string; readonly message: string }
  readonly logs: readonly RemoteLogState[]
  readonly findings: readonly Finding[]
}

export interface RemoteLogState {
  readonly name: string
  readonly topicId: string | undefined
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly lastStableOffset?: number
  readonly config: LogConfig
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** A log directory that another process has open. Its answers are heard as long as they come. */
export class RemoteDirectory implements DirectoryUnderTest, LifeWorld {
  readonly partitions = new Map<string, RemoteLog>()
  findings: readonly Finding[] = []
  fired: readonly FiredFault[] = []
  dead = false
  /** How many answers came. */
  answers = 0
  /** Told after each answer. */
  onAnswer: () => void = () => undefined
  readonly #child: ChildProcess
  readonly #now: () => number
  readonly #waiting = new Map<number, Waiting>()
  readonly #gone: Promise<void>
  #turns: (() => void)[] = []
  #calls = 0
  #cut = false

  /** @param script a plain `.mjs` file that answers calls */
  constructor(script: string, now: () => number) {
    this.#now = now
    this.#child = fork(script, [], { serialization: 'advanced', execArgv: [] })
    this.#child.on('message', message => {
      this.#take(message as RemoteAnswer)
    })
    const gone = ['exit', 'disconnect'].map(event => new Promise(resolve => this.#child.once(event, resolve)))
    this.#gone = Promise.all(gone).then(() => {
      this.dead = true
      this.#wake()
    })
  }

  open(of: {
    readonly path: string
    readonly seed: string
    /** By topic. */
    readonly configs: Readonly<Record<string, LogConfig>>
    readonly bugs: readonly PlantedBug[]
  }): Promise<this> {
    return this.call('', 'open', of).then(() => this)
  }

  async createPartition(of: NewPartition): Promise<void> {
    await this.call('', 'createPartition', of)
  }

  async deletePartition({ topic, partition }: TopicPartition): Promise<void> {
    await this.call('', 'deletePartition', { topic, partition })
  }

  async close(): Promise<void> {
    await this.call('', 'close')
  }

  call(name: string, method: string, ...given: readonly unknown[]): Promise<unknown> {
    const id = this.#calls++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      const call: RemoteCall = { id, now: this.#now(), name, method, given }
      // Nobody hears a process that is gone: the call never ends.
      if (this.#child.connected) this.#child.send(call, () => undefined)
    })
  }

  /** From now on everything may fail, and the end is near. */
  cutOff(): void {
    this.#cut = true
    this.fired = [{ kind: 'io-error', at: this.answers, operation: 'write', path: '' }]
  }

  /** Ends the process at once, and waits until its last answer was heard. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone
  }

  repair(): void {
    // A disk without power is beyond that.
  }

  turn(): Promise<void> {
    if (this.dead) return Promise.resolve()
    return new Promise(resolve => {
      // What waits for no answer goes on by itself.
      if (this.#waiting.size === 0) setImmediate(resolve)
      else this.#turns.push(resolve)
    })
  }

  async ended(): Promise<void> {
    if (this.#cut) await this.#gone
  }

  #take({ id, value, error, logs, findings }: RemoteAnswer): void {
    this.answers++
    this.findings = findings
    for (const state of logs) {
      const log = this.partitions.get(state.name)
      if (log?.topicId === state.topicId) log?.update(state)
      else this.partitions.set(state.name, new RemoteLog(this, state))
    }
    for (const name of this.partitions.keys())
      if (!logs.some(state => state.name === name)) this.partitions.delete(name)
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new VarveError(error.code, error.message))
    this.onAnswer()
    this.#wake()
  }

  #wake(): void {
    // After those who wait for the answer itself.
    setImmediate(() => {
      for (const resolve of this.#turns.splice(0)) resolve()
    })
  }
}

class RemoteLog implements LogUnderTest {
  readonly topicId: string | undefined
  readonly config: LogConfig
  logStartOffset = 0
  highWatermark = 0
  lastStableOffset?: number
  readonly #directory: RemoteDirectory
  readonly #name: string

  constructor(directory: RemoteDirectory, state: RemoteLogState) {
    this.#directory = directory
    this.#name = state.name
    this.topicId = state.topicId
    this.config = state.config
    this.update(state)
  }

  update(state: RemoteLogState): void {
    // Answers say what was true when they were sent, and they come in that order.
    this.logStartOffset = state.logStartOffset
    this.highWatermark = state.highWatermark
    if (state.lastStableOffset !== undefined) this.lastStableOffset = state.lastStableOffset
  }

  append(bytes: Buffer, options: object = {}): Promise<{ baseOffset: number; lastOffset: number }> {
    return this.#call('append', bytes, options)
  }

  async read(request: object): Promise<FetchUnderTest> {
    const fetched = await this.#call<FetchUnderTest>('read', request)
    return { ...fetched, bytes: Buffer.from(fetched.bytes) }
  }

  offsetForTimestamp(timestamp: number): Promise<{ offset: number } | undefined> {
    return this.#call('offsetForTimestamp', timestamp)
  }

  flush(): Promise<void> {
    return this.#call('flush')
  }

  deleteRecords(beforeOffset: number): Promise<unknown> {
    return this.#call('deleteRecords', beforeOffset)
  }

  applyRetention(): Promise<unknown> {
    return this.#call('applyRetention')
  }

  #call<T>(method: string, ...given: readonly unknown[]): Promise<T> {
    return this.#directory.call(this.#name, method, ...given) as Promise<T>
  }
}
