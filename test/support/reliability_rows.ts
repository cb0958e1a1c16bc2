import { decodeJwt } from 'jose'
import { expect } from 'vitest'
import { ConsoleBrowser } from './console.ts'
import { TestOperator } from './operator.ts'
import { credentials, ISSUER, PASSWORD, type TestClient, TestServer, type TokenResponse } from './server.ts'
import { readSession } from './session_stores.ts'

/** The callers, made once on working stores. */
export interface Home {
  server: TestServer
  client: TestClient
  username: string
  operator: TestOperator
  browser: ConsoleBrowser
}

/** A request that a test can repeat. */
export interface Asked {
  request(): Request
  /** Checks a successful response. */
  expectDone(response: Response): Promise<void>
  /** Checks that two requests, the first with a lost response, had one effect. Absent if there is nothing to check. */
  expectDoneOnce?(): Promise<void>
}

/** A row of the table in docs/reliability.md. */
export interface Row {
  /** The form of its refusals. */
  refusal: 'oauth' | 'problem' | 'page' | 'readiness'
  /** The maximum wait of the caller in milliseconds. */
  patienceMs?: number
  /** Whether a much later retry succeeds too. */
  isLasting?: boolean
  prepare(home: Home): Promise<Asked> | Asked
}

const ORIGIN = 'https://app.shop.test'
/** The timeout of `packages/verify` for documents, in milliseconds. */
const VERIFIER_READ_TIMEOUT_MS = 5000

/** @param config Further keys of config.yml */
export async function makeHome(config: Record<string, unknown>): Promise<Home> {
  const server = new TestServer({ config })
  const client = await server.addClient({ origins: [ORIGIN] })
  const { username } = await server.addUser()
  const operator = await TestOperator.signIn(server)
  const home = { server, client, username, operator, browser: await ConsoleBrowser.signIn(server) }
  await warmUp(server, home)
  return home
}

/** Fills the memory of an isolate and the copies in KV. */
export async function warmUp(isolate: TestServer, home: Home): Promise<void> {
  for (const row of [machineToken, jwks, feed, preflight]) {
    const { request, expectDone } = await row.prepare(home)
    await expectDone(await isolate.send(request()))
  }
}

function post(path: string, body: Record<string, unknown>): Request {
  const headers = { 'Content-Type': 'application/json' }
  return new Request(ISSUER + path, { method: 'POST', headers, body: JSON.stringify(body) })
}

function tokenRow(parameters: (home: Home) => Record<string, unknown>, isLasting = false): Row {
  return {
    refusal: 'oauth',
    isLasting,
    prepare: (home) => ({
      request: () => post('/oauth2-token', { ...credentials(home.client), ...parameters(home) }),
      async expectDone(response) {
        expect([response.status, await response.json()]).toEqual([
          200,
          expect.objectContaining({ token_type: 'Bearer' }),
        ])
      },
    }),
  }
}

/** The second refresh of a session, whose row exists since the first. */
function refreshRow(signIn: (home: Home) => Promise<TokenResponse>): Row {
  return {
    refusal: 'oauth',
    async prepare(home) {
      const { server, client } = home
      const { refresh_token } = await server.refresh(client, (await signIn(home)).refresh_token)
      const { sid } = decodeJwt<{ sid: string }>(refresh_token ?? '')
      const expectSeq = async (seq: number) => {
        expect(await readSession(sid, 'seq, ended_at')).toEqual([{ seq, ended_at: null }])
      }
      return {
        request: () =>
          post('/oauth2-token', { grant_type: 'refresh_token', ...credentials(client), refresh_token }),
        async expectDone(response) {
          expect(response.status).toBe(200)
          const successor = await response.json<TokenResponse>()
          expect(decodeJwt(successor.refresh_token ?? '')).toMatchObject({ sid, seq: 2 })
          await expectSeq(2)
        },
        expectDoneOnce: () => expectSeq(2),
      }
    },
  }
}

/** A request about a valid token of a guest. */
function tokenInQuestionRow(path: string, expected: unknown): Row {
  return {
    refusal: 'oauth',
    async prepare({ server, client }) {
      const { access_token: token } = await server.signIn(client, 'guest', 'guest')
      return {
        request: () => post(path, { ...credentials(client), token }),
        async expectDone(response) {
          expect([response.status, await response.json()]).toEqual([200, expected])
        },
      }
    },
  }
}

/** A public document. A repeated request gets the same document. */
function documentRow(path: string): Row {
  let first: string | null = null
  return {
    refusal: 'oauth',
    patienceMs: VERIFIER_READ_TIMEOUT_MS,
    isLasting: true,
    prepare: () => ({
      request: () => new Request(ISSUER + path),
      async expectDone(response) {
        expect(response.status).toBe(200)
        const text = new TextDecoder().decode(await response.arrayBuffer())
        first ??= text
        if (path !== '/revocations') expect(text).toBe(first)
      },
    }),
  }
}

function healthRow(path: string, status: string, refusal: Row['refusal']): Row {
  return {
    refusal,
    isLasting: true,
    prepare: () => ({
      request: () => new Request(ISSUER + path),
      async expectDone(response) {
        expect([response.status, await response.json()]).toMatchObject([200, { status }])
      },
    }),
  }
}

const preflight: Row = {
  refusal: 'oauth',
  isLasting: true,
  prepare: () => ({
    request: () => {
      const headers = { Origin: ORIGIN, 'Access-Control-Request-Method': 'POST' }
      return new Request(`${ISSUER}/oauth2-token`, { method: 'OPTIONS', headers })
    },
    async expectDone(response) {
      expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([204, ORIGIN])
    },
  }),
}

function asOperator({ operator }: Home, path: string, init: RequestInit = {}): Request {
  const authorization = { Authorization: `Bearer ${operator.tokens.access_token}` }
  return new Request(`${ISSUER}/admin/api${path}`, {
    ...init,
    headers: { ...authorization, ...Object.fromEntries(new Headers(init.headers)) },
  })
}

const readRow: Row = {
  refusal: 'problem',
  prepare: (home) => ({
    request: () => asOperator(home, `/clients/${home.client.id}`),
    async expectDone(response) {
      expect([response.status, await response.json()]).toEqual([
        200,
        expect.objectContaining({ client_id: home.client.id }),
      ])
    },
  }),
}

/** A change of a record with version 1 that no other test uses. */
function changeRow(add: (home: Home) => Promise<string>, change: Record<string, unknown>): Row {
  return {
    refusal: 'problem',
    async prepare(home) {
      const path = await add(home)
      const headers = { 'Content-Type': 'application/json', 'If-Match': '"1"' }
      return {
        request: () => asOperator(home, path, { method: 'PATCH', headers, body: JSON.stringify(change) }),
        async expectDone(response) {
          expect([response.status, await response.json()]).toEqual([200, expect.objectContaining(change)])
        },
        async expectDoneOnce() {
          const { headers, body } = await home.operator.get(path)
          expect([headers.get('ETag'), body]).toEqual(['"2"', expect.objectContaining(change)])
        },
      }
    },
  }
}

const pageRow: Row = {
  refusal: 'page',
  prepare: ({ browser }) => ({
    request: () => {
      const headers = { Cookie: `__Host-sallyport-console=${browser.cookie}` }
      return new Request(`${ISSUER}/console/clients`, { headers })
    },
    async expectDone(response) {
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('<h1>')])
    },
  }),
}

const machineToken = tokenRow(() => ({ grant_type: 'client_credentials' }), true)
const jwks = documentRow('/.well-known/jwks.json')
const feed = documentRow('/revocations')
const guest = { grant_type: 'password', username: 'guest', password: 'guest' }

/** The rows by their names in the table. */
export const ROWS: ReadonlyMap<string, Row> = new Map([
  ['Guest token', tokenRow(() => guest, true)],
  ['Machine token', machineToken],
  ['Password sign-in', tokenRow(({ username }) => ({ ...guest, username, password: PASSWORD }))],
  ["Guest's refresh", refreshRow(({ server, client }) => server.signIn(client, 'guest', 'guest'))],
  ["Customer's refresh", refreshRow(({ server, client, username }) => server.signIn(client, username))],
  ['Revocation', tokenInQuestionRow('/oauth2-token/revoke', {})],
  [
    'Introspection',
    tokenInQuestionRow('/oauth2-token/introspect', expect.objectContaining({ active: true })),
  ],
  ['JWKS', jwks],
  ['Metadata', documentRow('/.well-known/oauth-authorization-server')],
  ['Revocation feed', feed],
  ['CORS preflight', preflight],
  ['`/health`', healthRow('/health', 'ok', 'oauth')],
  ['`/health/ready`', healthRow('/health/ready', 'ready', 'readiness')],
  ['Admin API, read', readRow],
  [
    'Admin API, change of a user',
    changeRow(async ({ server }) => `/users/${(await server.addUser()).id}`, { roles: ['vip'] }),
  ],
  [
    'Admin API, change of a client',
    changeRow(async ({ server }) => `/clients/${(await server.addClient()).id}`, { name: 'Renamed' }),
  ],
  ['Console page', pageRow],
])

/** The rows of requests that begin, use, end or read a session. */
export const SESSION_ROWS: ReadonlySet<string> = new Set([
  'Guest token',
  'Password sign-in',
  "Guest's refresh",
  "Customer's refresh",
  'Revocation',
  'Introspection',
])
