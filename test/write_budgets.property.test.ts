import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { accountPagesOf } from '../src/account/account_pages.ts'
import { OPERATIONS } from '../src/admin/operations.ts'
import { ENDPOINTS } from '../src/app.ts'
import { BROWSER_PATH, PAGE_PATHS } from '../src/browser/browser_path.ts'
import { PAGES } from '../src/console/pages.ts'
import { BURST_BINDINGS } from '../src/storage/burst_limits.ts'
import { ACCOUNT_API_CASES, operationsWithoutCase } from './support/account_api_write_cases.ts'
import { ACCOUNT_FORM_CASES, accountFormsWithoutCase } from './support/account_form_cases.ts'
import { ACCOUNT_CASES } from './support/account_write_cases.ts'
import { addConsoleClient, ConsoleBrowser } from './support/console.ts'
import { newResponse, signedIn } from './support/console_sign_in.ts'
import { MAIL } from './support/mail_sink.ts'
import { NOTIFICATION_CASES } from './support/notification_write_cases.ts'
import { draft, newUser } from './support/operation_examples.ts'
import { problem, TestOperator } from './support/operator.ts'
import { PAGE_CASES } from './support/page_write_cases.ts'
import { REFUSALS } from './support/refused_write_cases.ts'
import { ACCOUNT_SCOPE, emptyStores, ISSUER, PASSWORD, TestServer } from './support/server.ts'
import { TestServiceAccount } from './support/service_account.ts'
import { aroundUserDatabases, IN_FURTHER_DATABASES } from './support/user_databases.ts'
import {
  BINDING_BUDGET,
  HERE,
  type Send,
  SUCCESSES,
  TOKEN,
  type World,
  type WriteCase,
} from './support/write_cases.ts'

/**
 * The maximum of rows that unauthenticated requests of one address write in a minute, with the budgets of this test. An
 * index entry counts as a row, as D1 bills it.
 */
const STRANGER_ROWS_AT_MOST = 600

/** The maximum for a confidential client, whose budget of events is ten times that of an address. */
const CLIENT_ROWS_AT_MOST = 6000

/** The maximum of an import by a service account: 600 users with 11 rows each (user, audit event, index entries), and requests. */
const IMPORTED_ROWS_AT_MOST = 6700

/** The same with customers in two further databases: reservations, and the move of the audit events (docs/cost.md). */
const IMPORTED_APART_ROWS_AT_MOST = 15_000

const TO_EXHAUST = 100
const PAST_THE_BUDGET = 30

/** The response above a budget of requests. */
const BUSY = [429, 503]
const AT_ONCE = 10

/** The API of the clients with a document. */
const AGENTS = {
  audience: 'https://agents.shop.test',
  users: 'customers',
  agents: true,
  scopes: ['agent'],
  scope_texts: { agent: 'Your orders' },
}

const ATTEMPT = '__Host-sallyport-console-attempt'

/** A binding with a fixed budget for each key, without refill. */
function budgetOf(size: number): RateLimit {
  const spent = new Map<string, number>()
  return {
    async limit({ key = '' }) {
      spent.set(key, (spent.get(key) ?? 0) + 1)
      return { success: (spent.get(key) ?? 0) <= size }
    },
  }
}

/** Counts the rows inserted, changed or removed in any table of the databases of users. */
class RowCounter {
  written = 0

  readonly databases = aroundUserDatabases(async (_sql, call) => {
    const result: unknown = await call()
    for (const part of [result].flat() as (Partial<D1Result> | null)[])
      this.written += part?.meta?.rows_written ?? 0
    return result as Awaited<ReturnType<typeof call>>
  })
}

interface CountedWorld extends World {
  rows: RowCounter
}

const WITH_PAGES = {
  apis: { ...ACCOUNT_SCOPE.apis, agents: AGENTS },
  agents: { trusted_hosts: ['agent.example'], default_api: 'agents' },
  accounts: {
    customers: {
      second_factor: 'optional',
      email_code: 'sign_in',
      self_service: true,
      sign_up: true,
      passkeys: { rp_id: 'shop.test' },
    },
    staff: { second_factor: 'required', email_code: 'second_factor' },
  },
}

/** @param keys Keys of config.yml. */
async function makeWorld(keys: Record<string, unknown> = WITH_PAGES): Promise<CountedWorld> {
  const rows = new RowCounter()
  const bindings = Object.values(BURST_BINDINGS).map((name) => [name, budgetOf(BINDING_BUDGET)])
  const limits = { failures: BINDING_BUDGET, lock: 3600, longest_lock: 3600 }
  const server = new TestServer({
    env: { ...Object.fromEntries(bindings), ...rows.databases },
    config: {
      ...ACCOUNT_SCOPE,
      sign_in_limits: { address: limits },
      mail: MAIL,
      ...keys,
    },
  })
  const grants: World['shop']['record']['grants'] = ['password', 'client_credentials']
  const shop = await server.addClient({ grants })
  const app = await server.addClient({ confidential: false, grants })
  for (const client of [shop, app]) await server.signIn(client, 'guest', 'guest')
  return { server, database: rows.databases.DB, shop, app, rows }
}

async function flood(send: Send, { from, times }: { from: number; times: number }): Promise<Response[]> {
  const responses: Response[] = []
  for (let sent = 0; sent < times; sent += AT_ONCE) {
    const size = Math.min(AT_ONCE, times - sent)
    responses.push(...(await Promise.all(Array.from({ length: size }, (_, i) => send(from + sent + i)))))
  }
  return responses
}

const CASES = [
  ...SUCCESSES,
  ...NOTIFICATION_CASES,
  ...PAGE_CASES,
  ...ACCOUNT_CASES,
  ...ACCOUNT_FORM_CASES,
  ...ACCOUNT_API_CASES,
  ...Object.values(REFUSALS).flat(),
]

/** The cases that also run with customers in two further databases. */
const PLACED = CASES.filter(
  ({ path, what }) =>
    path === TOKEN &&
    [
      'sign-ins of one user',
      'sign-ins with a visitor token that is spent',
      'a wrong password',
      'a disabled user',
      'made-up names',
      'a refresh token of a disabled user',
    ].includes(what),
)

/** Without this, each request would log a line. */
function silenceLog(): void {
  for (const level of ['info', 'warn', 'error'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation(() => {})
    onTestFinished(() => spy.mockRestore())
  }
}

/** An import of a hundred users. */
function importOf(i: number) {
  const row = (n: number) => ({ pool: 'customers', username: `u${i}.${n}@x.test`, no_password: true })
  return { rows: Array.from({ length: 100 }, (_, n) => row(n)) }
}

/** Sends a flood from one address, and checks that only its first requests write rows. */
async function expectBounded(
  send: Send,
  rows: RowCounter,
  { expected: [status, error], toExhaust = TO_EXHAUST }: Pick<WriteCase, 'expected' | 'toExhaust'>,
): Promise<void> {
  const before = rows.written
  const first = await send(0)
  const body = await first.clone().text()
  expect([first.status, body]).toEqual([
    status,
    error === undefined ? body : expect.stringContaining(`"${error}"`),
  ])
  await flood(send, { from: 1, times: toExhaust - 1 })
  const exhausted = rows.written
  const rowsAtMost = toExhaust > TO_EXHAUST ? CLIENT_ROWS_AT_MOST : STRANGER_ROWS_AT_MOST
  expect(exhausted - before).toBeLessThanOrEqual(rowsAtMost)
  const responses = await flood(send, { from: toExhaust, times: PAST_THE_BUDGET })
  expect(rows.written - exhausted).toBe(0)
  for (const response of responses) {
    if (BUSY.includes(response.status)) continue
    expect(response.status).toBe(status)
    // Above the budget of events the refusal is unchanged.
    if (error !== undefined) expect(await response.text()).toBe(body)
  }
}

describe('a flood from one address', () => {
  beforeAll(emptyStores)
  beforeEach(async () => {
    silenceLog()
    await env.DB.prepare('DELETE FROM sign_in_failures').run()
  })

  it('the flood covers every endpoint, every page with a form and every operation of the account', async () => {
    const tried = new Set(CASES.map(({ path }) => path))
    const pages = PAGE_PATHS.filter((path) => !path.endsWith('*')).map((path) => BROWSER_PATH + path)
    const paths = [...ENDPOINTS.map(({ path }) => path), ...pages]
    expect(paths.filter((path) => !tried.has(path))).toEqual([])
    expect(operationsWithoutCase()).toEqual([])
    expect(accountFormsWithoutCase((await makeWorld()).server.services.config)).toEqual([])
  })

  it.each(CASES)('a flood writes no more rows than its budget at $path: $what', async (writeCase) => {
    const world = await makeWorld()
    const send = await writeCase.prepare(world)
    await world.server.settle()
    await expectBounded(send, world.rows, writeCase)
  })

  it.each(PLACED)(
    'with customers in two further databases, a flood writes no more rows in all databases than its budget: $what',
    async (writeCase) => {
      for (const db of [env.USERS_1, env.USERS_2]) await db.prepare('DELETE FROM sign_in_failures').run()
      const world = await makeWorld(IN_FURTHER_DATABASES)
      const send = await writeCase.prepare(world)
      await world.server.settle()
      await expectBounded(send, world.rows, writeCase)
    },
  )

  it('with customers in two further databases, a service account writes no more rows than its budgets', async () => {
    const { server, rows } = await makeWorld(IN_FURTHER_DATABASES)
    const account = await TestServiceAccount.withScopes(server, ['users:write'])
    const { id } = await server.addUser()
    const headers = { ...HERE, Authorization: `Bearer ${account.tokens.access_token}` }
    const disable = () => server.fetch(`/admin/api/users/${id}/disable`, { method: 'POST', headers })
    await expectBounded(disable, rows, { expected: [200], toExhaust: 40 })
    const importer = await TestServiceAccount.withScopes(server, ['users:write'])
    const before = rows.written
    const statuses: number[] = []
    for (let i = 0; i < 8; i++) statuses.push((await importer.post('/users/import', importOf(i))).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429])
    expect(rows.written - before).toBeLessThanOrEqual(IMPORTED_APART_ROWS_AT_MOST)
  })

  it('a flood without an operator token writes nothing, at any operation of the admin API', async () => {
    const { server, app, rows } = await makeWorld()
    const { access_token: token } = await server.signIn(app, 'guest', 'guest')
    const before = rows.written
    for (const { method, path } of OPERATIONS) {
      for (const authorization of [undefined, 'Bearer garbage', `Bearer ${token}`]) {
        const headers = authorization === undefined ? HERE : { ...HERE, Authorization: authorization }
        const target = `/admin/api${path.replaceAll(/\{\w+\}/g, 'x')}`
        expect((await server.fetch(target, { method, headers })).status).toBe(401)
      }
    }
    expect(rows.written - before).toBe(0)
  })

  it('a flood of reads writes nothing, at any page of the account', async () => {
    const { server, rows } = await makeWorld()
    for (const { path } of accountPagesOf(server.services.config)) {
      const read = () => server.fetch(`/account/customers${path}?token=x`, { headers: HERE })
      expect((await read()).status).toBeLessThan(500)
      const before = rows.written
      await flood(read, { from: 0, times: 10 })
      expect([path, rows.written - before]).toEqual([path, 0])
    }
  })

  it('wrong passwords of a signed-in operator write no more rows than their budget', async () => {
    const { server, rows } = await makeWorld()
    const operator = await TestOperator.signIn(server)
    // The lock of an account ends the sessions of the minute before it.
    server.clock.time += 61
    const body = { current_password: 'wrong', password: `${PASSWORD}!` }
    const headers = {
      ...HERE,
      'Content-Type': 'application/json',
      Authorization: `Bearer ${operator.tokens.access_token}`,
    }
    const send = () =>
      server.fetch('/admin/api/me/password', { method: 'POST', headers, body: JSON.stringify(body) })
    await expectBounded(send, rows, { expected: [403], toExhaust: 40 })
  })

  it('repeats of a request with one Idempotency-Key write no row', async () => {
    const { server, rows } = await makeWorld()
    const operator = await TestOperator.signIn(server)
    const body = JSON.stringify(draft())
    const headers = {
      ...HERE,
      'Content-Type': 'application/json',
      'Idempotency-Key': '"one key"',
      Authorization: `Bearer ${operator.tokens.access_token}`,
    }
    const post = () => server.fetch('/admin/api/clients', { method: 'POST', headers, body })
    const first = await (await post()).text()
    const before = rows.written
    for (const response of await flood(post, { from: 0, times: 40 }))
      expect([response.status, await response.text()]).toEqual([201, first])
    expect(rows.written - before).toBe(0)
  })

  it('a service account writes no more rows than its budgets of requests and of records', async () => {
    const { server, rows } = await makeWorld()
    const account = await TestServiceAccount.withScopes(server, ['users:write'])
    const headers = {
      ...HERE,
      'Content-Type': 'application/json',
      Authorization: `Bearer ${account.tokens.access_token}`,
    }
    const { id } = await server.addUser()
    const disable = () => server.fetch(`/admin/api/users/${id}/disable`, { method: 'POST', headers })
    await expectBounded(disable, rows, { expected: [200], toExhaust: 40 })
    const importer = await TestServiceAccount.withScopes(server, ['users:write'])
    const post = (i: number) => importer.post('/users/import', importOf(i))
    const before = rows.written
    const statuses: number[] = []
    for (let i = 0; i < 8; i++) statuses.push((await post(i)).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429])
    expect(rows.written - before).toBeLessThanOrEqual(IMPORTED_ROWS_AT_MOST)
    server.clock.time += 5
    const { status, headers: refusal, body } = await post(9)
    expect([status, refusal.get('Retry-After'), body]).toEqual([
      429,
      '5',
      problem(429, 'too-many-requests', 'The budget of the caller is used up', {
        detail: 'It has changed or searched too many records.',
      }),
    ])
    expect((await importer.post('/users', newUser())).status).toBe(201)
  })

  it('a flood without a session writes nothing, at any page of the console', async () => {
    const { server, rows } = await makeWorld()
    await addConsoleClient(server)
    const form = { ...HERE, Origin: ISSUER, 'Content-Type': 'application/x-www-form-urlencoded' }
    // The first request of an hour records the use of the client.
    await server.fetch('/console', { headers: form })
    const before = rows.written
    const own = [
      { method: 'GET', path: '/sign-in' },
      { method: 'GET', path: '/callback' },
      { method: 'POST', path: '/sign-out' },
    ]
    for (const { method, path } of [...PAGES, ...own]) {
      const target = `/console${path.replaceAll(/:\w+/g, 'x')}`
      const response = await server.fetch(target, { method, headers: form })
      expect(response.status).toBeGreaterThanOrEqual(300)
    }
    expect(rows.written - before).toBe(0)
  })

  it('one code that is sent to the console again and again writes no more rows than its budget', async () => {
    const { server, rows } = await makeWorld()
    const { browser } = await signedIn(server)
    const { pathname, search } = await newResponse(browser)
    const headers = { ...HERE, Cookie: `${ATTEMPT}=${browser.pages.cookie(ATTEMPT)}` }
    const send = () => server.fetch(pathname + search, { headers })
    expect((await send()).status).toBe(200)
    await expectBounded(send, rows, { expected: [303] })
  })

  it('one sign-out of the console that is sent again and again writes no more rows than its budget', async () => {
    const { server, rows } = await makeWorld()
    const { cookie, csrfToken } = await ConsoleBrowser.signIn(server)
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const headers = { ...HERE, ...type, Origin: ISSUER, Cookie: `__Host-sallyport-console=${cookie}` }
    const body = new URLSearchParams({ csrf_token: csrfToken }).toString()
    const send = () => server.fetch('/console/sign-out', { method: 'POST', headers, body })
    await expectBounded(send, rows, { expected: [303] })
  })
})
