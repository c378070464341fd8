import type { Timer } from '@varve/platform'
import type { GroupProtocol, JoinResponse, SyncResponse } from './requests.ts'

/** Where an embedded member is said to be: it died with the process that wrote it. */
export const EMBEDDED_HOST = '/embedded'

/** Someone who waits for the group to come to a decision. */
export interface Waiter<T> {
  readonly resolve: (answer: T) => void
  readonly reject: (error: Error) => void
}

/** One member of a group: what it said when it joined, and what it waits for. */
export class GroupMember {
  readonly memberId: string
  readonly instanceId: string | null
  clientId: string
  clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly GroupProtocol[]
  assignment: Buffer = Buffer.alloc(0)
  joining: Waiter<JoinResponse> | undefined
  syncing: Waiter<SyncResponse> | undefined
  /** Whether it has asked for its assignment in this generation. */
  synced = false
  sessionTimer: Timer | undefined
  /** Stops listening to the signal that an embedded member lives by. */
  unlisten: (() => void) | undefined

  constructor(fields: {
    memberId: string
    instanceId?: string | null
    clientId: string
    clientHost: string
    sessionTimeoutMs: number
    rebalanceTimeoutMs: number
    protocols: readonly GroupProtocol[]
  }) {
    this.memberId = fields.memberId
    this.instanceId = fields.instanceId ?? null
    this.clientId = fields.clientId
    this.clientHost = fields.clientHost
    this.sessionTimeoutMs = fields.sessionTimeoutMs
    this.rebalanceTimeoutMs = fields.rebalanceTimeoutMs
    this.protocols = fields.protocols
  }

  /** Embedded members live with their object, not with a timer. */
  get embedded(): boolean {
    return this.clientHost === EMBEDDED_HOST
  }

  metadataFor(protocol: string): Buffer {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? Buffer.alloc(0)
  }

  hasSameProtocols(protocols: readonly GroupProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, index) => {
        const own = this.protocols[index]
        return own?.name === name && own.metadata.equals(metadata)
      })
    )
  }

  /** Ends whatever the member waits for. */
  fail(error: Error): void {
    const { joining, syncing } = this
    this.joining = undefined
    this.syncing = undefined
    joining?.reject(error)
    syncing?.reject(error)
  }

  /** Forgets timer and signal. */
  detach(): void {
    this.sessionTimer?.cancel()
    this.sessionTimer = undefined
    this.unlisten?.()
    this.unlisten = undefined
  }
}
