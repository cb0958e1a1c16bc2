import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { drawChart } from '../../bench/chart.ts'
import { replaceSection } from '../../bench/record.ts'

describe('the record of a benchmark', () => {
  it('the record of a benchmark replaces the text between its comments and nothing else', () => {
    const page = 'before\n<!-- speed -->\nold\n<!-- /speed -->\nafter\n'
    expect(replaceSection(page, 'speed', '$1 new', 'page.md')).toBe(
      'before\n<!-- speed -->\n$1 new\n<!-- /speed -->\nafter\n',
    )
  })

  it('docs/performance.md has a place with a measurement for each part of the record', () => {
    const page = readFileSync('docs/performance.md', 'utf8')
    for (const name of ['run', 'speed', 'queue', 'growth', 'costs', 'feed', 'bound', 'isolate']) {
      expect(page).toMatch(new RegExp(`<!-- ${name} -->\n[^<]+\n<!-- /${name} -->`))
      expect(replaceSection(page, name, 'measured', 'page.md')).toContain(`<!-- ${name} -->\nmeasured\n`)
    }
  })

  it('the script refuses a page without a place for the record', () => {
    expect(() => replaceSection('', 'speed', '', 'page.md')).toThrow('page.md has no place for "speed"')
  })

  it('the chart of a benchmark is to scale, with a line at each target', () => {
    const svg = drawChart('Speed & more', [
      { label: 'half <1>', ratio: 0.5, aim: 0.75 },
      { label: 'faster', ratio: 1.4, aim: null },
    ])
    expect(svg).toContain('aria-label="Speed &amp; more"')
    expect(svg).toContain('half &lt;1>')
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width))
    expect(widths).toEqual([180, 360])
    expect(svg.match(/<line class="aim" x1="500"/g)).toHaveLength(1)
  })
})
