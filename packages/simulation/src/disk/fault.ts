/** What goes wrong with one operation of a disk. */
export type FaultKind =
  /** `EIO`: a read or write breaks off, a sync fails and dooms the dirty pages, anything else does not happen. */
  | 'io-error'
  /** As `io-error`, but waits for a sync. */
  | 'failed-sync'
  /** As `io-error`, but waits for a write, a part of which is done. */
  | 'short-write'
  /** `ENOSPC` for everything that needs room, as long as it lasts. */
  | 'disk-full'
  /** `EMFILE` for every open, as long as it lasts. */
  | 'no-handles'

export interface FaultPlan {
  readonly kind: FaultKind
  /** From this operation of the disk on, counted from 1. */
  readonly at: number
  /** Operations that `disk-full` and `no-handles` last. */
  readonly lasts: number
}

/** A fault that happened, so that a test can tell that it did, and whom it hit. */
export interface FiredFault {
  readonly kind: FaultKind
  readonly at: number
  readonly operation: DiskOperation
  readonly path: string
}

export type DiskOperation =
  | 'open'
  | 'readFile'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'mkdir'
  | 'rmdir'
  | 'list'
  | 'syncDir'
  | 'stat'
  | 'spaceLeft'
  | 'realPath'
  | 'read'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'statFile'
  | 'close'

const NEEDS_ROOM: ReadonlySet<DiskOperation> = new Set(['write', 'mkdir', 'link'])
const NEVER_FAILS: ReadonlySet<DiskOperation> = new Set(['spaceLeft', 'realPath', 'close'])

/** Which of `plans` hits this operation. What is spent is taken out of `plans`. */
export function faultFor(plans: FaultPlan[], at: number, operation: DiskOperation): FaultPlan | undefined {
  for (const [index, plan] of plans.entries()) {
    if (at < plan.at) continue
    const lasting = plan.kind === 'disk-full' || plan.kind === 'no-handles'
    if (lasting && at >= plan.at + plan.lasts) {
      plans.splice(index, 1)
      return faultFor(plans, at, operation)
    }
    if (!hits(plan.kind, operation)) continue
    if (!lasting) plans.splice(index, 1)
    return plan
  }
  return undefined
}

/** Whether this is what such a fault waits for. */
export function hits(kind: FaultKind, operation: DiskOperation): boolean {
  switch (kind) {
    case 'io-error':
      return !NEVER_FAILS.has(operation)
    case 'failed-sync':
      return operation === 'datasync'
    case 'short-write':
      return operation === 'write'
    case 'disk-full':
      return NEEDS_ROOM.has(operation)
    case 'no-handles':
      return operation === 'open'
  }
}
