import { spawnSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const FILE_SYSTEMS = ['ext4', 'xfs'] as const
export type FileSystemName = (typeof FILE_SYSTEMS)[number]

/** The smallest that mkfs.xfs makes; the file has holes, so it takes what is written to it. */
const BYTES = 320 * 1024 * 1024
/** `FS_IOC_SHUTDOWN`, `_IOR('X', 125, __u32)`: linux/fs.h, xfs_fs.h, ext4.h. */
const SHUTDOWN = '0x8004587d'
const MKFS: Readonly<Record<FileSystemName, readonly string[]>> = {
  ext4: ['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=1'],
  xfs: ['mkfs.xfs', '-q', '-f'],
}
const IOCTL: readonly (readonly [command: string, option: string, script: string])[] = [
  [
    'perl',
    '-e',
    `open(F,"<",$ARGV[0]) or die $!; my $f=pack("L",$ARGV[1]); ioctl(F,${SHUTDOWN},$f) or die $!`,
  ],
  [
    'python3',
    '-c',
    `import fcntl,os,struct,sys; fcntl.ioctl(os.open(sys.argv[1],os.O_RDONLY),${SHUTDOWN},struct.pack("I",int(sys.argv[2])))`,
  ],
]

/** What of the disk is lost with the power. */
export type Shutdown = 'log-flushed' | 'log-lost'

/** Why this machine has no such disk. */
export class NoRealDisk extends Error {}

/**
 * A file system of the kernel on a file, whose power can be cut: from then on nothing reaches the file, and the next
 * mount replays the journal. It needs root, loop devices and a mount namespace of its own, with which it goes.
 */
export class RealDisk {
  /** Where it is mounted. */
  readonly path: string
  readonly #image: string
  readonly #ioctl: (typeof IOCTL)[number]

  /** @throws NoRealDisk */
  constructor(kind: FileSystemName, folder: string) {
    this.path = join(folder, `${kind}.mounted`)
    this.#image = join(folder, `${kind}.image`)
    const [mkfs = '', ...options] = MKFS[kind]
    for (const command of [mkfs, 'mount', 'umount'])
      if (!isThere(command)) throw new NoRealDisk(`there is no ${command}`)
    const ioctl = IOCTL.find(([command]) => isThere(command))
    if (ioctl === undefined) throw new NoRealDisk('there is neither perl nor python3 for the ioctl')
    this.#ioctl = ioctl
    mkdirSync(this.path, { recursive: true })
    writeFileSync(this.#image, '')
    truncateSync(this.#image, BYTES)
    run(mkfs, [...options, this.#image])
    try {
      this.mount()
    } catch (error) {
      throw new NoRealDisk(`${kind} cannot be mounted here: ${error instanceof Error ? error.message : ''}`)
    }
  }

  /** Replays the journal. */
  mount(): void {
    run('mount', ['-o', 'loop', this.#image, this.path])
  }

  unmount(): void {
    run('umount', [this.path])
  }

  /** At once: what the kernel has not written yet is lost. */
  cutPower(how: Shutdown): void {
    const [command, option, script] = this.#ioctl
    run(command, [option, script, this.path, how === 'log-flushed' ? '1' : '2'])
  }
}

function isThere(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

function run(command: string, given: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, given, { encoding: 'utf8' })
  if (status === 0) return
  throw new Error(`${command} ${given.join(' ')}: ${error?.message ?? stderr.trim()}`)
}
