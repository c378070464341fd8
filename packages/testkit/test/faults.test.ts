import t from 'tap'
import { FakeClock, isVarveError, MemFs, SeededRandom, type Vfs } from '@varve/platform'
import { asyncOf, fails, put } from './support.ts'
import { FaultFs } from '../src/fault-fs.ts'
import type { Operation } from '../src/fault.ts'

/** One call of each kind, on a file system that holds a file `/a`. */
const calls: [Operation, (fs: Vfs) => Promise<unknown>][] = [
  ['open', async fs => (await fs.open('/x', 'create')).path],
  ['readFile', fs => fs.readFile('/a')],
  ['rename', fs => fs.rename('/a', '/b')],
  ['link', fs => fs.link('/a', '/b')],
  ['unlink', fs => fs.unlink('/a')],
  ['mkdir', fs => fs.mkdir('/d')],
  ['ensureDir', fs => fs.ensureDir('/d/e')],
  ['rmdir', fs => fs.rmdir('/d')],
  ['removeTree', fs => fs.removeTree('/d')],
  ['list', fs => fs.list('/')],
  ['syncDir', fs => fs.syncDir('/')],
  ['stat', async fs => (await fs.stat('/a'))?.kind],
  ['spaceLeft', fs => fs.spaceLeft('/')],
  ['realPath', fs => fs.realPath('/a')],
  ['read', async fs => (await fs.open('/a', 'read')).read(Buffer.alloc(1), 0)],
  ['write', async fs => (await fs.open('/a', 'write')).write([Buffer.alloc(1)], 0)],
  ['datasync', async fs => (await fs.open('/a', 'write')).datasync()],
  ['truncate', async fs => (await fs.open('/a', 'write')).truncate(0)],
  ['file-stat', async fs => (await (await fs.open('/a', 'write')).stat()).size],
  ['close', async fs => (await fs.open('/a', 'write')).close()],
]

void t.test('without a fault each call does what it does below', async t => {
  for (const [operation, call] of calls) {
    for (const face of ['later', 'now']) {
      const [memory, below] = [new MemFs(), new MemFs()]
      const fs = new FaultFs(below)
      await put(memory, '/a', 'text')
      await put(fs, '/a', 'text')
      for (const one of [memory, fs]) if (operation === 'rmdir') await one.mkdir('/d')
      t.same(await call(face === 'now' ? asyncOf(fs.sync) : fs), await call(memory), operation)
      t.same(await below.list('/'), await memory.list('/'))
      for (const { name, kind } of await memory.list('/')) {
        if (kind === 'file') t.same(await below.readFile(`/${name}`), await memory.readFile(`/${name}`))
      }
      t.ok(fs.count(operation) > 0)
    }
  }
})

void t.test('the n-th call that fits fails, as often as planned', async t => {
  const fs = new FaultFs(new MemFs())
  const fault = fs.fail({ operation: 'write', path: /\.log$/, nth: 2, times: 2, errno: 'ENOSPC' })
  await put(fs, '/a.index', 'x')
  await put(fs, '/a.log', 'x')
  await fails(t, put(fs, '/a.log', 'y'), 'DISK_FULL')
  await fails(t, put(fs, '/b.log', 'y'), 'DISK_FULL')
  await put(fs, '/a.log', 'z')
  t.equal(fault.fired, 2)
  t.equal(fs.count('write'), 5)
  t.equal((await fs.readFile('/a.log')).toString(), 'z')
  fs.assertFired()
  fs.fail({ operation: 'rmdir' })
  t.throws(() => {
    fs.assertFired()
  }, /never fired.*rmdir/)
})

void t.test('every kind of call can fail, on both faces', async t => {
  for (const [operation, call] of calls) {
    for (const face of ['later', 'now']) {
      const fs = new FaultFs(new MemFs())
      await put(fs, '/a', 'text')
      fs.fail({ operation, errno: 'EMFILE' })
      await fails(t, call(face === 'now' ? asyncOf(fs.sync) : fs), 'TOO_MANY_OPEN_FILES')
      fs.assertFired()
      if (!['open', 'mkdir', 'rmdir'].includes(operation))
        t.equal((await fs.readFile('/a')).toString(), 'text', operation)
    }
  }
})

void t.test('a write falls short, a call fails though it was done', async t => {
  for (const face of ['later', 'now']) {
    const faulty = new FaultFs(new MemFs())
    const fs = face === 'now' ? asyncOf(faulty.sync) : faulty
    const file = await fs.open('/a', 'create')
    faulty.fail({ operation: 'write', shortBytes: 4 })
    await fails(t, file.write([Buffer.from('abc'), Buffer.from('def')], 0), 'DISK_FULL')
    t.equal((await fs.readFile('/a')).toString(), 'abcd')
    faulty.fail({ operation: 'rename', done: true })
    await fails(t, fs.rename('/a', '/b'), 'IO_ERROR')
    t.same(await fs.list('/'), [{ name: 'b', kind: 'file' }])
    faulty.fail({ operation: 'close' })
    await fails(t, file.close(), 'IO_ERROR')
    await fails(t, file.stat(), 'CLOSED')
  }
})

void t.test('a sync that fails dooms the pages below, even of a file that lost its name', async t => {
  for (const face of ['later', 'now']) {
    const memory = new MemFs({ crashable: true })
    const faulty = new FaultFs(memory)
    const fs = face === 'now' ? asyncOf(faulty.sync) : faulty
    const file = await fs.open('/a', 'create')
    await fs.rename('/a', '/b')
    await fs.syncDir('/')
    await file.write([Buffer.from('data')], 0)
    faulty.fail({ operation: 'datasync', errno: 'ENOSPC' })
    await fails(t, file.datasync(), 'DISK_FULL')
    await file.datasync()
    const left = memory.crashClone({ rng: new SeededRandom(1), unsyncedPercent: 100 })
    t.equal(left.sync.readFile('/b').toString(), '\0\0\0\0', 'the second sync proved nothing')
  }
})

void t.test('calls wait until they are released', async t => {
  const fs = new FaultFs(new MemFs())
  const file = await fs.open('/a', 'create')
  const hold = fs.hold({ operation: 'datasync' })
  const order: string[] = []
  const first = file.datasync().then(() => order.push('first'))
  const second = file.datasync().then(() => order.push('second'))
  await hold.reached(2)
  t.equal(hold.waiting, 2)
  t.equal(fs.count('datasync'), 0)
  await file.write([Buffer.from('x')], 0)
  order.push('write')
  hold.releaseOne()
  await first
  hold.release()
  await second
  await file.datasync()
  t.same(order, ['write', 'first', 'second'])
  await hold.reached(1)
})

void t.test('the power can be cut at each call of a workload', async t => {
  const workload = async (fs: Vfs): Promise<void> => {
    await fs.ensureDir('/d')
    await put(fs, '/d/tmp', 'new')
    const file = await fs.open('/d/tmp', 'write')
    await file.datasync()
    await file.close()
    await fs.rename('/d/tmp', '/d/state')
    await fs.syncDir('/d')
  }
  const whole = new FaultFs(new MemFs())
  await workload(whole)
  const seen = new Set<string>()
  for (let stop = 1; stop <= whole.operations; stop++) {
    const memory = new MemFs({ crashable: true })
    let left: MemFs | undefined
    const fs: FaultFs = new FaultFs(memory, {
      onOperation: ({ number }) => {
        if (number !== stop) return
        left = memory.crashClone({ rng: new SeededRandom(stop), unsyncedPercent: 0 })
        fs.cutPower()
      },
    })
    const error: unknown = await workload(fs).catch((found: unknown) => found)
    if (stop < whole.operations) t.ok(isVarveError(error, 'IO_ERROR'), 'nothing goes on without power')
    seen.add(left?.sync.stat('/d/state') === undefined ? 'none' : left.sync.readFile('/d/state').toString())
  }
  t.same(seen, new Set(['none']), 'durable only after the last call')
})

void t.test('a pace decides who goes first', async t => {
  const run = async (seed: number): Promise<string> => {
    const rng = new SeededRandom(seed)
    const pace = async (): Promise<void> => {
      for (let turns = rng.int(4); turns > 0; turns--) await Promise.resolve()
    }
    const fs = new FaultFs(new MemFs(), { pace })
    const order: number[] = []
    await Promise.all(
      [0, 1, 2, 3].map(async n => {
        await fs.mkdir(`/${n}`)
        order.push(n)
      }),
    )
    return order.join('')
  }
  t.equal(await run(1), await run(1), 'the same seed gives the same order')
  t.ok(new Set(await Promise.all([1, 2, 3, 4, 5, 6].map(run))).size > 1)
})

void t.test('a slow disk takes its time on the clock that it is given', async t => {
  const clock = new FakeClock()
  const fs = new FaultFs(new MemFs())
  const delay = fs.delay({ operation: 'write', path: '.log', ms: 30, clock, nth: 2, times: 1 })
  t.throws(() => {
    fs.assertFired()
  }, /never fired/)
  await put(fs, '/a.log', 'x')
  let written = false
  const writing = put(fs, '/b.log', 'x').then(() => {
    written = true
  })
  await clock.advanceAsync(29)
  t.notOk(written)
  await clock.advanceAsync(1)
  await writing
  await put(fs, '/c.log', 'x')
  t.equal(delay.fired, 1)
  fs.assertFired()
})

void t.test('one stands on another: what each plans comes', async t => {
  const memory = new MemFs({ crashable: true })
  const below = new FaultFs(memory)
  const fs = new FaultFs(below)
  below.fail({ operation: 'open', nth: 2 })
  fs.fail({ operation: 'datasync' })
  const file = await fs.open('/a', 'create')
  await fails(t, fs.open('/b', 'create'), 'IO_ERROR')
  await file.write([Buffer.from('lost')], 0)
  await fails(t, file.datasync(), 'IO_ERROR')
  await file.datasync()
  await fs.syncDir('/')
  const crashed = memory.crashClone({ rng: new SeededRandom(1), unsyncedPercent: 0 })
  t.notMatch((await crashed.readFile('/a')).toString(), /lost/, 'a later sync does not save doomed pages')
  below.assertFired()
  fs.assertFired()
})
