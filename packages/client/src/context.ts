import type { Clock, Logger, Random } from '@varve/platform'
import type { Broker } from '@varve/engine'
import type { MetadataCache } from './metadata.ts'
import type { TimeSlice } from './time-slice.ts'

/** What every part of a client works with; the composition root hands it in. */
export interface ClientContext {
  readonly broker: Broker
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metadata: MetadataCache
  readonly slice: TimeSlice
}
