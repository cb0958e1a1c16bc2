import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { expect, it, onTestFinished, vi } from 'vitest'
import { isAuditWrite, isOptionalCall } from './support/around_d1.ts'
import { FAULTS, FaultyD1, type Trouble } from './support/faults.ts'
import { PassingTime } from './support/passing_time.ts'
import { credentials, PASSWORD, type TestClient, TestServer, type TokenResponse } from './support/server.ts'
import { describeStores, readSession } from './support/session_stores.ts'

const UNAVAILABLE = {
  error: 'temporarily_unavailable',
  error_description: 'The service is not available now. Try again shortly.',
}

/** More calls than a request can make. */
const CALLS_AT_MOST = 20

/** A request, and the state that must hold after its success. */
interface Attempt {
  path: string
  body: Record<string, unknown>
  expectDone(response: Response, faulty: FaultyD1): Promise<void>
}

interface Scene {
  server: TestServer
  client: TestClient
}

type Prepare = (scene: Scene) => Promise<Attempt>

async function newScene(): Promise<Scene> {
  const server = new TestServer()
  return { server, client: await server.addClient() }
}

/** An isolate with empty memory and no copies, which reads everything from D1. */
async function coldIsolate({ server, client }: Scene, { db, objects }: FaultyD1): Promise<TestServer> {
  await Promise.all([env.KV.delete(`client:${client.id}`), env.KV.delete('keys')])
  return new TestServer({ clock: server.clock, env: { DB: db, SESSION_OBJECTS: objects } })
}

const rowsOf = (sid: unknown) => readSession(String(sid), 'seq, end_reason')

async function countRevocations(sid: unknown) {
  return env.DB.prepare("SELECT count(*) AS n FROM cutoffs WHERE kind = 'sid' AND value = ?")
    .bind(sid)
    .first('n')
}

async function expectSignedIn({ server, client }: Scene, tokens: TokenResponse): Promise<void> {
  const { sid, seq } = decodeJwt(tokens.refresh_token ?? '')
  const next = await server.refresh(client, tokens.refresh_token)
  expect(decodeJwt(next.refresh_token ?? '')).toMatchObject({ sid, seq: Number(seq) + 1 })
}

/** A refresh of a customer's session after a number of refreshes. */
function refreshAfter(refreshes: number): Prepare {
  return async (scene) => {
    const { server, client } = scene
    const { username } = await server.addUser()
    const elsewhere = await server.signIn(client, username)
    let tokens = await server.signIn(client, username)
    for (let i = 0; i < refreshes; i++) tokens = await server.refresh(client, tokens.refresh_token)
    const { sid } = decodeJwt(tokens.access_token)
    const body = {
      grant_type: 'refresh_token',
      ...credentials(client),
      refresh_token: tokens.refresh_token,
    }
    return {
      path: '/oauth2-token',
      body,
      async expectDone(response) {
        expect(response.status).toBe(200)
        const successor = await response.json<TokenResponse>()
        expect(decodeJwt(successor.refresh_token ?? '')).toMatchObject({ sid, seq: refreshes + 1 })
        expect(await rowsOf(sid)).toEqual([{ seq: refreshes + 1, end_reason: null }])
        expect(await countRevocations(sid)).toBe(0)
        await expectSignedIn(scene, successor)
        await expectSignedIn(scene, elsewhere)
      },
    }
  }
}

async function signInWithVisitor(scene: Scene): Promise<Attempt> {
  const { server, client } = scene
  const { id, username } = await server.addUser()
  const guest = await server.signIn(client, 'guest', 'guest')
  const visitor = decodeJwt(guest.access_token)
  const body = {
    grant_type: 'password',
    ...credentials(client),
    username,
    password: PASSWORD,
    visitor_access_token: guest.access_token,
  }
  return {
    path: '/oauth2-token',
    body,
    async expectDone(response, faulty) {
      expect(response.status).toBe(200)
      const tokens = await response.json<TokenResponse>()
      // A guest's token works once, also if the response with the merge was lost.
      const isSpent = faulty.hasChangedSession
      const claims = decodeJwt(tokens.access_token)
      expect(claims).toMatchObject({ sub: id, client_id: client.id })
      expect(claims.visitor_id).toBe(isSpent ? undefined : visitor.sub)
      expect(await rowsOf(visitor.sid)).toEqual([{ seq: 0, end_reason: 'merged into a customer' }])
      expect(await countRevocations(visitor.sid)).toBe(0)
      expect(await rowsOf(claims.sid)).toEqual([])
      await expectSignedIn(scene, tokens)
    },
  }
}

/** The revocation of one of two sessions of a customer, with either token. */
function revokeBy(name: 'access_token' | 'refresh_token'): Prepare {
  return async (scene) => {
    const { server, client } = scene
    const { username } = await server.addUser()
    const elsewhere = await server.signIn(client, username)
    const tokens = await server.refresh(client, (await server.signIn(client, username)).refresh_token)
    const { sid } = decodeJwt(tokens.access_token)
    return {
      path: '/oauth2-token/revoke',
      body: { ...credentials(client), token: tokens[name] },
      async expectDone(response) {
        expect([response.status, await response.json()]).toEqual([200, {}])
        expect(await rowsOf(sid)).toEqual([{ seq: 1, end_reason: 'revoked by its client' }])
        expect(await countRevocations(sid)).toBe(1)
        await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('400')
        await expectSignedIn(scene, elsewhere)
      },
    }
  }
}

const REQUESTS = [
  { what: 'the first refresh of a session', prepare: refreshAfter(0), auditWrites: 1 },
  { what: 'a later refresh', prepare: refreshAfter(3), auditWrites: 1 },
  { what: 'a sign-in with visitor_access_token', prepare: signInWithVisitor, auditWrites: 1 },
  { what: 'a revocation by the access token', prepare: revokeBy('access_token'), auditWrites: 1 },
  { what: 'a revocation by the refresh token', prepare: revokeBy('refresh_token'), auditWrites: 1 },
]

type Matches = (sql: string) => boolean

/** Sends a request whose nth matching call to D1 fails. */
async function failOnce(prepare: Prepare, fault: Trouble, nth: number, matches: Matches) {
  const scene = await newScene()
  const { path, body, expectDone } = await prepare(scene)
  const faulty = new FaultyD1({ fault, nth, matches })
  const isolate = await coldIsolate(scene, faulty)
  const time = new PassingTime(faulty)
  const send = () => time.during(isolate.postJson(body, {}, path))
  const response = await send()
  return { response, faulty, scene, send, expectDone }
}

/** Every position of one fault in a request: the first matching call, the second, and so on. */
async function forEachCall(
  { prepare, fault }: { prepare: Prepare; fault: Trouble },
  matches: Matches,
  check: (attempt: Awaited<ReturnType<typeof failOnce>>) => Promise<void>,
): Promise<number> {
  for (let nth = 1; nth <= CALLS_AT_MOST; nth++) {
    const attempt = await failOnce(prepare, fault, nth, matches)
    if (attempt.faulty.failed === null) return nth - 1
    await check(attempt)
  }
  throw new Error(`more than ${CALLS_AT_MOST} calls to D1`)
}

const FAILING = REQUESTS.flatMap((request) =>
  FAULTS.map((fault) => ({ ...request, fault: fault as Trouble, trouble: `fails ${fault}` })),
)
const BREAKING = REQUESTS.map((request) => {
  const fault: Trouble = 'in the middle of its batch'
  return { ...request, fault, trouble: `fails ${fault}` }
})
const HANGING = REQUESTS.flatMap((request) =>
  (['hangs before it is made', 'hangs after it is done'] as const).map((fault) => ({
    ...request,
    fault,
    trouble: fault,
  })),
)

describeStores('a store that fails once', () => {
  it.each([...FAILING, ...BREAKING, ...HANGING])(
    '$what gets 503 if a call $trouble, and the retry succeeds',
    async (request) => {
      // The isolate reads the keys before their use, and again after a failure.
      const isAwaited = (sql: string) => !isOptionalCall(sql) && !sql.includes('FROM signing_keys')
      const calls = await forEachCall(request, isAwaited, async (attempt) => {
        const { response, faulty, scene, send, expectDone } = attempt
        expect([response.status, await response.json()]).toEqual([503, UNAVAILABLE])
        expect(response.headers.get('Retry-After')).toMatch(/^[1-9]\d*$/)
        scene.server.clock.time += 59
        const retry = await send()
        // The hanging calls complete after the retry and must change nothing.
        await faulty.settle()
        await expectDone(retry, faulty)
      })
      // At least the reads of the client and the session.
      expect(calls).toBeGreaterThanOrEqual(2)
    },
  )

  it.each(FAILING)('$what succeeds and logs the failure if an audit write fails $fault', async (request) => {
    const errors = vi.spyOn(console, 'error')
    onTestFinished(() => errors.mockRestore())
    const writes = await forEachCall(request, isAuditWrite, async ({ response, faulty, expectDone }) => {
      await faulty.settle()
      const failures = errors.mock.calls.map(([line]) => JSON.parse(line))
      // The alarm of an object can fail too, because time passes for its calls.
      expect(failures.filter(({ event }) => event !== 'session_object_not_sent')).toEqual([
        {
          level: 'error',
          event: 'deferred_work_failed',
          work: 'deferred writes',
          cause: expect.stringContaining(`the call fails ${request.fault}`),
        },
      ])
      await expectDone(response, faulty)
      errors.mockClear()
    })
    expect(writes).toBe(request.auditWrites)
  })
})
