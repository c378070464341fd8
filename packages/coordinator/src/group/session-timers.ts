import type { Clock } from '@varve/platform'
import type { GroupMember } from './member.ts'

/** A timer that comes later than this says that the event loop was blocked, not that the member was silent. */
const LATE_MS = 50

/**
 * Judges who has been silent for too long. A deadline is judged only after one more turn of the event loop since it
 * passed, and moves by as much as its tick came late: a blocked loop never expels a member whose heartbeat lies in the
 * socket. Embedded members are never judged.
 */
export class SessionTimers {
  readonly #clock: Clock
  readonly #expire: (member: GroupMember) => void
  readonly #judges: boolean

  /** @param options.judges false where another process is the one to say who is gone */
  constructor(options: { clock: Clock; judges: boolean; expire: (member: GroupMember) => void }) {
    const { clock, judges, expire } = options
    this.#clock = clock
    this.#judges = judges
    this.#expire = expire
  }

  /** The member's session begins anew; one that waits for a join or has no session yet is left alone. */
  touch(member: GroupMember): void {
    if (member.sessionTimer !== undefined) this.arm(member)
  }

  arm(member: GroupMember, ms = member.sessionTimeoutMs): void {
    this.disarm(member)
    if (member.embedded || !this.#judges) return
    const due = this.#clock.monotonic() + ms
    const tick = (): void => {
      const late = this.#clock.monotonic() - due
      if (late > LATE_MS) this.arm(member, late)
      else member.sessionTimer = this.#clock.setTimer(0, () => this.#expire(member), { unref: true })
    }
    member.sessionTimer = this.#clock.setTimer(ms, tick, { unref: true })
  }

  disarm(member: GroupMember): void {
    member.sessionTimer?.cancel()
    member.sessionTimer = undefined
  }
}
