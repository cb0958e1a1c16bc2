import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import reliabilityPage from '../docs/reliability.md?raw'
import { CLIENT_COPY_SECONDS } from '../src/storage/copy_ages.ts'
import { isOptionalCall } from './support/around_d1.ts'
import { FaultyStores, type Trouble } from './support/faults.ts'
import { parseTable } from './support/markdown_table.ts'
import { PassingTime } from './support/passing_time.ts'
import {
  type Asked,
  type Home,
  makeHome,
  ROWS,
  type Row,
  SESSION_ROWS,
  warmUp,
} from './support/reliability_rows.ts'
import { TestClock, TestServer } from './support/server.ts'
import { describeStores } from './support/session_stores.ts'

/** The time that a client waits for a response (`packages/client`). */
const CLIENT_READ_TIMEOUT_MS = 8000

type Troubles = Partial<Record<'d1' | 'kv', Trouble>>

/** A column of the table: the faults of the stores, in each variant. */
interface State {
  isolates: ('warm' | 'cold')[]
  troubles: Troubles[]
}

const DOWN: Trouble[] = ['before it is made', 'hangs before it is made']

const STATES: ReadonlyMap<string, State> = new Map([
  [
    'KV down',
    {
      isolates: ['warm', 'cold'],
      troubles: [...DOWN, 'after it is done' as const].map((kv) => ({ kv })),
    },
  ],
  ['D1 down, warm isolate', { isolates: ['warm'], troubles: DOWN.map((d1) => ({ d1 })) }],
  ['D1 down, cold isolate', { isolates: ['cold'], troubles: DOWN.map((d1) => ({ d1 })) }],
  ['Both down, warm isolate', { isolates: ['warm'], troubles: DOWN.map((both) => ({ d1: both, kv: both })) }],
  ['Both down, cold isolate', { isolates: ['cold'], troubles: DOWN.map((both) => ({ d1: both, kv: both })) }],
  ['D1 slow', { isolates: ['warm', 'cold'], troubles: [{ d1: 'is slow' }] }],
])

const LOST = 'D1 loses a response'

/** More calls than a request can make. */
const CALLS_AT_MOST = 20

/** Long enough that each copy is too old and each isolate reads again. */
const LATER_SECONDS = 3601

const table = parseTable(reliabilityPage, 'Request')

let home: Home

// Without this, each failed call would log a line.
beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation(() => {})
    onTestFinished(() => spy.mockRestore())
  }
})

/** An isolate on faulty stores, and a request for it. */
class Scene {
  readonly stores = new FaultyStores()
  readonly clock = new TestClock()
  readonly isolate = new TestServer({ clock: this.clock, env: this.stores.env })
  readonly time = new PassingTime(this.stores)
  readonly asked: Asked
  readonly #patienceMs: number

  constructor(asked: Asked, { patienceMs = CLIENT_READ_TIMEOUT_MS }: Row) {
    this.asked = asked
    this.#patienceMs = patienceMs
  }

  static async begin(row: Row, isolate: 'warm' | 'cold'): Promise<Scene> {
    const scene = new Scene(await row.prepare(home), row)
    scene.clock.time = home.server.clock.time
    // A cold isolate finds copies that another isolate has written.
    const other = new TestServer({ clock: scene.clock })
    await warmUp(isolate === 'warm' ? scene.isolate : other, home)
    return scene
  }

  suffer({ d1, kv }: Troubles): void {
    if (d1) this.stores.d1.suffer(d1)
    if (kv) this.stores.kv.suffer(kv)
  }

  /** Sends the request, and checks that the response arrives before the client's timeout. */
  async ask(): Promise<Response> {
    const begunAt = this.time.elapsedMs
    const response = await this.time.during(this.isolate.answer(this.asked.request()))
    expect(this.time.elapsedMs - begunAt).toBeLessThan(this.#patienceMs)
    return response
  }

  async expectDone(): Promise<void> {
    await this.asked.expectDone(await this.ask())
  }

  async end(): Promise<void> {
    this.stores.comeBack()
    await this.time.during(this.isolate.settle())
  }
}

/** Checks the only response without success. */
async function expectUnavailable(response: Response, refusal: Row['refusal']): Promise<void> {
  expect(response.status).toBe(503)
  expect(response.headers.get('Retry-After')).toMatch(/^(?:[1-9]|10)$/)
  expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
  const text = await response.text()
  switch (refusal) {
    case 'page':
      return expect(text).toContain('You are still signed in')
    case 'readiness':
      return expect(JSON.parse(text)).toEqual({ status: 'unavailable', failing: expect.any(Array) })
    case 'problem':
      expect(response.headers.get('Content-Type')).toBe('application/problem+json')
      return expect(JSON.parse(text)).toMatchObject({ status: 503 })
    case 'oauth':
      return expect(JSON.parse(text)).toEqual({
        error: 'temporarily_unavailable',
        error_description: 'The service is not available now. Try again shortly.',
      })
  }
}

type CheckCell = (scene: Scene, row: Row) => Promise<void>

async function expectWorking(scene: Scene, row: Row): Promise<void> {
  await scene.expectDone()
  if (!row.isLasting) return
  scene.clock.time += LATER_SECONDS
  await scene.expectDone()
}

async function expectLast(scene: Scene, row: Row): Promise<void> {
  const first = await scene.ask()
  await expectWorking(scene, row)
  const later = await scene.ask()
  expect([later.status, await later.text()]).toEqual([first.status, await first.text()])
  const ages = [first, later].map((response) => Number(response.headers.get('Age') ?? Number.NaN))
  if (ages.some(Number.isNaN)) return
  expect(ages[1]).toBe((ages[0] ?? 0) + LATER_SECONDS)
}

async function expectOutage(scene: Scene, { refusal }: Row): Promise<void> {
  const refused = await scene.ask()
  await expectUnavailable(refused, refusal)
  scene.stores.comeBack()
  waitAsTold(scene, refused)
  await scene.expectDone()
}

function waitAsTold({ clock }: Scene, refused: Response): void {
  clock.time += Number(refused.headers.get('Retry-After'))
}

async function expectShortMemory(scene: Scene, row: Row): Promise<void> {
  scene.clock.time += CLIENT_COPY_SECONDS.max - 1
  await scene.expectDone()
  scene.clock.time += 2
  await expectOutage(scene, row)
}

async function expectDoneThough503(scene: Scene, { refusal }: Row): Promise<void> {
  await expectUnavailable(await scene.ask(), refusal)
  scene.stores.comeBack()
  await scene.asked.expectDoneOnce?.()
}

/** The result of a cell for a permanent fault. */
const CHECKS: Record<string, CheckCell> = {
  yes: expectWorking,
  last: expectLast,
  '90 s': expectShortMemory,
  '503': expectOutage,
  check: expectDoneThough503,
}

/** Loses the response of each call in turn. @returns the number of calls */
async function forEachLoss(row: Row, check: (scene: Scene) => Promise<void>): Promise<number> {
  for (let nth = 1; nth <= CALLS_AT_MOST; nth++) {
    const scene = await Scene.begin(row, 'cold')
    let calls = 0
    scene.stores.d1.judge = (sql) => (!isOptionalCall(sql) && ++calls === nth ? 'after it is done' : null)
    await check(scene)
    await scene.end()
    if (calls < nth) return nth - 1
  }
  throw new Error(`more than ${CALLS_AT_MOST} calls to D1`)
}

/** Sends a request, and again after a 503. @returns the statuses */
async function askTwice(scene: Scene, { refusal }: Row): Promise<number[]> {
  const first = await scene.ask()
  if (first.status !== 503) {
    await scene.asked.expectDone(first)
    return [first.status]
  }
  await expectUnavailable(first, refusal)
  waitAsTold(scene, first)
  const second = await scene.ask()
  // An operation with a version finds the version that the lost call has written.
  if (second.status !== 412) await scene.asked.expectDone(second)
  await scene.asked.expectDoneOnce?.()
  return [first.status, second.status]
}

/** The result of a cell for one lost response of D1: the statuses of the request and of the retry. */
const STATUSES: Record<string, (statuses: number[]) => boolean> = {
  yes: ([first]) => first !== 503,
  last: ([first]) => first === 200,
  retry: ([first, second]) => first !== 503 || second === 200,
  check: ([first, second]) => first !== 503 || second === 200 || second === 412,
}

const allCells = [...table].flatMap(([row, columns]) =>
  [...columns].map(([column, cell]) => ({ row, column, cell })),
)

it('the table in docs/reliability.md has the rows and columns of this test', () => {
  expect([...table.keys()]).toEqual([...ROWS.keys()])
  for (const columns of table.values()) expect([...columns.keys()]).toEqual([...STATES.keys(), LOST])
})

describeStores('the table in docs/reliability.md', ({ name: store, config }) => {
  // The other requests have the same stores in both cases.
  const cells = allCells.filter(({ row }) => store === 'D1' || SESSION_ROWS.has(row))

  beforeAll(async () => {
    home = await makeHome(config)
  })

  it.each(cells.filter(({ column }) => column !== LOST))(
    'the cell matches the server: $row, $column: $cell',
    async ({ row: name, column, cell }) => {
      const row = ROWS.get(name) as Row
      const { isolates, troubles } = STATES.get(column) as State
      for (const isolate of isolates) {
        for (const trouble of troubles) {
          const scene = await Scene.begin(row, isolate)
          scene.suffer(trouble)
          await (CHECKS[cell] as CheckCell)(scene, row)
          await scene.end()
        }
      }
    },
  )

  it.each(cells.filter(({ column }) => column === LOST))(
    'the cell matches the server: $row, $column: $cell',
    async ({ row: name, cell }) => {
      const row = ROWS.get(name) as Row
      const isAsSaid = STATUSES[cell] as (statuses: number[]) => boolean
      const seen: number[][] = []
      await forEachLoss(row, async (scene) => {
        seen.push(await askTwice(scene, row))
      })
      expect(seen.filter((statuses) => !isAsSaid(statuses))).toEqual([])
      const needed = cell === 'retry' || cell === 'check' ? [503] : []
      expect(seen.flat()).toEqual(expect.arrayContaining(needed))
      if (cell === 'check') expect(seen.flat()).toContain(412)
    },
  )
})

describe('a D1 that hangs', () => {
  beforeAll(async () => {
    home = await makeHome({})
  })

  it.each(['Guest token', 'Machine token', 'JWKS'])(
    'a %s waits no longer than the deadlines of the list of changes and of old copies',
    async (name) => {
      const scene = await Scene.begin(ROWS.get(name) as Row, 'cold')
      scene.suffer({ d1: 'hangs before it is made' })
      await scene.expectDone()
      // The list of changes.
      expect(scene.time.elapsedMs).toBeLessThanOrEqual(1000)
      const first = scene.time.elapsedMs
      scene.clock.time += LATER_SECONDS
      await scene.expectDone()
      // The client, the keys and the list, in parallel.
      expect(scene.time.elapsedMs - first).toBeLessThanOrEqual(1000)
      const { elapsedMs } = scene.time
      await scene.expectDone()
      expect(scene.time.elapsedMs).toBe(elapsedMs)
      await scene.end()
    },
  )
})
