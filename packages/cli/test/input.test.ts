import t from 'tap'
import { LineSplitter, type Line } from '../src/input/lines.ts'
import { jsonParser, keyFieldParser, LineError } from '../src/input/record-parser.ts'
import { templateParser } from '../src/input/template.ts'

function split(chunks: string[], bytesMax = 1000): [number, string][] {
  const splitter = new LineSplitter({ bytesMax })
  const lines: Line[] = []
  for (const chunk of chunks) lines.push(...splitter.push(Buffer.from(chunk)))
  lines.push(...splitter.end())
  return lines.map(({ number, bytes }) => [number, bytes.toString()])
}

t.test('lines are the same however the input is cut into chunks', t => {
  const text = 'a\n\nbcd\nlast'
  const whole = split([text])
  t.same(whole, [
    [1, 'a'],
    [2, ''],
    [3, 'bcd'],
    [4, 'last'],
  ])
  for (let at = 0; at <= text.length; at++) t.same(split([text.slice(0, at), text.slice(at)]), whole)
  t.same(split(text.split(/(?:)/)), whole)
  t.same(split([]), [])
  t.same(split(['\n']), [[1, '']])
  t.end()
})

t.test(
  'a line that is too long comes cut off at one byte more than allowed, and the next one is whole',
  t => {
    t.same(split(['abcdefgh\nxy\n'], 4), [
      [1, 'abcde'],
      [2, 'xy'],
    ])
    t.same(split('abcdefgh\nabcd\n'.split(/(?:)/), 4), [
      [1, 'abcde'],
      [2, 'abcd'],
    ])
    t.end()
  },
)

function parsed(template: string, line: string) {
  const { key, value, ...rest } = templateParser(template)(Buffer.from(line, 'latin1')) ?? { value: null }
  return { key: key?.toString('latin1') ?? null, value: value?.toString('latin1') ?? null, ...rest }
}

t.test('a template takes a line apart', t => {
  t.same(parsed('%k\\t%v\\n', 'k\tv\tw'), { key: 'k', value: 'v\tw' })
  t.same(parsed('%k\\t%v', '\t'), { key: '', value: '' })
  t.same(parsed('[%k] %v;', '[a] b;c;'), { key: 'a', value: 'b;c' })
  t.same(parsed('%t %p %k=%v', '1000 2 a=b=c'), { key: 'a', value: 'b=c', timestamp: 1000, partition: 2 })
  t.same(parsed('%k\\xff%v', 'a\xffb'), { key: 'a', value: 'b' })
  t.same(parsed('%%%v', '%x'), { key: null, value: 'x' })
  t.throws(() => parsed('%k\\t%v', 'no tab'), new LineError('has no "\\t" behind the key'))
  t.throws(() => parsed('[%v]', 'x]'), /does not look like/)
  t.throws(() => parsed('%t %v', 'soon x'), /timestamp that is not a whole number/)
  for (const bad of ['%k', '%x %v', '%v %v', '%k\\n%v', '%k\\q%v', 'x', '']) {
    t.throws(() => templateParser(bad), { code: 'USAGE' }, bad)
  }
  t.end()
})

t.test('a JSON record takes what read prints, and says what is wrong otherwise', t => {
  const parse = (text: string, bytes: 'utf8' | 'base64' = 'utf8') => jsonParser(bytes)(Buffer.from(text))
  t.same(parse('{"value":"v"}'), { key: null, value: 'v' })
  t.same(parse('{"key":1,"value":{"a":[1]},"headers":{"h":"x","n":null},"timestamp":5,"partition":1}'), {
    key: '1',
    value: '{"a":[1]}',
    headers: [
      ['h', 'x'],
      ['n', null],
    ],
    timestamp: 5,
    partition: 1,
  })
  t.same(parse('{"topic":"t","offset":3,"timestampType":"CreateTime","leaderEpoch":0,"value":null}'), {
    key: null,
    value: null,
  })
  t.same(parse('{"key":"/w==","value":"AA==","headers":[["h","AQ=="]]}', 'base64'), {
    key: Buffer.from([255]),
    value: Buffer.from([0]),
    headers: [['h', Buffer.from([1])]],
  })
  t.equal(parse('  '), undefined)
  const wrong: [string, RegExp][] = [
    ['{', /is not JSON/],
    ['[1]', /is not a JSON object but an array/],
    ['3', /is not a JSON object but 3/],
    ['{"key":"k"}', /has no field "value"/],
    ['{"value":1,"vlaue":2}', /has the unknown field "vlaue" \(key, value, headers, timestamp, partition\)/],
    ['{"value":1,"timestamp":"now"}', /timestamp that is not a whole number/],
    ['{"value":1,"partition":-1}', /partition that is not a whole number/],
    ['{"value":1,"headers":7}', /has headers that are neither/],
    ['{"value":1,"headers":[["a"]]}', /has a header that is not/],
  ]
  for (const [text, message] of wrong) t.throws(() => parse(text), message, text)
  t.throws(() => parse('{"value":"*"}', 'base64'), /has a value that is not base64/)
  t.end()
})

t.test('a key field is taken from the value, which stays as it is', t => {
  const parse = keyFieldParser('origin')
  const line = Buffer.from('{ "origin" : "DTW" }')
  t.same(parse(line), { key: 'DTW', value: line })
  t.same(parse(Buffer.from('{"origin":{"a":1}}'))?.key, '{"a":1}')
  t.same(parse(Buffer.from('{"origin":null}'))?.key, null)
  t.throws(() => parse(Buffer.from('{}')), /has no field "origin" for the key/)
  t.throws(() => parse(Buffer.from('{"__proto__":1}')), /has no field/)
  t.end()
})
