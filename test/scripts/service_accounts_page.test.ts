import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ADMIN_SCOPES } from '../../src/oauth/admin_scope.ts'
import { parseTable } from '../support/markdown_table.ts'

type Security = Readonly<Record<string, readonly string[]>>

const page = readFileSync('docs/admin-api.md', 'utf8')
const document: { paths: Record<string, Record<string, { security: Security[] }>> } = JSON.parse(
  readFileSync('packages/cli/src/api/openapi.json', 'utf8'),
)

function cellsUnder(heading: string, column: string): [string, string][] {
  return [...parseTable(page, heading)].map(([row, cells]) => [row, cells.get(column) ?? ''])
}

describe('docs/admin-api.md', () => {
  it('the section on service accounts lists the scope of every operation', () => {
    const expected = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { security }]) => {
        const scope = security.flatMap((entry) => entry.service_account ?? [])[0]
        return [
          `\`${method.toUpperCase()} ${path}\``,
          scope === undefined ? 'operators only' : `\`${scope}\``,
        ]
      }),
    )
    expect(cellsUnder('request', 'scope')).toEqual(expected)
  })

  it('the section on service accounts describes every admin scope', () => {
    const expected = Object.entries(ADMIN_SCOPES).map(([name, text]) => [`\`${name}\``, text])
    expect(cellsUnder('scope', 'permission')).toEqual(expected)
  })
})
