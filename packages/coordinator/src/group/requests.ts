/** What a group is asked and answers. Structurally the engine's `Broker` requests; Kafka's classic group protocol. */
export interface JoinRequest {
  readonly group: string
  /** Empty for a new member, which gets its id in the answer. */
  readonly memberId: string
  readonly clientId?: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly GroupProtocol[]
  /** Given by an embedded member: it lives until this aborts, and no session time-out is judged. */
  readonly signal?: AbortSignal
}

export interface GroupProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface JoinResponse {
  readonly memberId: string
  readonly generation: number
  readonly protocol: string
  readonly leader: string
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[]
}

export interface MemberRequest {
  readonly group: string
  readonly memberId: string
  readonly generation: number
}

export interface SyncRequest extends MemberRequest {
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface SyncResponse {
  readonly protocol: string
  readonly assignment: Buffer
}

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'
