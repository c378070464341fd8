import t from 'tap'
import { VarveError } from '@varve/platform'
import { patchBaseOffset, readBatchSize, readLastOffset, readLastOffsetDelta } from '@varve/records'
import {
  batchOf,
  committedOnly,
  driveLog,
  FakeClock,
  markerBatch,
  ModelLog,
  PropertyFailure,
  SeededRandom,
  stampedBatch,
  stampsIn,
  type LogUnderTest,
} from '../src/index.ts'

/** A log that is an array of batches. */
class ArrayLog implements LogUnderTest {
  logStartOffset = 0
  highWatermark = 0
  readonly batches: Buffer[] = []

  async append(bytes: Buffer): Promise<{ baseOffset: number; lastOffset: number }> {
    const baseOffset = this.highWatermark
    for (let at = 0; at < bytes.length; at += readBatchSize(bytes, at)) {
      const batch = Buffer.from(bytes.subarray(at, at + readBatchSize(bytes, at)))
      patchBaseOffset(batch, 0, this.highWatermark)
      this.batches.push(batch)
      this.highWatermark += readLastOffsetDelta(batch, 0) + 1
    }
    return { baseOffset, lastOffset: this.highWatermark - 1 }
  }

  async read({ offset, maxBytes = 1 }: { offset: number; maxBytes?: number }): Promise<{ bytes: Buffer }> {
    if (offset < this.logStartOffset) throw new VarveError('OFFSET_OUT_OF_RANGE', 'It is gone.')
    const all = this.batches.filter(batch => readLastOffset(batch, 0) >= offset)
    let size = 0
    const some = all.filter((batch, index) => (size += batch.length) <= maxBytes || index === 0)
    return { bytes: Buffer.concat(some) }
  }

  async offsetForTimestamp(timestamp: number): Promise<{ offset: number } | undefined> {
    const found = stampsIn(Buffer.concat(this.batches)).find(
      one => one.timestamp >= timestamp && one.offset >= this.logStartOffset,
    )
    return found && { offset: found.offset }
  }

  async flush(): Promise<void> {}

  async deleteRecords(before: number): Promise<void> {
    this.logStartOffset = Math.max(this.logStartOffset, before)
  }
}

const rules = { uid: 1, topic: 't', partition: 0, topicId: 'id', durable: true }

function drive(log: LogUnderTest, seed: number): Promise<number> {
  const open = async () => ({ log, close: async () => {} })
  const random = new SeededRandom(seed)
  const of = { model: new ModelLog(rules), random, clock: new FakeClock(), open, steps: 300, deletes: true }
  return driveLog(of)
}

void t.test('a sound log passes', async t => {
  for (let seed = 0; seed < 5; seed++) t.ok((await drive(new ArrayLog(), seed)) > 100)
})

const bugs: Record<string, () => LogUnderTest> = {
  'loses a batch': () =>
    new (class extends ArrayLog {
      override async append(bytes: Buffer) {
        const appended = await super.append(bytes)
        if (this.batches.length % 20 === 0) this.batches.splice(3, 1)
        return appended
      }
    })(),
  'writes a batch twice': () =>
    new (class extends ArrayLog {
      override async append(bytes: Buffer) {
        if (this.batches.length === 40) await super.append(bytes)
        return super.append(bytes)
      }
    })(),
  'answers the record behind the one that a time belongs to': () =>
    new (class extends ArrayLog {
      override async offsetForTimestamp(timestamp: number) {
        const found = await super.offsetForTimestamp(timestamp)
        return found && { offset: found.offset + 1 }
      }
    })(),
  'deletes what nobody wanted to go': () =>
    new (class extends ArrayLog {
      override async deleteRecords(before: number) {
        await super.deleteRecords(Math.min(before + 5, this.highWatermark))
      }
    })(),
  'forgets to delete': () =>
    new (class extends ArrayLog {
      override async deleteRecords() {}
    })(),
}

for (const [name, make] of Object.entries(bugs)) {
  void t.test(`the driver finds a log that ${name}`, async t => {
    for (let seed = 0; seed < 20; seed++) {
      try {
        await drive(make(), seed)
      } catch (error) {
        t.ok(error instanceof PropertyFailure, String(error))
        return
      }
    }
    t.fail('it did not')
  })
}

void t.test('a power cut takes what was not promised, and no more', t => {
  const model = new ModelLog({ ...rules, durable: false })
  const batch = stampedBatch({ uid: 1, seq: 0, count: 2 }, { timestamp: 5, padding: 0 })
  model.acknowledged(model.send([{ count: 2, bytes: batch.length }], { timestamp: 5 }), {
    baseOffset: 0,
    lastOffset: 1,
  })
  const again = new ModelLog(JSON.parse(JSON.stringify(model.state)) as typeof model.state)
  model.reopened([], { loss: 'power', start: 0, now: 9 })
  t.throws(() => {
    again.reopened([], { loss: 'memory', start: 0, now: 9 })
  }, /2 were promised/)
  t.end()
})

void t.test('aborted records and markers are not shown to readers of committed records', t => {
  const sender = (id: number) => ({ id, epoch: 0, sequence: 0, transactional: true })
  const batches = [
    stampedBatch({ uid: 1, seq: 0, count: 2 }, { timestamp: 1, padding: 0, sender: sender(7) }),
    stampedBatch({ uid: 1, seq: 1, count: 1 }, { timestamp: 1, padding: 0, sender: sender(8) }),
    markerBatch('abort', { timestamp: 2, producerId: 7, producerEpoch: 0 }),
    stampedBatch({ uid: 1, seq: 2, count: 1 }, { timestamp: 1, padding: 0, sender: sender(7) }),
    stampedBatch({ uid: 1, seq: 3, count: 1 }, { timestamp: 1, padding: 0 }),
  ]
  let offset = 0
  for (const batch of batches) {
    patchBaseOffset(batch, 0, offset)
    offset = readLastOffset(batch, 0) + 1
  }
  const found = stampsIn(Buffer.concat(batches))
  t.equal(found[3]?.marker, 'abort')
  const { visible, hidden } = committedOnly(found, [{ producerId: 7, firstOffset: 0 }])
  t.same(
    hidden.map(one => one.offset),
    [0, 1],
  )
  t.same(
    visible.map(one => one.offset),
    [2, 4, 5],
  )
  t.throws(() => stampsIn(batchOf(['no stamp'])), /never sent/)
  t.end()
})
