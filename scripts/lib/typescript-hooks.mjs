import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const cache = join(root, '.cache/typescript')
const require = createRequire(import.meta.url)

/** Node's hook: a `.ts` file of this workspace becomes the JavaScript that the compiler makes of it. */
export async function load(url, context, next) {
  if (!/^file:.*\.ts$/.test(url) || url.includes('/node_modules/')) return next(url, context)
  return { format: 'module', shortCircuit: true, source: compiled(fileURLToPath(url)) }
}

function compiled(path) {
  const text = readFileSync(path, 'utf8')
  // The path is part of the source map, so it is part of the name; the digit changes with the options below.
  const name = createHash('sha256').update(`1\0${path}\0${text}`).digest('hex')
  const file = join(cache, `${name}.js`)
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const source = transpile(path, text)
    mkdirSync(cache, { recursive: true })
    // Test files run side by side: a half-written file must not be read.
    writeFileSync(`${file}.${process.pid}`, source)
    renameSync(`${file}.${process.pid}`, file)
    return source
  }
}

function transpile(path, text) {
  const ts = require('typescript')
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    inlineSourceMap: true,
    inlineSources: true,
  }
  const { outputText, diagnostics } = ts.transpileModule(text, {
    fileName: path,
    reportDiagnostics: true,
    compilerOptions,
  })
  const [first] = diagnostics ?? []
  if (first) {
    const line = text.slice(0, first.start ?? 0).split('\n').length
    throw new SyntaxError(`${path}:${line}: ${ts.flattenDiagnosticMessageText(first.messageText, '\n')}`)
  }
  return outputText
}
