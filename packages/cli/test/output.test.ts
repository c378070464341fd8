import { Writable } from 'node:stream'
import type { ConsumerRecord } from '@varve/runtime'
import t from 'tap'
import { paintFor } from '../src/output/colours.ts'
import { bytesAsText, escapeJson, escapeText } from '../src/output/escape.ts'
import { Output } from '../src/output/output.ts'
import { recordFormat, timeText, type BytesName, type FormatName } from '../src/output/record-format.ts'
import { count, counted, table } from '../src/output/table.ts'

const never = new AbortController().signal

function sink({ terminal = false, highWaterMark = 1_000_000, failing = '' } = {}) {
  const chunks: Buffer[] = []
  const stream = new Writable({
    highWaterMark,
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk))
      setImmediate(() => done(failing === '' ? null : Object.assign(new Error(failing), { code: failing })))
    },
  })
  return {
    stream: Object.assign(stream, { isTTY: terminal }),
    chunks,
    text: () => Buffer.concat(chunks).toString(),
  }
}

t.test('writes arrive in order and in chunks, whatever their size', async t => {
  const { stream, chunks, text } = sink()
  const output = new Output(stream, never)
  let wanted = ''
  for (let i = 0; i < 20_000; i++) {
    const line = i % 5000 === 0 ? `${'ü€'.repeat(50_000)}${i}\n` : `line ${i}\n`
    wanted += line
    if (i % 2 === 0) output.text(line)
    else output.bytes(Buffer.from(line))
  }
  await output.finish()
  t.ok(text() === wanted, 'the same text')
  t.ok(chunks.length < 40, `${chunks.length} chunks for 20,000 lines`)
})

t.test('a writer that waits when it is full never has much in memory', async t => {
  const { stream, text } = sink({ highWaterMark: 1 })
  const output = new Output(stream, never)
  let most = 0
  for (let i = 0; i < 200; i++) {
    output.text('x'.repeat(20_000))
    if (output.full) await output.ready()
    most = Math.max(most, stream.writableLength)
  }
  await output.finish()
  t.equal(text().length, 4_000_000)
  t.ok(most <= 131_072, `${most} bytes waited at the most`)
})

t.test('a single line is not kept back', async t => {
  const { stream, text } = sink()
  new Output(stream, never).text('one\n')
  await new Promise(setImmediate)
  t.equal(text(), 'one\n')
})

t.test('a closed pipe is an end, a full disk an error', async t => {
  const pipe = new Output(sink({ failing: 'EPIPE' }).stream, never)
  pipe.text('a')
  await pipe.finish()
  await new Promise(setImmediate)
  t.ok(pipe.closed)
  t.ok(pipe.whenClosed.aborted)
  pipe.text('goes nowhere')
  await pipe.finish()
  const disk = new Output(sink({ failing: 'ENOSPC' }).stream, never)
  disk.text('a')
  await t.rejects(disk.finish(), {
    code: 'DISK_FULL',
    message: /Standard output could not be written \(ENOSPC\)/,
  })
})

t.test('Ctrl-C ends the wait for a reader that does not read', async t => {
  const stalled = Object.assign(new Writable({ highWaterMark: 1, write: () => undefined }), { isTTY: false })
  const controller = new AbortController()
  const output = new Output(stalled, controller.signal)
  output.text('x'.repeat(100_000))
  output.text('x'.repeat(100_000))
  const waiting = output.ready()
  controller.abort()
  await waiting
  t.ok(output.full)
})

const record: ConsumerRecord & { value: Buffer } = {
  topic: 'a"b',
  partition: 3,
  offset: 42,
  timestamp: 978_480_000_000,
  timestampType: 'CreateTime',
  leaderEpoch: 7,
  key: Buffer.from('kéy'),
  value: Buffer.from('va\u001B[2J\tl\u009B'),
  headers: [
    ['h', Buffer.from([255])],
    ['n', null],
  ],
}

async function formatted(
  format: FormatName,
  {
    bytes = 'utf8',
    terminal = false,
    nulls = false,
  }: { bytes?: BytesName; terminal?: boolean; nulls?: boolean } = {},
) {
  const { stream, text } = sink({ terminal })
  const output = new Output(stream, never)
  recordFormat({ format, bytes, output, paint: (_, plain) => plain })(
    nulls ? { ...record, key: null, value: null } : record,
  )
  await output.finish()
  return text()
}

t.test('json has the same fields in the same order, always', async t => {
  const json = await formatted('json')
  t.equal(
    json,
    `${JSON.stringify({
      topic: 'a"b',
      partition: 3,
      offset: 42,
      timestamp: 978_480_000_000,
      timestampType: 'CreateTime',
      leaderEpoch: 7,
      key: 'kéy',
      value: 'va\u001B[2J\tl\u009B',
      headers: [
        ['h', '\uFFFD'],
        ['n', null],
      ],
    })}\n`,
  )
  t.match(JSON.parse(await formatted('json', { bytes: 'base64' })), {
    key: record.key?.toString('base64'),
    value: record.value.toString('base64'),
    headers: [
      ['h', '/w=='],
      ['n', null],
    ],
  })
  t.match(JSON.parse(await formatted('json', { nulls: true })), { key: null, value: null })
})

t.test('nothing that a record holds can steer a terminal', async t => {
  for (const format of ['json', 'raw', 'pretty'] as const) {
    const text = await formatted(format, { terminal: true })
    // eslint-disable-next-line no-control-regex
    t.notMatch(text, /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/, format)
  }
  t.same(
    JSON.parse(await formatted('json', { terminal: true })),
    JSON.parse(await formatted('json')),
    'json says the same',
  )
  t.equal(escapeText('a\r\n\u202Eb'), 'a\\r\\n\\u202eb')
  t.equal(bytesAsText(Buffer.from([0x41, 0xff])), 'A\\xff')
  t.equal(escapeJson('"\u007F"'), '"\\u007f"')
})

t.test('raw is the value and a line end, byte for byte where nobody looks at it', async t => {
  t.equal(await formatted('raw'), `${record.value.toString()}\n`)
  t.equal(await formatted('raw', { nulls: true }), '\n')
  t.equal(await formatted('raw', { bytes: 'base64' }), `${record.value.toString('base64')}\n`)
})

t.test('pretty shows place, time, key, value and headers', async t => {
  t.equal(
    await formatted('pretty'),
    'a"b-3@42  2001-01-03 00:00:00.000Z  kéy  va\\x1b[2J\\tl\\x9b  [h=\\xff, n=null]\n',
  )
  t.match(await formatted('pretty', { nulls: true }), /Z {2}null {2}\[h/)
  t.equal(timeText(-1), '-1')
  t.equal(timeText(8.64e15 + 1), '8640000000000001')
})

t.test('colours are for terminals that want them', t => {
  const painted = (terminal: boolean, env: Record<string, string>) =>
    paintFor(sink({ terminal }).stream, env)('red', 'x') !== 'x'
  t.equal(painted(true, {}), true)
  t.equal(painted(true, { CI: 'true' }), true)
  t.equal(painted(false, {}), false)
  t.equal(painted(true, { NO_COLOR: '1' }), false)
  t.equal(painted(true, { NO_COLOR: '' }), true)
  t.equal(painted(true, { NO_COLOR: '1', FORCE_COLOR: '1' }), false)
  t.equal(painted(true, { TERM: 'dumb' }), false)
  t.equal(painted(false, { FORCE_COLOR: '1' }), true)
  t.equal(painted(true, { FORCE_COLOR: '0' }), false)
  t.end()
})

t.test('tables fit their cells, numbers to the right', t => {
  t.equal(
    table(
      ['NAME', 'N'],
      [
        ['日本', 5],
        ['a\u001Bb', 12],
      ],
    ),
    'NAME     N\n日本     5\na\\x1bb  12\n',
  )
  t.equal(count(1_234_567), '1,234,567')
  t.equal(count(999), '999')
  t.equal(counted(1, 'flight'), '1 flight')
  t.equal(counted(1000, 'entry', 'entries'), '1,000 entries')
  t.end()
})
