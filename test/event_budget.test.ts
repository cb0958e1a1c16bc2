import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { EVENTS_PER_MINUTE, isRepeatable } from '../src/audit/audit_budget.ts'
import { AUDIT_KINDS, type AuditEvent } from '../src/audit/audit_event.ts'
import { auditOf } from './support/audit.ts'
import { credentials, emptyStores, PASSWORD, type TestClient, TestServer } from './support/server.ts'

const from = (address: string) => ({ 'CF-Connecting-IP': address })
const HERE = from('198.51.100.1')
const INVALID_GRANT = { error: 'invalid_grant', error_description: expect.any(String) }

const AT_ONCE = 50

/** A binding that lets everything through, so that the budget of one isolate is what is tested. */
const OPEN = { AUDIT_LIMIT: { limit: async () => ({ success: true }) } }

/** The signing key of an empty store has an event of its own. */
const count = (condition = "kind <> 'key'") =>
  env.DB.prepare(`SELECT count(*) AS n FROM audit_events WHERE ${condition}`).first<number>('n')

/** A sign-in that no user can have. It is refused before anything is read or hashed. */
const impossible = (client: TestClient) => ({
  grant_type: 'password',
  ...credentials(client),
  username: '\0',
  password: PASSWORD,
})

/** Sends so many requests, some at once, and checks that each gets the response of the first. */
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

  it('gives each refused sign-in the same response, and writes rows for the first ones alone', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(200, () => server.postJson(impossible(client), HERE))
    expect(await count()).toBe(EVENTS_PER_MINUTE.address)
  })

  it('is summed up once a minute, by kind and network, in one row', async () => {
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
      reason: '140 more in 60 s, counted without a row for each',
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

  it('is one for all addresses of an IPv6 /48 together', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(300, (i) => server.postJson(impossible(client), from(`2001:db8:7:${i.toString(16)}::1`)))
    expect(await count()).toBe(EVENTS_PER_MINUTE.network)
  })

  it('is one for all callers without an address together', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(300, () => server.postJson(impossible(client)))
    expect(await count()).toBe(EVENTS_PER_MINUTE.network)
  })

  it('is one for all strangers of an isolate together, however many networks they come from', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(400, (i) => server.postJson(impossible(client), from(`10.${i >> 8}.${i & 255}.1`)))
    expect(await count()).toBe(EVENTS_PER_MINUTE.strangers)
    server.clock.time += 60
    await server.signIn(client, 'guest', 'guest')
    // 50 networks are told apart; the others share one row.
    const rows = await auditOf({ kind: 'sign_in_failure' })
    const summaries = rows.slice(EVENTS_PER_MINUTE.strangers)
    expect(summaries).toHaveLength(51)
    expect(summaries.filter((row) => row.address_prefix === null)).toEqual([
      expect.objectContaining({ reason: '50 more in 60 s, counted without a row for each' }),
    ])
  })

  it('is larger for a confidential client, and a flood of strangers takes nothing from it', async () => {
    const server = new TestServer({ env: OPEN })
    const [stranger, shop] = [await server.addClient({ confidential: false }), await server.addClient()]
    await flood(400, (i) => server.postJson(impossible(stranger), from(`10.${i >> 8}.${i & 255}.1`)))
    await flood(300, () => server.postJson(impossible(shop), HERE))
    expect(await count(`client_id = '${shop.id}'`)).toBe(300)
  })

  it('is one for each session: a user who retries without end leaves the budget of the shop to others', async () => {
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
      reason: '89 more in 60 s, counted without a row for each',
      client_id: shop.id,
      sid: null,
    })
  })

  it('holds at a location for a network, however many isolates its requests reach', async () => {
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
    // The binding counts by the minute of the clock, which may change meanwhile.
    expect(written).toBeLessThanOrEqual(2 * EVENTS_PER_MINUTE.network)
    if (written !== 400) expect(written).toBeLessThan(400)
  })
})

/** Events as their kinds have them where they are not past any budget. */
function eventOf(kind: AuditEvent['kind'], i: number): AuditEvent {
  const who = { api: 'storefront', clientId: 'shop', subject: `user:${i}`, sid: `s1.${i}` }
  return { kind, outcome: 'ok', reason: 'password', ...who }
}

describe('an event that its caller cannot repeat', () => {
  beforeEach(emptyStores)
  const kinds = AUDIT_KINDS.filter((kind) => !isRepeatable(eventOf(kind, 0)))

  it('is of every kind but refusals, retries and unchecked passwords', () => {
    expect(AUDIT_KINDS.filter((kind) => !kinds.includes(kind))).toEqual([
      'sign_in_failure',
      'refresh_refused',
      'retry',
      'unchecked_password',
    ])
  })

  it('is written in the middle of a flood, whatever its kind', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient({ confidential: false })
    await flood(400, (i) => server.postJson(impossible(client), from(`10.${i >> 8}.${i & 255}.1`)))
    for (const kind of kinds) server.services.audit.record(eventOf(kind, 1), server.context())
    await server.settle()
    // The empty store got its signing key with the first request.
    for (const kind of kinds) expect(await auditOf({ kind })).toHaveLength(kind === 'key' ? 2 : 1)
  })

  it('is written for each of thousands of sign-ins a minute by one storefront', async () => {
    const server = new TestServer({ env: OPEN })
    const context = { ...server.context(), address: '198.51.100.1', addressPrefix: '198.51.100.0/24' }
    for (let i = 0; i < 5000; i++) {
      server.services.audit.record({ ...eventOf('issue', i), isFromClient: true }, context)
    }
    await server.settle()
    expect(await count("kind = 'issue'")).toBe(5000)
  })

  it('is every event of an operator, a refusal too', () => {
    const actor = { subject: 'user:1', clientId: 'console' }
    for (const kind of AUDIT_KINDS) {
      expect(isRepeatable({ ...eventOf(kind, 0), outcome: 'refused', actor })).toBe(false)
    }
  })
})

describe('tokens of a client itself', () => {
  beforeEach(emptyStores)

  it('are counted past 600 a minute in an isolate, by API and client', async () => {
    const server = new TestServer({ env: OPEN })
    const client = await server.addClient()
    const body = { grant_type: 'client_credentials', ...credentials(client) }
    const requests = Array.from({ length: EVENTS_PER_MINUTE.client + 5 }, () => server.requireTokens(body))
    await Promise.all(requests)
    expect(await count("kind = 'issue'")).toBe(EVENTS_PER_MINUTE.client)
    server.clock.time += 60
    await server.requireTokens(body)
    expect(await auditOf({ reason: '5 more in 60 s, counted without a row for each' })).toEqual([
      expect.objectContaining({ kind: 'issue', api: 'storefront', client_id: client.id }),
    ])
  })
})
