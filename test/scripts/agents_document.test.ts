import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import {
  checkPreset,
  describePresets,
  listMissingRequirements,
  PRESETS,
} from '../../scripts/agent_requirements.ts'
import { parseConfig } from '../../src/config/parse_config.ts'

/** A row of a table of requirements: its number and its tests. */
const ROW = /^\| ([UMR]\d+) \|(.*)$/gm
const REFERENCE = /<!-- ([\w./-]+\.test\.ts): (.+?) -->/g

const rows = [...readFileSync('docs/agents.md', 'utf8').matchAll(ROW)].map(([, id = '', cells = '']) => ({
  id,
  tests: [...cells.matchAll(REFERENCE)].map(([, file = '', name = '']) => ({ file: `test/${file}`, name })),
}))

const [U, M] = [Object.values(PRESETS.ucp), Object.values(PRESETS.mcp)]

describe('docs/agents.md', () => {
  it('docs/agents.md has a row with tests for each requirement of npm run check', () => {
    expect(rows.map(({ id }) => id)).toEqual([...U, ...M].map(({ id }) => id))
    expect(rows.filter(({ tests }) => tests.length === 0)).toEqual([])
  })

  it('docs/agents.md names tests that exist', () => {
    const missing = rows
      .flatMap(({ tests }) => tests)
      .filter(({ file, name }) => !existsSync(file) || !readFileSync(file, 'utf8').includes(name))
    expect(missing).toEqual([])
  })
})

/** An API of each kind, and its pool. */
const SHOP = {
  audience: 'https://shop.test/api',
  users: 'customers',
  agents: true,
  scopes: ['dev.ucp.shopping.order:read'],
  scope_texts: { 'dev.ucp.shopping.order:read': 'Your orders' },
}
const AGENTS = { ucp: true, mcp: true, trusted_hosts: ['claude.ai'], default_api: 'shop' }
const COMPLETE = {
  issuer: 'https://id.test',
  apis: { shop: SHOP },
  accounts: { customers: { sign_up: true } },
  mail: { from: { name: 'Shop', address: 'shop@shop.test' } },
  agents: AGENTS,
}

const configOf = (changes: object) => parseConfig(stringify({ ...COMPLETE, ...changes }))
const missingOf = (preset: 'ucp' | 'mcp', changes: object) =>
  checkPreset(preset, configOf(changes)).flatMap(({ id, state }) => (state === 'missing' ? [id] : []))

describe('the report of npm run check on the presets', () => {
  it('a complete configuration lacks nothing, and the report says what to do in clients and APIs', () => {
    const { lines, isComplete } = describePresets(configOf({}))
    expect(isComplete).toBe(true)
    expect(lines[0]).toBe('agents.ucp: 8 requirements met, 0 missing, 6 in clients and APIs (docs/agents.md)')
    expect(lines).toContain(
      '  U14 to do: set incremental_scopes: true in the record of each registered platform (agents.ucp covers clients with a document)',
    )
    expect(lines.filter((line) => line.includes('ucpBody')).map((line) => line.slice(0, 5))).toEqual([
      '  U9 ',
      '  U10',
    ])
    expect(lines.slice(-2)).toEqual([
      'agents.mcp: 11 requirements met, 0 missing, 1 in clients and APIs (docs/agents.md)',
      '  R1 to do: protect the MCP server: set resourceMetadata and scope in @sallyport/verify',
    ])
    expect(listMissingRequirements(configOf({}))).toEqual([])
    expect(describePresets(configOf({ agents: {} }))).toEqual({ lines: [], isComplete: true })
  })

  it.each([
    [
      'ucp',
      { apis: { shop: { ...SHOP, agents: false } }, agents: { ucp: true } },
      ['U1', 'U3', 'U12', 'U13'],
    ],
    ['ucp', { apis: { shop: { ...SHOP, scopes: [], scope_texts: {} } } }, ['U3', 'U12']],
    ['ucp', { apis: { shop: { ...SHOP, scopes: ['orders'], scope_texts: { orders: 'x' } } } }, ['U12']],
    ['ucp', { accounts: {} }, ['U13']],
    ['mcp', { apis: { shop: { ...SHOP, agents: false } }, agents: { mcp: true } }, ['M1', 'M5']],
    ['mcp', { agents: { mcp: true } }, ['M5']],
    ['mcp', { apis: { shop: { ...SHOP, audience: 'urn:shop' } } }, ['M9']],
  ] as const)('the report on %s names what is missing: %j', (preset, changes, missing) => {
    expect(missingOf(preset, changes)).toEqual(missing)
    expect(describePresets(configOf(changes)).isComplete).toBe(false)
    const refusals = listMissingRequirements(configOf(changes))
    for (const id of missing)
      expect(refusals).toContainEqual(
        expect.stringMatching(`^config.yml: agents.${preset}: ${id} is missing: `),
      )
  })

  it('the presets in docs/agents.md are complete in the config.yml of the repository', () => {
    const [, block = ''] =
      /^## Presets$.*?^```yaml excerpt\n(.*?)^```$/ms.exec(readFileSync('docs/agents.md', 'utf8')) ?? []
    const file = { ...parse(readFileSync('config.yml', 'utf8')), ...parse(block) }
    const config = parseConfig(stringify(file))
    expect(config.agents).toMatchObject({ ucp: true, mcp: true })
    expect(describePresets(config).isComplete).toBe(true)
  })

  it('the preset of UCP with identity providers is refused', () => {
    expect(() => configOf({ agents: { ...AGENTS, ucp: { providers: {} } } })).toThrow(
      /agents\.ucp.*providers are not offered/,
    )
  })
})
