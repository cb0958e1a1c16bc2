import { readFileSync } from 'node:fs'
import { IMPORT_SCHEMES } from '@sallyport/formats/schemes/conversion/convert_hash'
import { describe, expect, it } from 'vitest'

const page = readFileSync('docs/password-hashes.md', 'utf8')

/** The rows under a line with this beginning. */
function rowsUnder(header: string): string[] {
  const lines = page.split('\n')
  const start = lines.findIndex((line) => line.startsWith(header)) + 2
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  return lines.slice(start, start + length)
}

/** The column of a file has its name in snake_case. */
function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

describe('docs/password-hashes.md', () => {
  it('docs/password-hashes.md lists every import scheme with its columns', () => {
    expect(rowsUnder('| name | used by | columns')).toEqual(
      IMPORT_SCHEMES.map(({ name, usedBy, columns }) => {
        const list = columns.map((column) => `\`${toSnakeCase(column)}\``).join(', ')
        return `| \`${name}\` | ${usedBy} | ${list === '' ? '–' : list} |`
      }),
    )
  })

  it('docs/password-hashes.md names the platforms that export no hashes', () => {
    const platforms = rowsUnder('| platform | source').map((row) => row.split('|')[1]?.trim())
    expect(platforms).toEqual(['Shopify', 'Amazon Cognito', 'BigCommerce'])
  })
})
