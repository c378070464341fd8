/**
 * The file operations that the engine needs, and no more. Each says what survives a loss of power once it has
 * returned (the manner of Pebble's `vfs`). Nothing here retries, queues or hides an error: an operation that fails
 * throws a `VarveError` (`DISK_FULL`, `NOT_FOUND`, `ALREADY_EXISTS`, `NOT_PERMITTED`, `TOO_MANY_OPEN_FILES`,
 * `READ_ONLY_FILE_SYSTEM`, `IO_ERROR`) with `context.path` and `context.errno`.
 */
export interface Vfs {
  /** Opens a file. A file that this creates is not durable before `syncDir` of its folder. */
  open(path: string, mode: OpenMode): Promise<VfsFile>
  /** The whole file as bytes that belong to the caller. `max` refuses a larger file before allocating (`TOO_LARGE`). */
  readFile(path: string, options?: { max?: number }): Promise<Buffer>
  /** Replaces `to` at once. Which name holds is decided by a power cut until `syncDir` of the folder (of both, if two). */
  rename(from: string, to: string): Promise<void>
  /** A second name for a file; fails with `ALREADY_EXISTS` where `to` exists. Durable after `syncDir`. */
  link(from: string, to: string): Promise<void>
  /** Removes a name. The name may come back after a power cut until `syncDir`. */
  unlink(path: string): Promise<void>
  /** Creates one folder, mode 0700; fails with `ALREADY_EXISTS` / `NOT_FOUND` (no parent). Durable after `syncDir` of its parent. */
  mkdir(path: string): Promise<void>
  /** Creates a folder and its missing parents, and syncs each folder in which it created one. */
  ensureDir(path: string): Promise<void>
  /** Removes an empty folder. */
  rmdir(path: string): Promise<void>
  /** Removes a folder with all that it holds. Not atomic. */
  removeTree(path: string): Promise<void>
  /** The entries of a folder, by name (code units), without `.` and `..`. */
  list(path: string): Promise<VfsEntry[]>
  /** Makes the entries of a folder (creations, renames, removals) survive a loss of power. Nothing on Windows. */
  syncDir(path: string): Promise<void>
  /** Undefined where there is nothing of that name. Does not follow a symbolic link's absence into an error. */
  stat(path: string): Promise<VfsStat | undefined>
  /** Bytes that may still be written by this user to the file system that holds `path`. */
  spaceLeft(path: string): Promise<number>
  /** The path without symbolic links; the same string for the same folder. */
  realPath(path: string): Promise<string>
  /**
   * Whether listing a folder and reading a small file mostly take microseconds on the synchronous face, as where the
   * operating system keeps them in memory. Missing where that face is not to be used, or gains nothing.
   */
  readonly answersInPlace?: boolean
  /** The same operations for worker threads and steps that run to the end. */
  readonly sync: VfsSync
}

/**
 * `read`: must exist, no writing. `write`: must exist, read and write. `create`: read and write, made if missing
 * (mode 0600). `create-new`: as `create`, but fails with `ALREADY_EXISTS`. Nothing truncates.
 */
export type OpenMode = 'read' | 'write' | 'create' | 'create-new'

export interface VfsFile {
  readonly path: string
  /** Fills `target` from `position`; answers how many bytes the file had, less than asked for only at its end. */
  read(target: Uint8Array, position: number): Promise<number>
  /**
   * The bytes from `position` as they lie in memory, without a copy: at least one and at most `length`, often fewer
   * than asked for. They never change afterwards. Undefined where there are none, and missing where a file system
   * has no such bytes: then `read`.
   */
  view?(position: number, length: number): Buffer | undefined
  /**
   * Writes all of `buffers` one after the other at `position`, in one system call where the system allows; goes on
   * after a short write. Handed to the operating system, no more: survives the death of the process, not of power.
   * When it fails, any part of the range may have been written.
   */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>
  /**
   * Bytes and size survive a loss of power (not the name: `syncDir`). After a failure nothing written since the last
   * success may be trusted, and a second call proves nothing: the kernel marks failed pages clean.
   */
  datasync(): Promise<void>
  /** Cuts or extends (with zeros). Survives a loss of power after `datasync`. */
  truncate(size: number): Promise<void>
  stat(): Promise<VfsStat>
  close(): Promise<void>
}

export interface VfsStat {
  readonly kind: 'file' | 'folder' | 'other'
  /** Bytes. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number
  /** Identity of the file on this machine, such as `64768:1234` (device and inode). */
  readonly id: string
}

export interface VfsEntry {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'other'
}

/** The synchronous face: same names, same promises, same errors. */
export interface VfsSync {
  open(path: string, mode: OpenMode): VfsFileSync
  readFile(path: string, options?: { max?: number }): Buffer
  rename(from: string, to: string): void
  link(from: string, to: string): void
  unlink(path: string): void
  mkdir(path: string): void
  ensureDir(path: string): void
  rmdir(path: string): void
  removeTree(path: string): void
  list(path: string): VfsEntry[]
  syncDir(path: string): void
  stat(path: string): VfsStat | undefined
  spaceLeft(path: string): number
  realPath(path: string): string
}

export interface VfsFileSync {
  readonly path: string
  read(target: Uint8Array, position: number): number
  view?(position: number, length: number): Buffer | undefined
  write(buffers: readonly Uint8Array[], position: number): void
  datasync(): void
  truncate(size: number): void
  stat(): VfsStat
  close(): void
}
