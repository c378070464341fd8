import stringWidth from 'string-width'
import { escapeText } from './escape.ts'

/** Columns that fit their widest cell; numbers to the right. Cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map(row => row.map(cell => escapeText(String(cell))))]
  const widths = head.map((_, column) => Math.max(...cells.map(row => stringWidth(row[column] ?? ''))))
  const right = head.map((_, column) => rows.length > 0 && rows.every(row => typeof row[column] === 'number'))
  return cells
    .map(row => {
      const line = row.map((cell, column) => {
        const space = ' '.repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(cell)))
        return right[column] === true ? space + cell : cell + space
      })
      return `${line.join('  ').trimEnd()}\n`
    })
    .join('')
}

/** `12,345`. */
export function count(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 record`, `2,000 records`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}
