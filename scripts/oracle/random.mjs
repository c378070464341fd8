// Scenarios from a seed: producers, transactions, retention, deleted records and reopenings in any order.
import { SeededRandom } from '../../packages/testkit/dist/index.js'
import { NOW, Scenario } from './scenario.mjs'

const HOUR = 3_600_000

/**
 * Some of Kafka's doings are of no meaning and would only be in the way: an append that it refuses may have rolled the
 * segment, a recovery forces an entry into the time index (which fills a tiny one) and forgets what lay in deleted
 * segments; an orderly close fills the time index likewise. So a seed either tries what is to be refused, or deletes, or dies.
 */
const MODES = [
  { tricks: true, deletes: false, dies: true, segments: [1048576], indexes: [10485760] },
  { tricks: false, deletes: true, dies: false, segments: [600, 1500, 4000], indexes: [96, 10485760] },
  { tricks: false, deletes: false, dies: true, segments: [600, 1500, 4000], indexes: [10485760] },
]

export function randomScenario(seed) {
  const random = new SeededRandom(seed)
  const pick = (...items) => items[random.int(items.length)]
  const mode = MODES[seed % MODES.length]
  const config = {
    'segment.bytes': String(pick(...mode.segments)),
    'segment.ms': String(mode.tricks ? 9223372036854775807n : pick(HOUR, 24 * HOUR, 168 * HOUR)),
    'index.interval.bytes': String(pick(1, 200, 4096)),
    'segment.index.bytes': String(pick(...mode.indexes)),
    'retention.ms': String(mode.deletes ? pick(-1, 2 * HOUR, 72 * HOUR) : -1),
    'retention.bytes': String(mode.deletes ? pick(-1, 1000, 5000) : -1),
    'message.timestamp.type': pick('CreateTime', 'CreateTime', 'CreateTime', 'LogAppendTime'),
    'message.timestamp.after.max.ms': '9223372036854775807',
    // Kafka's expiry goes by the records' times, Varve's by the clock, never early: only when both agree.
    'producer.id.expiration.ms': '2147483647',
  }
  const scenario = new Scenario(`random-${seed}`, config)
  const producers = Array.from({ length: 1 + random.int(4) }, (_, id) => ({
    id,
    epoch: 0,
    next: 0,
    open: false,
  }))
  let leaderEpoch = 0
  let coordinatorEpoch = 0
  let appended = 0

  const timestamp = () =>
    scenario.time - pick(0, 0, 0, random.int(HOUR), random.int(48 * HOUR), -random.int(HOUR))
  const send = () => {
    const producer = pick(...producers)
    const count = 1 + random.int(4)
    let sequence = producer.next
    let epoch = producer.epoch
    const trick = mode.tricks ? random.int(20) : 10
    if (trick === 0) sequence = Math.max(0, sequence - 1 - random.int(8))
    if (trick === 1) sequence += 1 + random.int(3)
    if (trick === 2 && epoch > 0) epoch--
    if (trick === 3) {
      epoch++
      sequence = pick(0, 0, 0, 5)
    }
    const transactional = producer.id % 2 === 1 ? trick !== 4 : trick === 5
    scenario.idempotent(producer.id, epoch, sequence, count, {
      transactional,
      timestamp: timestamp(),
      leaderEpoch,
    })
    if (trick > 5 || trick === 3) {
      Object.assign(producer, { epoch, next: sequence + count, open: producer.open || transactional })
      appended += count
    }
  }
  const steps = {
    send,
    send2: send,
    plain: () => {
      appended += scenario.append(1 + random.int(5), { timestamp: timestamp(), leaderEpoch }) ? 3 : 0
    },
    end: () => {
      const producer = pick(...producers)
      const epoch = Math.max(0, producer.epoch + (mode.tricks ? pick(0, 0, 0, 0, 0, 1, -1) : pick(0, 0, 1)))
      const coordinator = Math.max(0, coordinatorEpoch + (mode.tricks ? pick(0, 0, 0, 0, 0, 0, -1) : 0))
      if (random.int(12) === 0) coordinatorEpoch++
      scenario.marker(pick('commit', 'abort', 'abort'), producer.id, epoch, {
        coordinatorEpoch: coordinator,
        timestamp: scenario.time,
        leaderEpoch,
      })
      if (epoch > producer.epoch) producer.next = 0
      producer.epoch = Math.max(epoch, producer.epoch)
      appended++
    },
    advance: () => scenario.advance(pick(1, 1000, HOUR / 2, 3 * HOUR, 30 * HOUR)),
    retention: () => mode.deletes && scenario.do('retention').state(),
    delete: () =>
      mode.deletes &&
      scenario
        .do('deleteRecords', { offset: pick(-1, random.int(appended + 3), random.int(appended + 1)) })
        .state(),
    lookup: () => scenario.timestamps(NOW - 40 * HOUR, timestamp(), timestamp(), scenario.time + HOUR),
    read: () =>
      scenario.do('read', {
        offset: random.int(appended + 2),
        isolation: pick('read_committed', 'read_uncommitted'),
      }),
    consume: () => scenario.consume(),
    expire: () => scenario.do('expire').state(),
    reopen: () => mode.dies && scenario.do('reopen', { clean: random.int(2) === 0 }).state(),
    epoch: () => {
      leaderEpoch++
      steps.plain()
    },
  }
  const weights = {
    send: 12,
    send2: 12,
    plain: 6,
    end: 10,
    advance: 6,
    retention: 3,
    delete: 2,
    lookup: 2,
    read: 3,
    consume: 2,
    expire: 1,
    reopen: 2,
    epoch: 1,
  }
  const names = Object.entries(weights).flatMap(([name, weight]) =>
    Array.from({ length: weight }, () => name),
  )
  for (let i = 0; i < 80; i++) steps[pick(...names)]()
  return scenario.state().consume().do('batches').json()
}
