import { FakeClock, SeededRandom, type VarveError } from '@varve/platform'
import type { RecordBytes } from '@varve/protocol'
import { GroupCoordinator, type JoinRequest, type JoinResponse } from '../src/index.ts'

/** A coordinator over a log in memory, and the calls that tests make all the time. */
export class Harness {
  readonly clock = new FakeClock()
  readonly log: RecordBytes[] = []
  readonly random: SeededRandom
  coordinator: GroupCoordinator
  /** Set to make the next writes fail. */
  failure: Error | undefined
  /** While it is there, writes wait for it. */
  gate: Promise<void> | undefined

  constructor(options: { initialRebalanceDelayMs?: number; seed?: number } = {}) {
    this.random = new SeededRandom(options.seed ?? 1)
    this.coordinator = this.#make(options)
  }

  #make(options: { initialRebalanceDelayMs?: number; readOnly?: boolean }): GroupCoordinator {
    return new GroupCoordinator({
      clock: this.clock,
      random: this.random,
      ...options,
      append: async (_group, records) => {
        await this.gate
        if (this.failure !== undefined) throw this.failure
        this.log.push(...records)
      },
    })
  }

  /** What comes up after the process died: the same log, a new coordinator. */
  restart(options: { readOnly?: boolean } = {}): void {
    this.coordinator = this.#make(options)
    for (const { key, value } of this.log) this.coordinator.replay(key, value)
    this.coordinator.start()
  }

  join(fields: Partial<JoinRequest> = {}): Promise<JoinResponse> {
    return this.coordinator.join({
      group: 'g',
      memberId: '',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('sub') }],
      ...fields,
    })
  }

  /** Syncs all members of one generation; the leader gives each its own id as its share. */
  async syncAll(joined: readonly JoinResponse[]): Promise<string[]> {
    const answers = await Promise.all(
      joined.map(({ memberId, generation, leader, members }) =>
        this.coordinator.sync({
          group: 'g',
          memberId,
          generation,
          assignments:
            memberId === leader
              ? members.map(one => ({
                  memberId: one.memberId,
                  assignment: Buffer.from(`for ${one.memberId}`),
                }))
              : [],
        }),
      ),
    )
    return answers.map(({ assignment }) => assignment.toString())
  }

  /** A stable group of one. */
  async alone(fields: Partial<JoinRequest> = {}): Promise<JoinResponse> {
    const joined = await this.join(fields)
    await this.syncAll([joined])
    return joined
  }

  get state(): string {
    return this.coordinator.describe('g')?.state ?? 'none'
  }
}

/** The code that a call fails with; `none` when it does not. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call()
    return 'none'
  } catch (error) {
    return (error as VarveError).code
  }
}

export function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
