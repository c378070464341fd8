// Produces and commits until it is killed, and says on stdout what was acknowledged: `ack TOPIC PARTITION OFFSET VALUE`,
// `commit TOPIC PARTITION OFFSET`. A line is written at once, so that it is there when the process is not.
import { writeSync } from 'node:fs'
import { Varve } from '@varve/runtime'

const [path, life] = process.argv.slice(2)
const topics = [
  { name: 'power', config: {} },
  { name: 'process', config: { 'flush.messages': '9223372036854775807' } },
]
const inFlightMax = 16

const say = line => writeSync(1, `${line}\n`)

/** To both topics in turn: the one whose acknowledgements wait for the disk sets the pace. */
async function produce(client) {
  const producer = client.producer({ acks: 'all', key: 'string', value: 'string' })
  let next = 0
  const sendOn = async () => {
    for (;;) {
      for (const { name } of topics) {
        const number = next++
        const value = `${life}-${number}-${'x'.repeat(number % 200)}`
        const { partition, offset } = await producer.send(name, { key: `k${number % 7}`, value })
        say(`ack ${name} ${partition} ${offset} ${value}`)
      }
    }
  }
  await Promise.all(Array.from({ length: inFlightMax }, sendOn))
}

async function consume(client) {
  const consumer = client.consumer({
    topics: topics.map(({ name }) => name),
    group: 'readers',
    value: 'string',
    autoCommit: false,
  })
  for await (const batch of consumer.batches()) {
    await batch.commit()
    say(`commit ${batch.topic} ${batch.partition} ${batch.records.at(-1).offset + 1}`)
  }
}

async function main() {
  const client = await Varve.open(path)
  for (const { name, config } of topics)
    await client.admin.createTopic(name, { partitions: 2, config, ifNotExists: true })
  say('open')
  await Promise.all([produce(client), consume(client)])
}

main().catch(error => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
})
