import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from './run.ts'

/** Flights over three days from a few airports, the first day the fullest. */
function flights(n: number): Record<string, unknown>[] {
  return Array.from({ length: n }, (_, i) => {
    const day = i < n / 2 ? 1 : i < (n * 3) / 4 ? 2 : 3
    const date = `2001/01/0${day} ${String(6 + (i % 12)).padStart(2, '0')}:${String(i % 60).padStart(2, '0')}`
    return { date, delay: (i % 40) - 10, distance: 100 + i, origin: `A${i % 23}`, destination: 'LAS' }
  })
}

function setUp(t: { testdir(content: Record<string, string>): string }, n = 1200) {
  const folder = t.testdir({ 'flights.json': JSON.stringify(flights(n)) })
  return { folder, data: join(folder, 'data'), file: join(folder, 'flights.json') }
}

t.test('the demo goes through to its end and says what it found', async t => {
  const { data, file } = setUp(t)
  const { code, stdout, stderr } = await run(['demo', '--data', data, '--file', file])
  t.equal(code, 0, stderr)
  t.match(stdout, /1,200 of 2001-01-01 to 2001-01-03/)
  t.match(stdout, /flights, 6 partitions, retention\.ms=-1\n/)
  t.match(stdout, /1,200 records, keyed by airport/)
  t.match(stdout, /1,200 sent = acknowledged = stored = handled: nothing lost, nothing twice/)
  t.match(stdout, /2001-01-01: 600 flights merged by time over 6 partitions/)
  t.match(stdout, /Average delay by hour of departure, minutes\n {2}06:00 {2}/)
  t.match(stdout, /Average delay by airport, minutes: the 10 latest of 23 airports\n {2}A/)
  t.match(stdout, /Departures on 2001-01-01, as the replay went by: 600 flights from 6 partitions/)
  t.match(stdout, /Done in \d+\.\d+ s\. To try next:\n {2}npx varve topic describe flights --data/)
  t.match(stderr, /^Read the flights …\n/)
  const [, first, second] =
    /member 1 left half-way after ([\d,]+); member 2 took over: ([\d,]+)/.exec(stdout) ?? []
  const numbers = [first, second].map(text => Number(text?.replaceAll(',', '')))
  t.equal((numbers[0] ?? 0) + (numbers[1] ?? 0), 1200)
  t.ok(
    numbers.every(n => n > 0),
    'both worked',
  )

  await t.test('the commands that it names work', async t => {
    const commands = [...stdout.matchAll(/^ {2}npx varve (.*)$/gm)].map(match => (match[1] ?? '').split(' '))
    t.ok(commands.length >= 3)
    for (const argv of commands) t.equal((await run(argv)).code, 0, argv.join(' '))
    const day = await run(['read', 'flights', '@2001-01-02..@2001-01-03', '-o', 'json', '--data', data])
    t.equal(day.json().length, 300)
  })

  await t.test('a second run begins anew, with another day', async t => {
    const again = await run(['demo', '--data', data, '--file', file, '--day', '2001-01-03'])
    t.equal(again.code, 0, again.stderr)
    t.match(again.stdout, /that of an earlier run is deleted/)
    t.match(again.stdout, /2001-01-03: 300 flights/)
    const [topic] = (await run(['topic', 'describe', 'flights', '-o', 'json', '--data', data])).json()
    const ends = (topic?.['partitions'] as { highWatermark: number }[]).map(one => one.highWatermark)
    t.equal(
      ends.reduce((a, b) => a + b),
      1200,
    )
  })

  await t.test('records that someone added to its topic are never deleted', async t => {
    await run(['produce', 'flights', '--data', data], { stdin: 'mine\n' })
    const refused = await run(['demo', '--data', data, '--file', file])
    t.equal(refused.code, 1)
    t.match(
      refused.stderr,
      /varve: The topic "flights" in .* is not the demo's \(the record at offset \d+ of partition \d is another's\), so it is left alone: use --topic .* or --data .*\.\n$/,
    )
    t.match((await run(['read', 'flights', '--data', data])).stdout, 'mine')
  })
})

t.test("a topic of the user's is left alone, whatever it looks like", async t => {
  const { data, file } = setUp(t, 60)
  const shapes: [string, string[]][] = [
    ['a', ['-p', '3']],
    ['b', ['-p', '6']],
    ['c', ['-p', '6', '-c', 'retention.ms=-1']],
  ]
  for (const [topic, options] of shapes) {
    await run(['topic', 'create', topic, ...options, '--data', data])
    const refused = await run(['demo', '--topic', topic, '--data', data, '--file', file])
    t.equal(refused.code, 1, topic)
    t.match(refused.stderr, new RegExp(`The topic "${topic}" in .* is not the demo's`))
  }
  t.equal((await run(['topic', 'list', '--data', data])).stdout, 'a\nb\nc\n')
  t.match(await run(['demo', '--topic', 'mine', '--data', data, '--file', file]), { code: 0 })
})

t.test('a run that was stopped anywhere is followed by one that works', async t => {
  const { data, file } = setUp(t, 1200)
  for (const step of [
    'Create the topic',
    'Produce',
    'Consume',
    'Close and reopen',
    'Prove',
    'Replay a day',
  ]) {
    const controller = new AbortController()
    const stopped = await run(['demo', '--data', data, '--file', file], {
      signal: controller.signal,
      onStderr: text => {
        if (text.startsWith(step)) controller.abort()
      },
    })
    t.equal(stopped.code, 130, step)
    t.match(stopped.stderr, /Stopped: what was acknowledged is kept, and the next run begins anew\.\n$/)
  }
  const { code, stderr } = await run(['demo', '--data', data, '--file', file])
  t.equal(code, 0, stderr)
})

t.test('a file that holds no flights is refused before anything is opened', async t => {
  const { folder, data, file } = setUp(t, 60)
  const [good] = flights(1)
  const cases: [string, RegExp][] = [
    ['[]', /is an empty array/],
    ['{}', /is not a JSON array/],
    ['[{"date":', /is not JSON \(/],
    ['[1]', /has a flight 1 that is not an object/],
    [JSON.stringify([good, { ...good, date: '2001-01-01' }]), /has a flight 2 whose "date" is not like/],
    [JSON.stringify([{ ...good, date: '2001/02/30 00:00' }]), /has a flight 1 whose "date"/],
    [JSON.stringify([{ ...good, delay: 'late' }]), /has a flight 1 whose "delay"/],
    [JSON.stringify([{ ...good, origin: '' }]), /has a flight 1 whose "origin"/],
  ]
  for (const [text, message] of cases) {
    writeFileSync(join(folder, 'bad.json'), text)
    const { code, stdout, stderr } = await run(['demo', '--data', data, '--file', join(folder, 'bad.json')])
    t.equal(code, 1, text)
    t.equal(stdout, '')
    t.match(stderr.split('\n').at(-2), message)
  }
  t.match(await run(['demo', '--data', data, '--file', join(folder, 'none.json')]), {
    code: 3,
    stderr: /none\.json could not be read/,
  })
  t.match(await run(['demo', '--data', data, '--file', file, '--day', '2001-02-01']), {
    code: 2,
    stderr: /--day 2001-02-01 has no flights: the file goes from 2001-01-01 to 2001-01-03\./,
  })
  t.notOk(existsSync(data))
})

t.test('one flight is enough', async t => {
  const { data, file } = setUp(t, 1)
  const { code, stdout, stderr } = await run(['demo', '--data', data, '--file', file])
  t.equal(code, 0, stderr)
  t.match(stdout, /1 sent = acknowledged = stored = handled/)
})
