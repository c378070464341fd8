import { readFileSync } from 'node:fs'
import { BatchReader, isControl, readAttributes, readBatchSize } from '@varve/records'
import { cryptoRandom, NodeFs, realClock } from '@varve/platform'
import { expectedLines, fixture } from '@varve/testkit'
import t from 'tap'
import { EmbeddedBroker, type Isolation } from '../src/index.ts'

interface Offsets {
  logStartOffset: number
  endOffset: number
  forTimestamp: [timestamp: number, answer: { offset: number; timestamp: number } | null][]
}

const open = (name: string): Promise<EmbeddedBroker> =>
  EmbeddedBroker.open({
    path: fixture(name),
    vfs: new NodeFs(),
    clock: realClock,
    random: cryptoRandom,
    readOnly: true,
  })

const expectedOffsets = (isolation: Isolation): Record<string, Offsets> =>
  JSON.parse(readFileSync(fixture(`expected/offsets.${isolation}.json`), 'utf8')) as Record<string, Offsets>

t.test('answers where Kafka’s partitions end, and what is at a time, by isolation', async t => {
  for (const name of ['clean', 'unclean']) {
    const broker = await open(name)
    for (const isolation of ['read_uncommitted', 'read_committed'] as const) {
      for (const [key, wanted] of Object.entries(expectedOffsets(isolation))) {
        const [, topic = '', number] = /^(.*)-(\d+)$/.exec(key) ?? []
        const partition = Number(number)
        const ask = async (query: number | 'latest') => {
          const [found] = await broker.listOffsets({ isolation, partitions: [{ topic, partition, query }] })
          return found
        }
        const title = `${name} ${key} ${isolation}`
        t.equal((await ask('latest'))?.offset, wanted.endOffset, title)
        for (const [timestamp, answer] of wanted.forTimestamp) {
          const found = await ask(timestamp)
          t.equal(found?.offset, answer?.offset ?? -1, `${title} at ${timestamp}`)
        }
      }
    }
    await broker.close()
  }
})

t.test('a fetch names the aborted transactions and ends at the last stable offset', async t => {
  const broker = await open('clean')
  const fetch = async (isolation?: Isolation, offset = 0) => {
    const partitions = [{ topic: 'txn', partition: 0, offset }]
    const [found] = await broker.fetch({
      partitions,
      maxBytes: 1 << 20,
      minBytes: 0,
      ...(isolation && { isolation }),
    })
    if (found === undefined) throw new Error('no answer')
    return found
  }
  const all = await fetch(undefined, 6)
  t.match(all, { highWatermark: 17, lastStableOffset: 15, abortedTransactions: [] })
  const committed = await fetch('read_committed', 6)
  t.match(committed, { highWatermark: 17, lastStableOffset: 15 })
  const aborted = expectedLines<{ file: string; producerId: number; firstOffset: number }>('producer-state')
    .filter(one => one.file === 'txn-0/00000000000000000006.txnindex')
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
  t.same(committed.abortedTransactions, aborted)
  t.equal(lastOffset(committed.batches), 14)
  t.equal(lastOffset(all.batches), 16)
  t.same(
    (await fetch('read_committed', 15)).batches.length,
    0,
    'at the last stable offset there is nothing yet',
  )
  await broker.close()
})

function lastOffset(batches: Buffer): number {
  const reader = new BatchReader()
  let last = -1
  for (let at = 0; at < batches.length; at += readBatchSize(batches, at)) {
    reader.open(batches, at)
    while (reader.advance()) if (!isControl(readAttributes(batches, at))) last = reader.offset
  }
  return last
}
