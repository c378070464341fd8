import t from 'tap'
import {
  checkOptions,
  cryptoRandom,
  FakeClock,
  invariant,
  isVarveError,
  limits,
  nearest,
  option,
  realClock,
  SeededRandom,
  show,
  silentLogger,
  sleep,
  VarveError,
} from '../src/index.ts'

void t.test('the fake clock runs timers at their moment, in order', async t => {
  const clock = new FakeClock(1000)
  const seen: string[] = []
  const at = (name: string) => () => seen.push(`${name} at ${clock.now()}, ${clock.monotonic()}`)
  clock.setTimer(20, at('b'))
  clock.setTimer(10, () => {
    at('a')()
    clock.setTimer(5, at('set by a'))
  })
  clock.setTimer(20, at('c'))
  clock.setTimer(15, at('never')).cancel()
  clock.advance(9)
  t.same(seen, [])
  clock.advance(30)
  t.same(seen, ['a at 1010, 10', 'set by a at 1015, 15', 'b at 1020, 20', 'c at 1020, 20'])
  t.equal(clock.now(), 1039)
  t.equal(clock.timers, 0)
  clock.setNow(5)
  clock.advance(1)
  t.equal(clock.now(), 6)
  t.equal(clock.monotonic(), 40, 'setting the clock does not move it')
})

void t.test('the fake clock lets promises settle between timers when asked to', async t => {
  const clock = new FakeClock()
  const seen: number[] = []
  const loop = async (): Promise<void> => {
    for (let n = 0; n < 3; n++) {
      await sleep(clock, 10)
      seen.push(clock.monotonic())
    }
  }
  const done = loop()
  await clock.advanceAsync(30)
  await done
  t.same(seen, [10, 20, 30])
})

void t.test('a sleep ends with its signal', async t => {
  const clock = new FakeClock()
  const control = new AbortController()
  const sleeping = sleep(clock, 10, { signal: control.signal })
  control.abort(new VarveError('ABORTED', 'Enough.'))
  await t.rejects(sleeping, { code: 'ABORTED' })
  await t.rejects(sleep(clock, 10, { signal: control.signal }), { code: 'ABORTED' })
  t.equal(clock.timers, 0)
  const other = sleep(clock, 10, { signal: new AbortController().signal })
  clock.advance(10)
  await other
})

void t.test('the real clock waits, may be cancelled, and takes delays of any length', async t => {
  const before = realClock.monotonic()
  await sleep(realClock, 1)
  t.ok(realClock.monotonic() >= before)
  t.ok(Math.abs(realClock.now() - Date.now()) < 60_000)
  let ran = false
  const late = realClock.setTimer(2 ** 40, () => {
    ran = true
  })
  const unref = realClock.setTimer(1e9, () => undefined, { unref: true })
  await sleep(realClock, 5)
  t.notOk(ran, 'a delay above what a timer of Node takes does not run at once')
  late.cancel()
  unref.cancel()
})

void t.test('a seed gives the same numbers for ever', t => {
  const rng = new SeededRandom(42)
  t.same([rng.int(1000), rng.int(1000), rng.int(1000)], [121, 516, 137])
  const [one, two] = [new SeededRandom('x'), new SeededRandom('x')]
  t.ok(one.bytes(33).equals(two.bytes(33)))
  t.same(one.shuffle([1, 2, 3, 4, 5]), two.shuffle([1, 2, 3, 4, 5]))
  t.equal(one.fork('a').next(), two.fork('a').next())
  t.not(one.fork('a').next(), one.fork('b').next())
  t.throws(() => one.pick([]), RangeError)
  t.end()
})

void t.test('random numbers stay in their range and fill it', t => {
  for (const random of [new SeededRandom(1), cryptoRandom]) {
    const counts = new Array<number>(10).fill(0)
    for (let n = 0; n < 10_000; n++) {
      const unit = random.next()
      if (unit < 0 || unit >= 1) t.fail('next() left its range')
      const index = random.int(10)
      counts[index] = (counts[index] ?? 0) + 1
    }
    t.equal(counts.length, 10)
    t.ok(Math.min(...counts) > 800, counts.join(' '))
    t.equal(random.bytes(7).length, 7)
  }
  const rng = new SeededRandom(3)
  t.notOk(Array.from({ length: 1000 }, () => rng.chance(0)).includes(true))
  t.notOk(Array.from({ length: 1000 }, () => rng.chance(100)).includes(false))
  t.end()
})

void t.test('an option that is wrong is named, with what was wanted and found', t => {
  const schema = {
    count: option.integer({ min: 1, max: 10 }),
    ratio: option.withDefault(option.number({ min: 0 }), 0.5),
    name: option.optional(option.string({ pattern: /^[a-z]+$/, wanted: 'lower-case letters' })),
    mode: option.withDefault(option.oneOf('fast', 'safe'), 'safe'),
    loud: option.optional(option.boolean()),
    list: option.optional(option.listOf(option.integer())),
    clock: option.optional(option.having<FakeClock>('a clock', 'now', 'setTimer')),
    run: option.optional(option.func<() => void>()),
    rest: option.optional(option.anything<object>()),
  }
  const checked = checkOptions('thing', { count: 3, name: undefined, list: [1], rest: 5 }, schema)
  t.same(checked, { count: 3, ratio: 0.5, mode: 'safe', list: [1], rest: 5 })
  const count: number = checked.count
  const name: string | undefined = checked.name
  t.same([count, name], [3, undefined], 'and typed')
  const says = (given: unknown, message: string): void => {
    t.throws(() => checkOptions('thing', given, schema), { code: 'INVALID_ARGUMENT', message })
  }
  says({ count: 0 }, 'The option thing.count must be a whole number from 1 to 10, found 0.')
  says({ count: 1.5 }, 'The option thing.count must be a whole number from 1 to 10, found 1.5.')
  says({ count: '3' }, 'The option thing.count must be a whole number from 1 to 10, found "3".')
  says({}, 'The option thing.count must be a whole number from 1 to 10, found undefined.')
  says({ count: 1, ratio: NaN }, 'The option thing.ratio must be a number of at least 0, found NaN.')
  says({ count: 1, name: 'A' }, 'The option thing.name must be lower-case letters, found "A".')
  says({ count: 1, mode: 'x' }, 'The option thing.mode must be one of "fast", "safe", found "x".')
  says({ count: 1, loud: 1 }, 'The option thing.loud must be true or false, found 1.')
  says({ count: 1, list: [1, 'b'] }, 'The option thing.list[1] must be a whole number, found "b".')
  says({ count: 1, list: 7 }, 'The option thing.list must be a list, each item a whole number, found 7.')
  says({ count: 1, clock: {} }, 'The option thing.clock must be a clock, found an object.')
  says({ count: 1, run: null }, 'The option thing.run must be a function, found null.')
  says({ cuont: 1 }, 'The option thing.cuont is unknown: did you mean count?')
  says(
    { count: 1, whatever: 1 },
    `The option thing.whatever is unknown: it takes ${Object.keys(schema).join(', ')}.`,
  )
  says(5, 'The options of thing must be an object, found 5.')
  says([], 'The options of thing must be an object, found a list of 0.')
  says(
    { count: 1, toString: 1 },
    `The option thing.toString is unknown: it takes ${Object.keys(schema).join(', ')}.`,
  )
  t.throws(() => checkOptions('t', { a: 11 }, { a: option.number({ max: 5 }) }), { message: /of at most 5/ })
  t.throws(() => checkOptions('t', { a: 'long' }, { a: option.string({ lengthMax: 2 }) }), {
    message: /at most 2 characters/,
  })
  t.same(checkOptions('t', undefined, { a: option.withDefault(option.string(), 'b') }), { a: 'b' })
  t.end()
})

void t.test('a value is shown in a few characters', t => {
  t.equal(show('x'.repeat(100)).length, 60)
  t.equal(show(Buffer.alloc(3)), '3 bytes')
  t.equal(show(new Map()), 'an object of Map')
  t.equal(show(Object.create(null)), 'an object')
  t.equal(show(5n), '5n')
  t.equal(
    show(function here() {}),
    'a function named here',
  )
  t.equal(
    show(() => undefined),
    'a function',
  )
  t.equal(show(Symbol('s')), 'Symbol(s)')
  t.end()
})

void t.test('the nearest word is found only where it is near', t => {
  t.equal(nearest('flihgts', ['flights', 'orders']), 'flights')
  t.equal(nearest('Orders', ['flights', 'orders']), 'orders')
  t.equal(nearest('zebra', ['flights', 'orders']), undefined)
  t.end()
})

void t.test('an error is told by its code', t => {
  const cause = new Error('below')
  const error = new VarveError('DISK_FULL', 'Full.', { context: { path: '/x' }, retriable: true, cause })
  t.ok(isVarveError(error))
  t.ok(isVarveError(error, 'NOT_FOUND', 'DISK_FULL'))
  t.notOk(isVarveError(error, 'NOT_FOUND'))
  t.notOk(isVarveError(cause))
  t.notOk(isVarveError('text'))
  t.match(error, { retriable: true, cause, context: { path: '/x' }, name: 'VarveError' })
  t.match(new VarveError('X', 'y'), { retriable: false, context: {}, cause: undefined })
  t.end()
})

void t.test('an invariant that does not hold is a bug and says so', t => {
  const value: number | undefined = Math.random() > 2 ? undefined : 5
  invariant(value !== undefined, 'a number is a number')
  t.equal(value.toFixed(), '5')
  t.throws(
    () => {
      invariant(false, 'the index is ahead of the log')
    },
    {
      code: 'INVARIANT_BROKEN',
      message: 'the index is ahead of the log: this is a bug in Varve, please report it.',
    },
  )
  t.end()
})

void t.test('limits have values, units and reasons', t => {
  for (const [name, limit] of Object.entries(limits)) {
    t.ok(limit.value > 0 && limit.why.length > 10 && name.length > 3, name)
  }
  t.end()
})

void t.test('the silent logger is silent', t => {
  silentLogger.child({ topic: 't' }).warn({ offset: 5 }, 'nothing')
  silentLogger.info('nothing')
  t.end()
})
