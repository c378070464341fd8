// What a scenario is made of: steps that both Kafka's partition log and Varve's can play (see KafkaLog.java).
import { batchOf, compressedBatchOf } from '../../packages/testkit/dist/index.js'
import { patchCrc, writeControlRecord } from '../../packages/records/dist/index.js'

/** The clock's first time: 2026-11-20T00:00:00Z. */
export const NOW = Date.UTC(2026, 10, 20)

/** Collects the steps of one scenario. */
export class Scenario {
  steps = []
  sequences = new Map()

  constructor(name, config = {}) {
    this.name = name
    this.config = { 'segment.bytes': '1048576', 'file.delete.delay.ms': '60000', ...config }
    this.now = NOW
    this.time = NOW
  }

  do(op, fields = {}) {
    this.steps.push({ op, ...fields })
    return this
  }

  advance(ms) {
    this.time += ms
    return this.do('advance', { ms })
  }

  bytes(bytes, fields = {}) {
    return this.do('append', { bytes: bytes.toString('base64'), ...fields })
  }

  /** One batch of records; without a timestamp of their own they have the clock's. */
  append(records, options = {}) {
    const { origin, leaderEpoch, ...batch } = options
    const bytes = batchOf(sketches(records), { timestamp: this.time, ...batch })
    return this.bytes(bytes, { ...(origin && { origin }), ...(leaderEpoch !== undefined && { leaderEpoch }) })
  }

  async compressed(records, options) {
    return this.bytes(await compressedBatchOf(sketches(records), { timestamp: this.time, ...options }))
  }

  /** A batch whose bytes are changed afterwards; its checksum is right again unless `crc` is false. */
  changed(records, change, { crc = true, ...options } = {}) {
    const bytes = batchOf(sketches(records), { timestamp: this.time, ...options })
    const changed = change(bytes) ?? bytes
    if (crc) patchCrc(changed, 0)
    return this.bytes(changed)
  }

  /** What an idempotent producer sends: `count` records from `sequence` on. */
  idempotent(producerId, producerEpoch, baseSequence, count = 1, options = {}) {
    return this.append(count, { producerId, producerEpoch, baseSequence, ...options })
  }

  transactional(producerId, producerEpoch, baseSequence, count = 1, options = {}) {
    return this.idempotent(producerId, producerEpoch, baseSequence, count, {
      transactional: true,
      ...options,
    })
  }

  marker(type, producerId, producerEpoch, { coordinatorEpoch = 0, origin = 'coordinator', ...options } = {}) {
    const { key, value } = writeControlRecord({ type, version: 0, coordinatorEpoch })
    return this.append([{ key, value }], {
      producerId,
      producerEpoch,
      transactional: true,
      control: true,
      origin,
      ...options,
    })
  }

  state() {
    return this.do('state')
  }

  timestamps(...timestamps) {
    for (const timestamp of timestamps) this.do('timestamp', { timestamp })
    return this
  }

  consume() {
    return this.do('consume', { isolation: 'read_committed' }).do('consume', {
      isolation: 'read_uncommitted',
    })
  }

  json() {
    const { name, config, now, steps } = this
    return { name, config, now, steps }
  }
}

/** A number stands for that many records. */
function sketches(records) {
  if (typeof records !== 'number') return records
  return Array.from({ length: records }, (_, i) => ({ key: `k${i}`, value: `v${i}`.padEnd(20, '.') }))
}
