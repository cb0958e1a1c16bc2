import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { replaceTables } from '../../scripts/config_tables.ts'
import { BURST_BINDINGS } from '../../src/storage/burst_limits.ts'

const page = readFileSync('docs/configuration.md', 'utf8')

describe('docs/configuration.md', () => {
  it('docs/configuration.md lists the keys of src/config (`npm run document-config` updates it)', () => {
    expect(replaceTables(page)).toBe(page)
  })

  it('docs/configuration.md names the binding of each burst limit', () => {
    for (const [name, binding] of Object.entries(BURST_BINDINGS)) {
      const rows = page.split('\n').filter((line) => line.startsWith(`| \`burst_limits.${name}\` |`))
      expect(rows).toEqual([expect.stringContaining(`Binding \`${binding}\``)])
    }
  })
})

describe('the generator of the tables', () => {
  const [area = ''] = /<!-- keys: issuer -->.*?<!-- end of keys -->/s.exec(page) ?? []

  it('the generator of the tables replaces a stale table', () => {
    const stale = page.replace(area, '<!-- keys: issuer -->\n| old |\n<!-- end of keys -->')
    expect(replaceTables(stale)).toBe(page)
  })

  it('the generator of the tables refuses a page without the table of an area', () => {
    expect(() => replaceTables(page.replace(area, ''))).toThrow('has no table of: issuer')
  })

  it('the generator of the tables refuses the table of an unknown area', () => {
    expect(() => replaceTables(`${page}<!-- keys: weather -->\n<!-- end of keys -->`)).toThrow(
      'config.yml has no area "weather"',
    )
  })
})
