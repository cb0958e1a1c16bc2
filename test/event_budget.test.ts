import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { EVENTS_PER_MINUTE, isRepeatable } from '../src/audit/audit_budget.ts'
import { AUDIT_KINDS, type AuditEvent } from '../src/audit/audit_event.ts'
import { auditOf } from './support/audit.ts'
import { authorizeUrl, CODE_CLIENT } from './support/authorize.ts'
import { CHALLENGE_PATH, challengeOf, STEP_CLIENT } from './support/challenge.ts'
import { DpopKey } from './support/dpop.ts'
import { credentials, emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from './support/server.ts'

const from = (address: string) => ({ 'CF-Connecting-IP': address })
const HERE = from('198.51.100.1')
const INVALID_GRANT = { error: 'invalid_grant', error_description: expect.any(String) }

const AT_ONCE = 50

/** A binding without a limit, so that the test measures the budget of one isolate. */
const OPEN = { AUDIT_LIMIT: { limit: async () => ({ success: true }) } }

/** The creation of the first signing key writes one event. */
const count = (condition = "kind <> 'key'") =>
  env.DB.prepare(`SELECT count(*) AS n FROM audit_events WHERE ${condition}`).first<number>('n')

/** A sign-in with an invalid name. It is refused before any read or hash. */
const impossible = (client: TestClient) => ({
  grant_type: 'password',
  ...credentials(client),
  username: '\0',
  password: PASSWORD,
})

/** Sends a number of requests, some in parallel, and checks that each gets the response of the first. */
async function flood(times: number, send: (i: number) => Promise<Response>): Promise<void> {
  for (let sent = 0; sent < times; sent += AT_ONCE) {
    const size = Math.min(AT_ONCE, times - sent)
    const responses = await Promise.all(Array.from({ length: size }, (_, i) => send(sent + i)))
    for (const response of responses) {
      expect([response.status, await response.json()]).toEqual([400, INVALID_GRANT])
    }
  }
}

describe('the budget of audit events', () => {
  beforeEach(emptyStores)

  it('each refused sign-in gets the same response, and only the first ones write rows', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(200, () => server.postJson(impossible(client), HERE))
    expect(await count()).toBe(EVENTS_PER_MINUTE.address)
  })

  it('a browser request for a confidential client uses the budget of its address, because it has no secret', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ ...CODE_CLIENT, confidential: true })
    const path = authorizeUrl(client, { visitor_access_token: 'x' }).slice(ISSUER.length)
    for (let sent = 0; sent < 2 * EVENTS_PER_MINUTE.address; sent += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, () => server.fetch(path, { headers: HERE })))
    expect(await count("kind = 'merge'")).toBe(EVENTS_PER_MINUTE.address)
  })

  it('a public client with a DPoP proof uses the budget of its address, because anyone can make a key', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ ...STEP_CLIENT, confidential: false })
    const key = await DpopKey.create()
    const send = async () => {
      const proof = await key.prove(server, { path: CHALLENGE_PATH })
      const body = { ...challengeOf(client), client_secret: undefined, visitor_access_token: 'x' }
      return server.postJson(body, { ...HERE, DPoP: proof }, CHALLENGE_PATH)
    }
    for (let sent = 0; sent < 2 * EVENTS_PER_MINUTE.address; sent += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, send))
    expect(await count("kind = 'merge'")).toBe(EVENTS_PER_MINUTE.address)
  })

  it('one row a minute summarizes the events above the budget, by kind and network', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(200, () => server.postJson(impossible(client), HERE))
    server.clock.time += 59
    await flood(1, () => server.postJson(impossible(client), from('198.51.100.2')))
    expect(await count("reason LIKE '%more%'")).toBe(0)
    server.clock.time += 1
    await server.signIn(client, 'guest', 'guest')
    const summary = {
      kind: 'sign_in_failure',
      outcome: 'refused',
      reason: '140 more events in 60 s, without rows of their own',
      address_prefix: '198.51.100.0/24',
      api: null,
      client_id: null,
      subject: null,
      sid: null,
      actor: null,
      actor_client: null,
    }
    expect((await auditOf({ kind: 'sign_in_failure' })).at(-1)).toEqual(summary)
    server.clock.time += 60
    await server.signIn(client, 'guest', 'guest')
    expect(await count("reason LIKE '%more%'")).toBe(1)
  })

  it('all addresses of an IPv6 /48 share one budget', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(300, (i) => server.postJson(impossible(client), from(`2001:db8:7:${i.toString(16)}::1`)))
    expect(await count()).toBe(EVENTS_PER_MINUTE.network)
  })

  it('all callers without an address share one budget', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(300, () => server.postJson(impossible(client)))
    expect(await count()).toBe(EVENTS_PER_MINUTE.network)
  })

  it('all unauthenticated callers of an isolate share one budget, from any number of networks', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(400, (i) => server.postJson(impossible(client), from(`10.${i >> 8}.${i & 255}.1`)))
    expect(await count()).toBe(EVENTS_PER_MINUTE.strangers)
    server.clock.time += 60
    await server.signIn(client, 'guest', 'guest')
    // 50 networks have their own rows; the others share one row.
    const rows = await auditOf({ kind: 'sign_in_failure' })
    const summaries = rows.slice(EVENTS_PER_MINUTE.strangers)
    expect(summaries).toHaveLength(51)
    expect(summaries.filter((row) => row.address_prefix === null)).toEqual([
      expect.objectContaining({ reason: '50 more events in 60 s, without rows of their own' }),
    ])
  })

  it('a confidential client has a larger budget, and unauthenticated callers do not use it', async () => {
    const server = new TestServer({ env: OPEN })
    const [stranger, shop] = [await server.addClient({ confidential: false }), await server.addClient()]
    await flood(400, (i) => server.postJson(impossible(stranger), from(`10.${i >> 8}.${i & 255}.1`)))
    await flood(300, () => server.postJson(impossible(shop), HERE))
    expect(await count(`client_id = '${shop.id}'`)).toBe(300)
  })

  it('each session has a budget, so that endless retries of one user do not use the budget of the shop', async () => {
    const server = new TestServer({ env: OPEN })
    const shop = await server.addClient()
    const { refresh_token } = await server.signIn(shop, 'guest', 'guest')
    await Promise.all(Array.from({ length: 100 }, () => server.refresh(shop, refresh_token)))
    const { sid } = decodeJwt<{ sid: string }>(refresh_token ?? '')
    expect(await auditOf({ sid, kind: 'refresh' })).toHaveLength(1)
    expect(await auditOf({ sid, kind: 'retry' })).toHaveLength(EVENTS_PER_MINUTE.session)
    server.clock.time += 60
    await server.signIn(shop, 'guest', 'guest')
    expect((await auditOf({ kind: 'retry' })).at(-1)).toMatchObject({
      reason: '89 more events in 60 s, without rows of their own',
      client_id: shop.id,
      sid: null,
    })
  })

  it('the budget of a network holds at a location, over any number of isolates', async () => {
    const isolates = [
      new TestServer(),
      new TestServer(),
      new TestServer(),
      new TestServer(),
      new TestServer(),
    ]
    const client = await new TestServer().addClient({ confidential: false })
    await flood(400, (i) =>
      (isolates[i % isolates.length] as TestServer).postJson(
        impossible(client),
        from(`203.0.114.${i % 250}`),
      ),
    )
    const written = await count()
    expect(written).toBeGreaterThan(0)
    // The binding counts by the minute of the clock, which can change during the test.
    expect(written).toBeLessThanOrEqual(2 * EVENTS_PER_MINUTE.network)
    if (written !== 400) expect(written).toBeLessThan(400)
  })
})

/** Events as they are recorded within every budget. */
function eventOf(kind: AuditEvent['kind'], i: number): AuditEvent {
  const who = { api: 'storefront', clientId: 'shop', subject: `user:${i}`, sid: `s1.${i}` }
  return { kind, outcome: 'ok', reason: 'password', ...who }
}

describe('an event that its caller cannot repeat', () => {
  beforeEach(emptyStores)
  const kinds = AUDIT_KINDS.filter((kind) => !isRepeatable(eventOf(kind, 0)))

  it('only refusals, retries and unchecked passwords are repeatable events', () => {
    expect(AUDIT_KINDS.filter((kind) => !kinds.includes(kind))).toEqual([
      'sign_in_failure',
      'refresh_refused',
      'code_refused',
      'retry',
      'unchecked_password',
    ])
  })

  it('an event that is not repeatable is written during a flood', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(400, (i) => server.postJson(impossible(client), from(`10.${i >> 8}.${i & 255}.1`)))
    for (const kind of kinds) server.services.audit.record(eventOf(kind, 1), server.context())
    await server.settle()
    // The first request created the signing key.
    for (const kind of kinds) expect(await auditOf({ kind })).toHaveLength(kind === 'key' ? 2 : 1)
  })

  it('each of thousands of sign-ins a minute by one storefront has its event', async () => {
    const server = new TestServer({ env: OPEN })
    const context = { ...server.context(), address: '198.51.100.1', addressPrefix: '198.51.100.0/24' }
    for (let i = 0; i < 5000; i++) {
      server.services.audit.record({ ...eventOf('issue', i), isFromClient: true }, context)
    }
    await server.settle()
    expect(await count("kind = 'issue'")).toBe(5000)
  })

  it('no event of an operator is repeatable, not even a refusal', () => {
    const actor = { subject: 'user:1', clientId: 'console' }
    for (const kind of AUDIT_KINDS) {
      expect(isRepeatable({ ...eventOf(kind, 0), outcome: 'refused', actor })).toBe(false)
    }
  })
})

describe('tokens of a machine', () => {
  beforeEach(emptyStores)

  it('tokens above 600 a minute in an isolate are counted, by API and client', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient()
    const body = { grant_type: 'client_credentials', ...credentials(client) }
    const requests = Array.from({ length: EVENTS_PER_MINUTE.client + 5 }, () => server.requireTokens(body))
    await Promise.all(requests)
    expect(await count("kind = 'issue'")).toBe(EVENTS_PER_MINUTE.client)
    server.clock.time += 60
    await server.requireTokens(body)
    expect(await auditOf({ reason: '5 more events in 60 s, without rows of their own' })).toEqual([
      expect.objectContaining({ kind: 'issue', api: 'storefront', client_id: client.id }),
    ])
  })
})
