import { createRequire } from 'node:module'
import crc32cJs from 'crc-32/crc32c.js'

/** Below this many bytes the call into native code costs more than it saves (measured on Node 20 and 24). */
const NATIVE_BYTES_MIN = 320

type Checksum = (bytes: Uint8Array, seed?: number) => number

let native: Checksum | null | undefined
let nativeAllowed = true

/** The optional native build, looked for once: it is an optional dependency with prebuilt binaries. */
function loadNative(): Checksum | null {
  try {
    const loaded = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c?: Checksum }
    return typeof loaded.crc32c === 'function' ? loaded.crc32c : null
  } catch {
    return null // not installed, or no binary for this platform: the JavaScript build gives the same results
  }
}

/**
 * CRC-32C (Castagnoli), unsigned.
 *
 * @param seed the result over the bytes before, to go on from there; 0 to begin
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  if (nativeAllowed && bytes.length >= NATIVE_BYTES_MIN) {
    native ??= loadNative()
    if (native !== null) return native(bytes, seed)
  }
  return crc32cJs.buf(bytes, seed) >>> 0
}

/** Which build checks large batches here; benchmarks name it beside their numbers. */
export function checksumBuild(): 'native' | 'js' {
  native ??= loadNative()
  return nativeAllowed && native !== null ? 'native' : 'js'
}

/** Switches the native build off and on again: for tests and for comparing the two. */
export function useNativeChecksum(allowed: boolean): void {
  nativeAllowed = allowed
}
