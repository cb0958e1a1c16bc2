import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { aroundD1 } from '../support/around_d1.ts'
import { aroundObjects } from '../support/around_objects.ts'
import { auditOf } from '../support/audit.ts'
import {
  authorizeUrl,
  browserOf,
  CODE_CLIENT,
  exchangeOf,
  newCode,
  readCode,
  signInAt,
} from '../support/authorize.ts'
import { FAULTS, FaultyStore } from '../support/faults.ts'
import { readFeed } from '../support/feed.ts'
import { ISSUER, type TestClient, TestClock, TestServer } from '../support/server.ts'

const SHARDS = [
  { name: 's1', binding: 'DB' },
  { name: 'eu', binding: 'SESSIONS_EU', continents: ['EU'] },
]
const PLACES = { 'the main database': null, 'another database': 'EU', 'a session object': 'EU' } as const
type Place = keyof typeof PLACES

/** Where the sessions of the guest and of the customer are. */
const PLACEMENTS = (Object.keys(PLACES) as Place[]).flatMap((guest) =>
  (Object.keys(PLACES) as Place[]).map((customer) => ({ guest, customer })),
)

interface Guest {
  subject: string
  sid: string
  token: string
  refreshToken: string | undefined
}

describe('a visitor token at the authorization endpoint', () => {
  const d1 = new FaultyStore()
  const eu = new FaultyStore()
  const objects = new FaultyStore()
  const stores = {
    DB: aroundD1(d1.around),
    SESSIONS_EU: aroundD1(eu.around, env.SESSIONS_EU),
    SESSION_OBJECTS: aroundObjects(objects.around),
  }
  const clock = new TestClock()
  const [server, near] = [0, 1].map((perMarket) => {
    const config = { session_shards: SHARDS, session_objects: { per_market: perMarket } }
    return new TestServer({ clock, config, env: stores })
  }) as [TestServer, TestServer]
  let shop: TestClient
  let user: { id: string; username: string }

  beforeAll(async () => {
    shop = await server.addClient({ ...CODE_CLIENT, grants: [...CODE_CLIENT.grants, 'password'] })
    user = await server.addUser()
  })

  /** The isolate whose new sessions are in a place. Each isolate finds the sessions of every place. */
  function isolateOf(place: Place): TestServer {
    const isolate = place === 'a session object' ? near : server
    isolate.continent = PLACES[place]
    return isolate
  }

  async function newGuest(place: Place = 'the main database'): Promise<Guest> {
    const isolate = isolateOf(place)
    const { access_token: token, refresh_token: refreshToken } = await isolate.signIn(shop, 'guest', 'guest')
    const { sub, sid } = decodeJwt<{ sub: string; sid: string }>(token)
    return { subject: sub, sid, token, refreshToken }
  }

  /** A code of the user that merges a guest. */
  function newMerge({ subject, sid }: Guest, place: Place = 'the main database'): Promise<string> {
    return newCode(isolateOf(place), shop, user.id, { visitor: { subject, sid } })
  }

  async function recover(): Promise<void> {
    for (const store of [d1, eu, objects]) {
      await store.settle()
      store.comeBack()
    }
  }

  async function signInWith(token: string, client = shop, isolate = server): Promise<string | null> {
    const browser = browserOf(isolate)
    const page = await browser.open(authorizeUrl(client, { visitor_access_token: token }))
    expect(page.html).not.toContain(token)
    const end = await signInAt(browser, user.username)
    return end.url.searchParams.get('code')
  }

  it.each(PLACEMENTS)(
    'the exchange merges a guest of $guest into a customer of $customer',
    async (places) => {
      const guest = await newGuest(places.guest)
      const code = await signInWith(guest.token, shop, isolateOf(places.customer))
      await server.refresh(shop, guest.refreshToken)
      const tokens = await server.requireTokens(exchangeOf(shop, code))
      expect(decodeJwt(tokens.access_token)).toMatchObject({ sub: user.id, visitor_id: guest.subject })
      const refreshed = await server.refresh(shop, tokens.refresh_token)
      expect(decodeJwt(refreshed.access_token).visitor_id).toBe(guest.subject)
      await expect(server.refresh(shop, guest.refreshToken)).rejects.toThrow('invalid_grant')
      expect(await auditOf({ sid: guest.sid, kind: 'merge' })).toEqual([
        expect.objectContaining({ outcome: 'ok', subject: guest.subject, reason: `merged into ${user.id}` }),
      ])
      expect(JSON.stringify(await readFeed(server))).not.toContain(guest.sid)
    },
  )

  it.each(PLACEMENTS)('a guest of $guest merges into one of two customers of $customer', async (places) => {
    const guest = await newGuest(places.guest)
    const codes = await Promise.all(Array.from({ length: 2 }, () => newMerge(guest, places.customer)))
    const tokens = await Promise.all(codes.map((code) => server.requireTokens(exchangeOf(shop, code))))
    const visitors = tokens.map(({ access_token }) => decodeJwt(access_token).visitor_id)
    expect(visitors.filter((visitor) => visitor !== undefined)).toEqual([guest.subject])
    expect(await auditOf({ subject: user.id, kind: 'merge', outcome: 'refused' })).toContainEqual(
      expect.objectContaining({ reason: "the guest's session had already ended" }),
    )
  })

  it.each(PLACEMENTS)(
    'an exchange that a store failure stopped merges a guest of $guest into a customer of $customer later',
    async (places) => {
      const error = vi.spyOn(console, 'error').mockImplementation(() => {})
      for (const fault of FAULTS) {
        const guest = await newGuest(places.guest)
        const code = await newMerge(guest, places.customer)
        for (const store of [d1, eu, objects])
          store.judge = (sql) => (sql.includes('INTO sessions') ? fault : null)
        const refused = await server.postJson(exchangeOf(shop, code))
        expect([fault, refused.status, refused.headers.get('Retry-After')]).toEqual([fault, 503, '2'])
        await recover()
        const tokens = await server.requireTokens(exchangeOf(shop, code))
        expect([fault, decodeJwt(tokens.access_token).visitor_id]).toEqual([fault, guest.subject])
      }
      error.mockRestore()
    },
  )

  it.each(PLACEMENTS)(
    'one failed call of an exchange does not use up the code or the guest of $guest with a customer of $customer',
    async (places) => {
      for (const fault of FAULTS) {
        for (let nth = 1; nth <= 3; nth++) {
          const guest = await newGuest(places.guest)
          const code = await newMerge(guest, places.customer)
          let calls = 0
          for (const store of [d1, eu, objects])
            store.judge = (sql) => (sql.includes('INTO sessions') && ++calls === nth ? fault : null)
          const first = await server.postJson(exchangeOf(shop, code))
          await recover()
          const { access_token } = await first.json<{ access_token: string }>()
          expect([fault, nth, first.status, decodeJwt(access_token).visitor_id]).toEqual([
            fault,
            nth,
            200,
            guest.subject,
          ])
        }
      }
    },
  )

  it('a merged guest continues as a new guest, so a guest merges only once', async () => {
    const guest = await newGuest()
    await server.requireTokens(exchangeOf(shop, await signInWith(guest.token)))
    const browser = browserOf(server)
    await browser.open(authorizeUrl(shop, { visitor_access_token: guest.token, scope: 'cart' }))
    const { url } = await browser.press('Continue as guest')
    const revived = await server.requireTokens(exchangeOf(shop, url.searchParams.get('code')))
    expect(decodeJwt(revived.access_token).sub).not.toBe(guest.subject)
    const tokens = await server.requireTokens(exchangeOf(shop, await signInWith(guest.token)))
    expect(decodeJwt(tokens.access_token).visitor_id).toBeUndefined()
  })

  it('a refused exchange does not use the visitor token', async () => {
    const guest = await newGuest()
    const code = await newCode(server, shop, 'user:unknown', {
      visitor: { subject: guest.subject, sid: guest.sid },
    })
    expect((await server.postJson(exchangeOf(shop, code))).status).toBe(400)
    const wrong = await newMerge(guest)
    const badVerifier = exchangeOf(shop, wrong, { code_verifier: 'x'.repeat(43) })
    expect((await server.postJson(badVerifier)).status).toBe(400)
    expect((await server.postJson(exchangeOf(shop, wrong))).status).toBe(400)
    await server.refresh(shop, guest.refreshToken)
  })

  it('the server ignores and audits an invalid visitor token, and the visitor token of a third-party client', async () => {
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
    const guest = await newGuest()
    const { access_token: customer } = await server.signIn(shop, user.username)
    const cases = [
      [shop, 'garbage', 'the token is not a JWT'],
      [shop, customer, 'not the token of a guest'],
      [shop, guest.refreshToken ?? '', 'ERR_JWT_CLAIM_VALIDATION_FAILED typ'],
      [partner, guest.token, 'a third-party client sent a visitor token'],
    ] as const
    for (const [client, visitor_access_token, reason] of cases) {
      const response = await server.fetch(authorizeUrl(client, { visitor_access_token }).slice(ISSUER.length))
      expect([reason, response.status]).toEqual([reason, 200])
      const events = await auditOf({ client_id: client.id, kind: 'merge', outcome: 'refused' })
      expect(events.at(-1)).toMatchObject({ reason, subject: null, sid: null })
    }
    const { visitor } = await readCode(server, await signInWith('garbage'))
    expect(visitor).toBeNull()
    await server.refresh(shop, guest.refreshToken)
  })
})
