import { readFileSync } from 'node:fs'
import type { MessageSchema } from '../../src/schema.ts'

const FIXTURES = new URL('../../../testkit/fixtures/kafka-4.3.0/', import.meta.url)
const SCHEMAS = new URL('../../schemas/', import.meta.url)

export const fixtureUrl = (path: string): URL => new URL(path, FIXTURES)
export const readFixture = (path: string): Buffer => readFileSync(fixtureUrl(path))

function linesOf<T>(url: URL): T[] {
  return readFileSync(url, 'utf8')
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => JSON.parse(line) as T)
}

/** The lines of a file of `expected/`. */
export const readExpected = <T>(name: string): T[] => linesOf<T>(fixtureUrl(`expected/${name}`))

/** Every message of a file of schemas, as Kafka has it, without those that no version has left. */
export function readSchemas(name: string): MessageSchema<unknown, unknown>[] {
  const schemas = linesOf<MessageSchema<unknown, unknown>>(new URL(name, SCHEMAS))
  return schemas.filter(schema => schema.validVersions !== 'none')
}
