import { isVarveError, VarveError } from '../errors.ts'

interface Meaning {
  code: string
  /** Follows "Cannot <operation> <path>: ". */
  says: string
  retriable?: boolean
}

const full: Meaning = {
  code: 'DISK_FULL',
  says: 'the disk is full, free some space and try again',
  retriable: true,
}
const files: Meaning = {
  code: 'TOO_MANY_OPEN_FILES',
  says: 'too many files are open, raise the limit (ulimit -n) or lower the number of partitions',
  retriable: true,
}
const forbidden: Meaning = {
  code: 'NOT_PERMITTED',
  says: 'the operating system does not permit it, check its owner and mode',
}

/** What the names of the operating system's errors mean to Varve. What is not here is an `IO_ERROR`. */
const meanings: Record<string, Meaning> = {
  ENOSPC: full,
  EDQUOT: { ...full, says: "the user's disk quota is used up, free some space and try again" },
  EFBIG: { code: 'TOO_LARGE', says: 'the file would grow beyond what the file system or ulimit -f allows' },
  ENOENT: { code: 'NOT_FOUND', says: 'there is no such file or folder, check the path' },
  ENOTDIR: {
    code: 'NOT_FOUND',
    says: 'a part of the path is a file where a folder is needed, check the path',
  },
  EEXIST: {
    code: 'ALREADY_EXISTS',
    says: 'something of that name exists already, remove it or choose another name',
  },
  EACCES: forbidden,
  EPERM: forbidden,
  EISDIR: { code: 'NOT_PERMITTED', says: 'it is a folder where a file is needed, check the path' },
  ENOTEMPTY: { code: 'NOT_PERMITTED', says: 'the folder is not empty, remove what is in it first' },
  EXDEV: { code: 'NOT_PERMITTED', says: 'both names must be on the same file system, move it by copying' },
  EBUSY: {
    code: 'NOT_PERMITTED',
    says: 'another program uses it, try again when that has ended',
    retriable: true,
  },
  EROFS: {
    code: 'READ_ONLY_FILE_SYSTEM',
    says: 'the file system is mounted read-only, remount it or choose another',
  },
  EMFILE: files,
  ENFILE: files,
  EBADF: { code: 'NOT_PERMITTED', says: 'the file was not opened for that' },
  EINVAL: { code: 'INVALID_ARGUMENT', says: 'the file system does not take that name or operation' },
  ERR_INVALID_ARG_VALUE: { code: 'INVALID_ARGUMENT', says: 'a path cannot hold a zero byte' },
  ESPIPE: { code: 'NOT_PERMITTED', says: 'it is a pipe or a device where a file is needed, check the path' },
  ENAMETOOLONG: {
    code: 'INVALID_ARGUMENT',
    says: 'the name is too long for the file system, choose a shorter one',
  },
  ELOOP: { code: 'INVALID_ARGUMENT', says: 'its symbolic links lead in a circle, check them' },
}

/** An error of the operating system as Varve's, with the path, the system's name of it, and the original as cause. */
export function ioError(error: unknown, operation: string, path: string): VarveError {
  if (isVarveError(error)) return error
  const errno =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EUNKNOWN'
  return errnoError(errno, operation, path, error)
}

/** The same from the name of the error alone, such as `ENOSPC`. */
export function errnoError(errno: string, operation: string, path: string, cause?: unknown): VarveError {
  const meaning = meanings[errno] ?? {
    code: 'IO_ERROR',
    says: 'the operating system reports a failure of the device or driver, check the system log',
  }
  return new VarveError(meaning.code, `Cannot ${operation} ${path}: ${meaning.says} (${errno}).`, {
    context: { path, errno },
    retriable: meaning.retriable ?? false,
    ...(cause === undefined ? {} : { cause }),
  })
}

/** A file that has been closed and is used again. */
export function closedError(operation: string, path: string): VarveError {
  return new VarveError('CLOSED', `Cannot ${operation} ${path}: the file has been closed, open it again.`, {
    context: { path },
  })
}

/** A file above the size that its reader takes. */
export function tooLargeError(path: string, sizes: { found: number; max: number }): VarveError {
  return new VarveError(
    'TOO_LARGE',
    `Cannot read ${path}: it has ${sizes.found} bytes where at most ${sizes.max} are expected, check that it is the right file.`,
    { context: { path, ...sizes } },
  )
}
