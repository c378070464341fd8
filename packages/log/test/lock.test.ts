import t from 'tap'
import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cryptoRandom, MemFs, NodeFs, SeededRandom } from '@varve/platform'
import { FaultFs } from '@varve/testkit'
import { DirectoryLock } from '../src/lock/directory-lock.ts'
import { NodeMachine } from '../src/lock/node-machine.ts'
import { FakeMachine } from '../src/testing/fake-machine.ts'
import { plant } from '../src/testing/planted-bugs.ts'
import { damage, openDirectory } from './helpers.ts'

const LOCKED = { code: 'DIRECTORY_LOCKED' }

function memory(): MemFs {
  const vfs = new MemFs()
  vfs.sync.mkdir('/d')
  return vfs
}

const take = (vfs: MemFs | FaultFs, machine: FakeMachine, force = false): Promise<DirectoryLock> =>
  DirectoryLock.take({ vfs, root: '/d', machine, random: cryptoRandom, force })

t.test('who may own a directory', async t => {
  const vfs = memory()
  const first = new FakeMachine()
  const lock = await take(vfs, first)
  await t.rejects(take(vfs, first), LOCKED, 'not the same process twice')
  await t.rejects(take(vfs, first.spawn()), LOCKED, 'nobody while the owner lives')
  await lock.release()
  await lock.release()
  const second = first.spawn()
  await take(vfs, second)
  second.kill()
  const third = first.spawn()
  await take(vfs, third)
  await t.rejects(
    take(vfs, first.spawn({ machineId: 'other', bootId: 'x' })),
    LOCKED,
    'another machine cannot tell',
  )
  await t.rejects(
    take(vfs, first.spawn({ pidNamespace: 'pid:[2]' })),
    LOCKED,
    'another container sees the socket answer',
  )
  third.kill()
  const container = first.spawn({ pidNamespace: 'pid:[2]' })
  await take(vfs, container)
  t.ok(await take(vfs, first.spawn({ bootId: 'next' })), 'the machine was started anew')
  await t.rejects(take(vfs, first.spawn({ machineId: 'other', bootId: 'x' })), LOCKED)
  t.ok(await take(vfs, first.spawn({ machineId: 'other', bootId: 'x' }), true), 'by force')
})

t.test('force takes nothing from an owner that gives a sign of life', async t => {
  for (const sockets of [true, false]) {
    const vfs = memory()
    const owner = new FakeMachine()
    owner.sockets = sockets
    await take(vfs, owner)
    await t.rejects(take(vfs, owner.spawn(), true), LOCKED, `sockets: ${sockets}`)
  }
})

t.test('without a socket the process itself has to be gone', async t => {
  const vfs = memory()
  const owner = new FakeMachine()
  owner.sockets = false
  await take(vfs, owner)
  const other = owner.spawn()
  other.sockets = false
  await t.rejects(take(vfs, other), LOCKED)
  owner.kill()
  const foreign = owner.spawn({ pidNamespace: 'pid:[9]' })
  foreign.sockets = false
  await t.rejects(take(vfs, foreign), LOCKED, 'its number means nothing in another namespace')
  t.ok(await take(vfs, other), 'gone')
})

t.test('a process number that was used again is another process', async t => {
  const vfs = memory()
  const owner = new FakeMachine({ pid: 7, startTime: '1' })
  owner.sockets = false
  await take(vfs, owner)
  owner.kill()
  const again = owner.spawn({ pid: 7, startTime: '2' })
  again.sockets = false
  t.ok(await take(vfs, again))
})

t.test('a lock that cannot be understood counts as owned', async t => {
  const vfs = memory()
  putFile(vfs, '/d/.lock-3', 'no json')
  await t.rejects(take(vfs, new FakeMachine()), LOCKED)
  t.ok(await take(vfs, new FakeMachine(), true))
})

t.test('numbers only grow, and a few old ones stay', async t => {
  const vfs = memory()
  const machine = new FakeMachine()
  for (let round = 0; round < 30; round++) await (await take(vfs, machine)).release()
  const names = vfs.sync.list('/d').map(entry => entry.name)
  t.ok(names.includes('.lock-30'))
  t.ok(names.length <= 12, names.join(' '))
})

t.test('of many that race at most one owns, at every pace', async t => {
  let owned = 0
  for (let seed = 0; seed < 50; seed++) {
    const random = new SeededRandom(`race-${seed}`)
    const disk = memory()
    const first = new FakeMachine()
    await take(disk, first)
    first.kill()
    let owners = 0
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const pace = async (): Promise<void> => {
          for (let turns = random.int(6); turns > 0; turns--) await Promise.resolve()
        }
        const fs = new FaultFs(disk, { pace })
        const process = first.spawn()
        for (let attempt = 0; attempt < 4; attempt++) {
          const lock = await take(fs, process).catch(() => undefined)
          if (lock === undefined) continue
          owned++
          owners++
          if (owners > 1) t.fail(`two owners with seed ${seed}`)
          for (let turns = random.int(20); turns > 0; turns--) await Promise.resolve()
          owners--
          if (random.int(3) === 0) {
            process.kill()
            return
          }
          await lock.release()
        }
      }),
    )
  }
  t.ok(owned > 100, `${owned} times somebody owned it`)
})

t.test('the bug of two owners is found', async t => {
  const vfs = memory()
  const machine = new FakeMachine()
  await take(vfs, machine)
  t.teardown(plant('twoOwners'))
  t.ok(await take(vfs, machine.spawn()))
})

t.test('a directory that Kafka has open is refused', async t => {
  const vfs = new MemFs()
  await (await openDirectory({ vfs })).close()
  putFile(vfs, '/data/.lock', '')
  const machine = new FakeMachine()
  machine.lockFile(vfs.sync.stat('/data/.lock')?.id ?? '')
  await t.rejects(openDirectory({ vfs, machine }), { code: 'DIRECTORY_LOCKED', message: /Kafka/ })
  const reader = await openDirectory({ vfs, machine, readOnly: true })
  await reader.close()
  await (await openDirectory({ vfs })).close()
})

t.test('a real machine', { skip: process.platform !== 'linux' && 'needs /proc' }, async t => {
  const vfs = new NodeFs()
  const root = t.testdir()
  const deep = join(root, 'a'.repeat(60), 'b'.repeat(60))
  mkdirSync(deep, { recursive: true })
  for (const folder of [root, deep]) {
    const machine = new NodeMachine()
    const lock = await DirectoryLock.take({ vfs, root: folder, machine, random: cryptoRandom })
    const socket = readdirSync(folder).find(name => name.endsWith('.sock')) ?? ''
    t.equal(await machine.knock(folder, socket), 'accepted')
    await t.rejects(DirectoryLock.take({ vfs, root: folder, machine, random: cryptoRandom }), LOCKED)
    await lock.release()
    t.notOk(
      readdirSync(folder).some(name => name.endsWith('.sock')),
      'no socket is left',
    )
    t.not(await machine.knock(folder, socket), 'accepted')
  }
  const facts = await new NodeMachine().facts()
  t.equal(facts.pid, process.pid)
  t.equal(await new NodeMachine().startTimeOf(process.pid), facts.startTime)
  t.equal(await new NodeMachine().startTimeOf(2 ** 22 + 1), undefined)
  t.equal(await new NodeMachine().isFileLocked('1:1'), false)
})

t.test('a lock is given back also on a full disk', async t => {
  const root = t.testdir()
  const vfs = new FaultFs(new NodeFs())
  const taking = { vfs, root, machine: new NodeMachine(), random: cryptoRandom }
  const lock = await DirectoryLock.take(taking)
  vfs.fail({ operation: 'write', path: /\.tmp$/, errno: 'ENOSPC' })
  await lock.release()
  vfs.assertFired()
  const next = await DirectoryLock.take(taking)
  await next.release()
})

t.test('a lock that is not even given back in place is torn nowhere: its dead owner is known', async t => {
  for (let behind = 0; behind < 12; behind++) {
    const vfs = new FaultFs(memory())
    const owner = new FakeMachine()
    const lock = await take(vfs, owner)
    const shortBytes = (await vfs.readFile('/d/.lock-1')).length - behind
    vfs.fail({ operation: 'write', path: /\.tmp$/, errno: 'ENOSPC' })
    vfs.fail({ operation: 'write', path: /\.lock-1$/, shortBytes, errno: 'ENOSPC' })
    await t.rejects(lock.release(), { code: 'DISK_FULL' })
    vfs.assertFired()
    t.ok(await take(vfs, owner.spawn()), `all but ${behind} bytes`)
  }
})

const CHILD = `
import { DirectoryLock } from ${JSON.stringify(new URL('../dist/lock/directory-lock.js', import.meta.url).href)}
import { NodeMachine } from ${JSON.stringify(new URL('../dist/lock/node-machine.js', import.meta.url).href)}
import { NodeFs, cryptoRandom } from ${JSON.stringify(import.meta.resolve('@varve/platform'))}
let lock
process.on('message', async message => {
  if (message === 'take') {
    try {
      lock = await DirectoryLock.take({ vfs: new NodeFs(), root: process.argv[2], machine: new NodeMachine(), random: cryptoRandom })
      process.send('owner')
    } catch (error) {
      process.send(error.code ?? String(error))
    }
  }
})
process.send('ready')
`

t.test(
  'of racing processes one owns, and after kill -9 the next one does at once',
  { skip: process.platform === 'win32' },
  async t => {
    const root = t.testdir({ 'child.mjs': CHILD, data: {} })
    const children = Array.from({ length: 4 }, () =>
      fork(join(root, 'child.mjs'), [join(root, 'data')], { execArgv: [] }),
    )
    t.teardown(() => {
      for (const child of children) child.kill('SIGKILL')
    })
    t.same(
      await Promise.all(children.map(child => answer(child))),
      children.map(() => 'ready'),
    )
    while (children.length > 0) {
      const answers = await Promise.all(children.map(child => ask(child, 'take')))
      t.equal(answers.filter(one => one === 'owner').length, 1, answers.join(' '))
      t.equal(answers.filter(one => one === 'DIRECTORY_LOCKED').length, children.length - 1)
      const [owner] = children.splice(answers.indexOf('owner'), 1)
      const gone = new Promise(resolve => owner?.once('exit', resolve))
      owner?.kill('SIGKILL')
      await gone
    }
  },
)

const linux = { skip: process.platform !== 'linux' && 'needs Linux' }

t.test('below a path that no socket takes, too, the next one owns after kill -9', linux, async t => {
  const deep = join('a'.repeat(70), 'b'.repeat(70))
  const root = t.testdir({ 'child.mjs': CHILD, data: {} })
  mkdirSync(join(root, 'data', deep), { recursive: true })
  const data = join(root, 'data', deep)
  t.ok(Buffer.byteLength(data) > 108)
  const [first, second] = await Promise.all([start(t, root, data), start(t, root, data)])
  t.equal(await ask(first, 'take'), 'owner')
  t.ok(
    readdirSync(data).some(name => name.endsWith('.sock')),
    'its socket is there under its whole name',
  )
  t.equal(await ask(second, 'take'), 'DIRECTORY_LOCKED')
  await kill(first)
  t.equal(await ask(second, 'take'), 'owner')
})

const namespaces = spawnSync('unshare', ['--pid', '--fork', 'true'], { encoding: 'utf8' })
const NO_NAMESPACES =
  namespaces.status !== 0 &&
  `no second pid namespace: ${namespaces.error?.message ?? namespaces.stderr.trim()}`

t.test('a process of another pid namespace owns or waits as any other', { skip: NO_NAMESPACES }, async t => {
  const root = t.testdir({ 'child.mjs': CHILD, data: {} })
  const data = join(root, 'data')
  const [outside, inside, other] = await Promise.all([
    start(t, root, data),
    start(t, root, data, { namespace: true }),
    start(t, root, data, { namespace: true }),
  ])
  t.equal(await ask(outside, 'take'), 'owner')
  t.equal(await ask(inside, 'take'), 'DIRECTORY_LOCKED')
  await kill(outside)
  t.equal(await ask(inside, 'take'), 'owner', 'it sees the death of a process that it cannot see')
  t.equal(await ask(other, 'take'), 'DIRECTORY_LOCKED', 'a third namespace, where numbers begin anew')
  const again = await start(t, root, data)
  t.equal(await ask(again, 'take'), 'DIRECTORY_LOCKED')
  await kill(inside)
  t.equal(await ask(again, 'take'), 'owner')
})

t.test('after a restart of the machine no owner of before lives', linux, async t => {
  class RestartedMachine extends NodeMachine {
    override async facts() {
      return { ...(await super.facts()), bootId: 'the next one' }
    }
  }
  const root = t.testdir()
  const taking = { vfs: new NodeFs(), root, random: cryptoRandom }
  const before = await DirectoryLock.take({ ...taking, machine: new NodeMachine() })
  t.teardown(() => before.release())
  await t.rejects(DirectoryLock.take({ ...taking, machine: new NodeMachine() }), LOCKED)
  const after = await DirectoryLock.take({ ...taking, machine: new RestartedMachine() })
  await after.release()
})

/** A lock as Java's `FileChannel.lock` takes it: POSIX, of the whole file, until the process ends. */
const LOCKERS = [
  [
    'python3',
    '-c',
    'import fcntl,sys; f=open(sys.argv[1],"r+"); fcntl.lockf(f,2|4); print("locked",flush=True); sys.stdin.read()',
  ],
  [
    'perl',
    '-e',
    '$|=1; open(F,"+<",$ARGV[0]) or die; fcntl(F,6,pack("s s x4 q q l x4",1,0,0,0,0)) or die; print "locked\n"; <STDIN>',
  ],
] as const
const locker = LOCKERS.find(([command]) => spawnSync(command, ['--version']).status === 0)

t.test(
  'a directory whose lock another process holds as Kafka does is refused',
  { skip: process.platform !== 'linux' ? 'needs Linux' : locker === undefined && 'needs python3 or perl' },
  async t => {
    const root = t.testdir({ '.lock': '' })
    const taking = { vfs: new NodeFs(), root, machine: new NodeMachine(), random: cryptoRandom }
    const [command, option, script] = locker ?? LOCKERS[0]
    const kafka = spawn(command, [option, script, join(root, '.lock')])
    t.teardown(() => kafka.kill('SIGKILL'))
    t.equal(String(await new Promise(resolve => kafka.stdout.once('data', resolve))).trim(), 'locked')
    await t.rejects(DirectoryLock.take(taking), { code: 'DIRECTORY_LOCKED', message: /Kafka/ })
    const gone = new Promise(resolve => kafka.once('exit', resolve))
    kafka.kill('SIGKILL')
    await gone
    const lock = await DirectoryLock.take(taking)
    await lock.release()
  },
)

/** A child that takes the lock of `data` when it is asked to. */
async function start(
  t: { teardown: (run: () => void) => unknown },
  root: string,
  data: string,
  { namespace = false } = {},
): Promise<ChildProcess> {
  const script = join(root, 'child.mjs')
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
  const child = namespace
    ? spawn('unshare', ['--pid', '--fork', '--kill-child', process.execPath, script, data], {
        stdio: [...stdio],
      })
    : fork(script, [data], { execArgv: [] })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  await answer(child)
  return child
}

/** Ends when the process and its channel are gone: with `--kill-child` also the one inside of the namespace. */
async function kill(child: ChildProcess): Promise<void> {
  const gone = ['exit', 'disconnect'].map(event => new Promise(resolve => child.once(event, resolve)))
  child.kill('SIGKILL')
  await Promise.all(gone)
}

function ask(child: ChildProcess, message: string): Promise<unknown> {
  const answered = answer(child)
  child.send(message)
  return answered
}

function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('error', reject)
  })
}

function putFile(vfs: MemFs, path: string, content: string): void {
  vfs.sync.open(path, 'create').close()
  damage(vfs, path, () => Buffer.from(content))
}
