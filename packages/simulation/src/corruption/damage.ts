import type { MemFs, SeededRandom } from '@varve/platform'

const BLOCK_BYTES = 64

/** What was done to which file. */
export interface Damage {
  readonly path: string
  readonly what: string
}

/** Damages one file below `root` as a disk may: a bit, a block, its end. */
export function damageSomething(mem: MemFs, root: string, random: SeededRandom): Damage {
  const files = filesBelow(mem, root).filter(path => (mem.sync.stat(path)?.size ?? 0) > 0)
  // Each kind of file as often as each other, however many there are of it.
  const kind = random.pick([...new Set(files.map(kindOf))].sort())
  const path = random.pick(files.filter(file => kindOf(file) === kind))
  const bytes = mem.sync.readFile(path)
  const what = random.pick(['flip', 'flip', 'flip', 'zero', 'cut', 'double', 'swap'] as const)
  const at = random.int(bytes.length)
  const length = Math.min(bytes.length - at, 1 + random.int(BLOCK_BYTES))
  const damaged = damage(bytes, { what, at, length, random })
  write(mem, path, damaged)
  return { path, what: `${what} of ${length} bytes at ${at}` }
}

function damage(
  bytes: Buffer,
  of: { what: 'flip' | 'zero' | 'cut' | 'double' | 'swap'; at: number; length: number; random: SeededRandom },
): Buffer {
  const { what, at, length, random } = of
  const damaged = Buffer.from(bytes)
  switch (what) {
    case 'flip':
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.int(8))
      return damaged
    case 'zero':
      return damaged.fill(0, at, at + length)
    case 'cut':
      return damaged.subarray(0, at)
    case 'double':
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
    case 'swap': {
      const other = random.int(bytes.length - length + 1)
      bytes.copy(damaged, other, at, at + length)
      bytes.copy(damaged, at, other, other + length)
      return damaged
    }
  }
}

function write(mem: MemFs, path: string, bytes: Buffer): void {
  const file = mem.sync.open(path, 'write')
  file.truncate(0)
  if (bytes.length > 0) file.write([bytes], 0)
  file.close()
}

function kindOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name.replace(/\d+/g, '#')
}

function filesBelow(mem: MemFs, path: string): string[] {
  return mem.sync.list(path).flatMap(({ name, kind }) => {
    return kind === 'folder' ? filesBelow(mem, `${path}/${name}`) : [`${path}/${name}`]
  })
}
