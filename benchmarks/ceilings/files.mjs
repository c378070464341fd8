import fs from 'node:fs'

/** The asynchronous system calls with nothing around them but a promise. */
export const writev = (fd, buffers, position) =>
  new Promise((resolve, reject) =>
    fs.writev(fd, buffers, position, (error, written) => (error ? reject(error) : resolve(written))),
  )

export const read = (fd, target, position) =>
  new Promise((resolve, reject) =>
    fs.read(fd, target, 0, target.length, position, (error, bytes) =>
      error ? reject(error) : resolve(bytes),
    ),
  )

export const datasync = fd =>
  new Promise((resolve, reject) => fs.fdatasync(fd, error => (error ? reject(error) : resolve())))

/** Opens a file that is rewritten from its beginning in each run, as every side of a comparison does. */
export const openScratch = path => fs.openSync(path, 'w+', 0o600)
export const { closeSync: close, ftruncateSync: truncate, writeSync } = fs
