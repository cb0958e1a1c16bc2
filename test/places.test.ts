/// <reference types="vite/types/importMeta.d.ts" />
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { assumptionRows, MARKETS, type Market, TRAFFIC, type Traffic } from '../bench/places.ts'
import performance from '../docs/performance.md?raw'
import { FAR_OPERATIONS, type FarOperation } from './support/far_operations.ts'
import { PlacesModel, type SampleCounts, SESSION_PLACES, type SessionPlace } from './support/places_model.ts'
import { type MeasuredOperation, placesRow, placesTable, rowOf } from './support/places_tables.ts'
import { emptyStores } from './support/server.ts'

/** The number of requests for each figure of the tables. */
const SAMPLES: SampleCounts = { warm: 20, paused: 12, resting: 12, cold: 12 }

const FEW: SampleCounts = { warm: 3, paused: 3, resting: 3, cold: 3 }

/** The measurement of a row takes seconds, and more if other tests run. */
const TIMEOUT_MS = 600_000

const [ANY_PLACE] = SESSION_PLACES

/** Operations whose waits are those of another one: of a guest token, and of an authorization. */
const SIMILAR: readonly string[] = ['machine token', 'userinfo']

const OPERATIONS = FAR_OPERATIONS.filter(({ name }) => !SIMILAR.includes(name))

/** Whether a row for the place adds a figure. An operation without a session does not depend on the place. */
function differs({ usesSession, needsCopies }: FarOperation, place: SessionPlace): boolean {
  return usesSession ? !needsCopies || place.hasCopies === true : place === ANY_PLACE
}

/** The rows of the tables. */
const ROWS = OPERATIONS.flatMap((operation) =>
  SESSION_PLACES.filter((place) => differs(operation, place)).map((place) => ({ operation, place })),
)

/** The row that each run of the tests measures again. A run of all rows takes minutes. */
const CHECKED = { operation: 'refresh', market: 'Sydney' }

async function measureRow(
  { operation, place }: { operation: FarOperation; place: SessionPlace },
  markets: readonly Market[],
): Promise<MeasuredOperation> {
  const durations: [string, Awaited<ReturnType<PlacesModel['measure']>>][] = []
  for (const market of markets)
    durations.push([market.name, await new PlacesModel(market, place).measure(operation, SAMPLES)])
  const sessions = operation.usesSession ? place.name : 'any'
  return { operation: operation.name, sessions, durations: new Map(durations) }
}

/** Parallel calls draw their durations in the order of their starts, which the machine decides. So a figure can differ a little. */
const TOLERANCE = 0.03

function figuresOf(cell: string | undefined): number[] {
  return (cell ?? '').split(' / ').map(Number)
}

/** The text between `<!-- name -->` and `<!-- /name -->` of the page. */
function sectionOf(name: string): string {
  return performance.split(new RegExp(`<!-- /?${name} -->`))[1]?.trim() ?? ''
}

/** The cells of each line of a table. */
function cellsOf(table: string): string[][] {
  return table.split('\n').map((line) => line.slice(2, -2).split(' | '))
}

const assumptions = [['assumption', 'ms', 'basis'], ['---', '---', '---'], ...assumptionRows()]
  .map(rowOf)
  .join('\n')

describe('the model of places', () => {
  beforeEach(emptyStores)

  it('docs/performance.md has the assumptions of the model', () => {
    expect(sectionOf('places-assumptions')).toBe(assumptions)
  })

  it.each(OPERATIONS.filter(({ usesSession }) => !usesSession))(
    'the place of sessions does not change the duration of $name',
    async (operation) => {
      const [market] = MARKETS.slice(-1)
      if (market === undefined) throw new Error('the model has no market')
      const durations = []
      for (const place of SESSION_PLACES)
        durations.push(await new PlacesModel(market, place).measure(operation, FEW))
      for (const one of durations) expect(one).toEqual(durations[0])
    },
    TIMEOUT_MS,
  )

  it.runIf(env.PLACES === '')(
    'a new measurement of a row gives the figures of docs/performance.md, with a small tolerance',
    async () => {
      const markets = MARKETS.filter(({ name }) => name === CHECKED.market)
      const column = MARKETS.findIndex(({ name }) => name === CHECKED.market) + 2
      for (const row of ROWS.filter(({ operation }) => operation.name === CHECKED.operation)) {
        const measured = await measureRow(row, markets)
        for (const traffic of Object.keys(TRAFFIC) as Traffic[]) {
          const [operation, sessions] = placesRow(measured, traffic)
          const documented = cellsOf(sectionOf(`places-${traffic}`)).find(
            (cells) => cells[0] === operation && cells[1] === sessions,
          )
          const expected = figuresOf(documented?.[column])
          for (const [i, figure] of figuresOf(placesRow(measured, traffic)[column]).entries())
            expect(Math.abs(figure - (expected[i] ?? 0))).toBeLessThanOrEqual(Math.max(1, figure * TOLERANCE))
        }
      }
    },
    TIMEOUT_MS,
  )

  it.runIf(env.PLACES === 'all')(
    'all rows are measured for docs/performance.md',
    async ({ annotate }) => {
      const measured: MeasuredOperation[] = []
      for (const row of ROWS) {
        await annotate(`measuring: ${row.operation.name}, sessions in ${row.place.name}`)
        measured.push(await measureRow(row, MARKETS))
      }
      const sections = { 'places-assumptions': assumptions }
      for (const traffic of Object.keys(TRAFFIC) as Traffic[])
        Object.assign(sections, { [`places-${traffic}`]: placesTable(measured, traffic) })
      for (const [name, text] of Object.entries(sections))
        await annotate(`\n<!-- ${name} -->\n${text}\n<!-- /${name} -->`)
      expect(measured).toHaveLength(ROWS.length)
    },
    3_600_000,
  )
})
