import t from 'tap'
import { json, type Deserialized, type Serde, type Serializable } from '../src/index.ts'
import { setUp } from './support/memory-broker.ts'

interface Order {
  total: number
}

// The parameter stands on both sides: only then does the compiler compare the types themselves.
/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/* eslint-enable @typescript-eslint/no-unnecessary-type-parameters */

/** Compiles only where both types are the same. */
function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {
  // nothing happens at run time
}

t.test('types infer from the serdes', async t => {
  same<Deserialized<'bytes'>, Buffer>()
  same<Deserialized<'string'>, string>()
  same<Deserialized<'json'>, unknown>()
  same<Deserialized<Serde<Order>>, Order>()
  same<Serializable<'bytes'>, Uint8Array | string>()
  same<Serializable<Serde<Order>>, Order>()

  const { broker, client } = setUp()
  broker.create('orders')
  const producer = client.producer({ key: 'string', value: json<Order>() })
  await producer.send('orders', { key: 'o-1', value: { total: 42 } })
  // @ts-expect-error an order has a total
  void producer.send('orders', { key: 'o-1', value: { sum: 42 } }).catch(() => undefined)
  // @ts-expect-error the key is a text
  void producer.send('orders', { key: 1, value: { total: 42 } }).catch(() => undefined)
  await producer.send('orders', { value: null }) // a tombstone

  const consumer = client.consumer({ topics: ['orders'], key: 'string', value: json<Order>() })
  for await (const record of consumer) {
    same<typeof record.key, string | null>()
    same<typeof record.value, Order | null>()
    t.equal(record.value?.total, 42)
    break
  }
  for await (const record of client.read('orders')) {
    same<typeof record.value, Buffer | null>()
    t.ok(Buffer.isBuffer(record.value))
    break
  }
  const date: Serde<Date> = {
    serialize: value => value.toISOString(),
    deserialize: bytes => new Date(bytes.toString()),
  }
  for await (const record of client.replay('orders', { from: 'end', key: date })) {
    same<typeof record.key, Date | null>()
    t.equal(record.key, null)
  }
  await client.close()
})
