export { isVarveError, VarveError, type ErrorContext, type VarveErrorOptions } from './errors.ts'
export type { OpenMode, Vfs, VfsEntry, VfsFile, VfsFileSync, VfsStat, VfsSync } from './vfs/vfs.ts'
