export { type Io, type OutputStream } from './io.ts'
export { main } from './main.ts'
