import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { corruptData, wrongSize } from './errors.ts'

/*
 * lz4-wasm is published for bundlers, so its WebAssembly module is taken as it is. It handles one block with the
 * decompressed size in front (uint32, little-endian), which must be exact: a larger one fails, and a huge one would
 * grow the module's memory for good. Calls follow wasm-bindgen's convention: results go to a slot on the module's stack.
 */

interface Exports {
  memory: { buffer: ArrayBuffer }
  compress(result: number, at: number, size: number): void
  decompress(result: number, at: number, size: number): void
  __wbindgen_add_to_stack_pointer(by: number): number
  __wbindgen_malloc(size: number): number
  __wbindgen_free(at: number, size: number): void
}

// The compiler's library without the browser's knows no WebAssembly; this much of it is used.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: Record<string, Record<string, unknown>>) => { exports: unknown }
}

const SIZE_PREFIX = 4
const RESULT_SLOT = 16

/** One LZ4 block, in both directions. */
export class Lz4Wasm {
  private readonly module: object
  private wasm: Exports

  private constructor(module: object) {
    this.module = module
    this.wasm = instantiate(module)
  }

  static async load(): Promise<Lz4Wasm> {
    const path = createRequire(import.meta.url).resolve('lz4-wasm/lz4_wasm_bg.wasm')
    return new Lz4Wasm(new WebAssembly.Module(await readFile(path)))
  }

  /** The block without its size; a copy. */
  compress(bytes: Uint8Array): Buffer {
    const input = this.wasm.__wbindgen_malloc(bytes.length)
    this.view(input, bytes.length).set(bytes)
    return this.call('compress', input, bytes.length, (at, size) =>
      Buffer.from(this.view(at + SIZE_PREFIX, size - SIZE_PREFIX)),
    )
  }

  /** Decompresses a block whose `size` was found by walking its tokens into `out` at `to`. */
  decompress(block: Buffer, size: number, out: Buffer, to: number): void {
    const input = this.wasm.__wbindgen_malloc(block.length + SIZE_PREFIX)
    const view = this.view(input, block.length + SIZE_PREFIX)
    view.writeUInt32LE(size)
    view.set(block, SIZE_PREFIX)
    this.call('decompress', input, view.length, (at, found) => {
      if (found !== size) throw wrongSize('lz4', size, found)
      out.set(this.view(at, found), to)
    })
  }

  /** Calls with an input that the module frees itself, and frees the output after `take` has seen it. */
  private call<T>(
    what: 'compress' | 'decompress',
    input: number,
    size: number,
    take: (at: number, size: number) => T,
  ): T {
    const { wasm } = this
    let slot: number
    let result: Int32Array
    try {
      slot = wasm.__wbindgen_add_to_stack_pointer(-RESULT_SLOT)
      wasm[what](slot, input, size)
      result = new Int32Array(wasm.memory.buffer, slot, 4)
    } catch (cause) {
      this.wasm = instantiate(this.module) // a trap leaves its memory in any state
      throw corruptData('lz4', 'the decoder gave up', { cause })
    }
    const [at = 0, found = 0, , failed = 0] = result
    wasm.__wbindgen_add_to_stack_pointer(RESULT_SLOT)
    if (what === 'decompress' && failed !== 0) throw corruptData('lz4', 'the decoder refused a block')
    try {
      return take(at, found)
    } finally {
      wasm.__wbindgen_free(at, found)
    }
  }

  private view(at: number, size: number): Buffer {
    return Buffer.from(this.wasm.memory.buffer, at, size)
  }
}

function instantiate(module: object): Exports {
  // The module makes a string of an error and hands back what this returns; the error is named by us.
  const imports = { './lz4_wasm_bg.js': { __wbindgen_string_new: () => 0 } }
  return new WebAssembly.Instance(module, imports).exports as Exports
}
