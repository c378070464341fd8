/** What a stranger writes first, in the three ways there are. Each prints `42 o-1`. */

const body = `
  await varve.admin.createTopic('orders', { partitions: 2 })
  await varve.producer({ key: 'string', value: 'json' }).send('orders', { key: 'o-1', value: { total: 42 } })
  for await (const record of varve.consumer({ topics: ['orders'], key: 'string', value: 'json', untilEnd: true }))
    console.log(record.value.total, record.key)`

export const esm = `import { Varve } from 'varve'
const varve = await Varve.open('./esm-data')
try {${body}
} finally {
  await varve.close()
}
`

export const commonJs = `const { Varve } = require('varve')
async function main() {
  const varve = await Varve.open(':memory:')
  try {${body.replaceAll('\n  ', '\n    ')}
  } finally {
    await varve.close()
  }
}
main()
`

export const typescript = `import { Varve, type ConsumerRecord } from 'varve'

async function main(): Promise<void> {
  await using varve = await Varve.open('./ts-data')
  await varve.admin.createTopic('orders', { partitions: 2, config: { 'retention.ms': '7d' } })
  await using producer = varve.producer({ key: 'string', value: 'json' })
  const { offset }: { offset: number } = await producer.send('orders', { key: 'o-1', value: { total: 42 } })
  await using consumer = varve.consumer({ topics: ['orders'], key: 'string', value: 'json', untilEnd: true })
  for await (const record of consumer) {
    const checked: ConsumerRecord<string, unknown> = record
    const value = record.value as { total: number }
    if (checked.offset !== offset) throw new Error('another offset than the producer was told')
    console.log(value.total, checked.key)
  }
}
void main()
`
