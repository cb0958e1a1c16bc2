import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { type RequestSession, ServerSessions } from '../examples/server-rendering/server_sessions.ts'
import { ISSUER, PASSWORD, STOREFRONT_AUDIENCE, TestServer } from './support/server.ts'
import { verify } from './support/tokens.ts'

const HOUR = 3600
const DELETED = '__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax'

/** A shop that renders on its server, the token service, and a user. */
async function openShop(config: Record<string, unknown> = {}) {
  const server = new TestServer({ config })
  const client = await server.addClient({ grants: ['password'] })
  const user = await server.addUser()
  const network = { isDown: false, requests: 0 }
  const sessions = new ServerSessions({
    issuer: ISSUER,
    clientId: client.id,
    clientSecret: client.secret,
    key: crypto.getRandomValues(new Uint8Array(32)),
    now: server.clock.now,
    fetch: async (input, init) => {
      network.requests++
      if (network.isDown) throw new TypeError('network error')
      return server.send(new Request(input, init))
    },
  })
  return { server, user, network, sessions }
}

/** The `Cookie` header of a browser that got this `Set-Cookie` header. */
function cookieOf(setCookie: string | null): string {
  return `theme=dark; ${setCookie?.split(';')[0]}`
}

function claimsOf({ accessToken }: RequestSession) {
  return decodeJwt(accessToken ?? '')
}

describe.each([['rfc6749'], ['oro']])('a server-rendered session, with errors: %s', (errors) => {
  it('an encrypted cookie under 4096 bytes keeps the session, and a request with a valid token calls no service', async () => {
    const { server, user, network, sessions } = await openShop({ errors })
    const setCookie = await sessions.signIn(user.username, PASSWORD, null)
    expect(setCookie).toMatch(
      /^__Host-session=[\w-]+\.\.[\w.-]+; Max-Age=2592000; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
    expect(setCookie?.length).toBeLessThan(4096)
    network.requests = 0
    const session = await sessions.open(cookieOf(setCookie))
    expect(session.setCookie).toBeNull()
    expect(network.requests).toBe(0)
    const { payload } = await verify(server, session.accessToken ?? '')
    expect(payload).toMatchObject({ sub: user.id, aud: STOREFRONT_AUDIENCE })
  })

  it('parallel requests with the same cookie get the same session after the token has expired', async () => {
    const { server, user, sessions } = await openShop({ errors })
    const cookie = cookieOf(await sessions.signIn(user.username, PASSWORD, null))
    server.clock.time += HOUR
    const opened = await Promise.all(Array.from({ length: 5 }, () => sessions.open(cookie)))
    expect(new Set(opened.map((session) => claimsOf(session).sid)).size).toBe(1)
    server.clock.time += HOUR
    for (const { setCookie } of opened) {
      const next = await sessions.open(cookieOf(setCookie))
      expect(claimsOf(next).sub).toBe(user.id)
    }
  })

  it('a lost cookie of a refresh ends the session only after the retry window', async () => {
    const { server, user, sessions } = await openShop({ errors })
    const cookie = cookieOf(await sessions.signIn(user.username, PASSWORD, null))
    server.clock.time += HOUR
    await sessions.open(cookie)
    server.clock.time += 59
    expect(claimsOf(await sessions.open(cookie)).sub).toBe(user.id)
    server.clock.time += 1
    expect(await sessions.open(cookie)).toEqual({ accessToken: null, setCookie: DELETED })
  })

  it('an outage of the token service keeps the cookie', async () => {
    const { server, user, network, sessions } = await openShop({ errors })
    const cookie = cookieOf(await sessions.signIn(user.username, PASSWORD, null))
    network.isDown = true
    server.clock.time += HOUR - 30
    expect(claimsOf(await sessions.open(cookie)).sub).toBe(user.id)
    server.clock.time += HOUR
    expect(await sessions.open(cookie)).toEqual({ accessToken: null, setCookie: null })
    await expect(sessions.signIn(user.username, PASSWORD, null)).rejects.toThrow('no response')
    network.isDown = false
    expect(claimsOf(await sessions.open(cookie)).sub).toBe(user.id)
  })

  it('a sign-in merges the guest of the cookie, and a wrong password changes nothing', async () => {
    const { user, sessions } = await openShop({ errors })
    const guestCookie = cookieOf(await sessions.signIn('guest', 'guest', null))
    const visitor = claimsOf(await sessions.open(guestCookie)).sub
    expect(await sessions.signIn(user.username, 'wrong', guestCookie)).toBeNull()
    const cookie = cookieOf(await sessions.signIn(user.username, PASSWORD, guestCookie))
    expect(claimsOf(await sessions.open(cookie))).toMatchObject({ sub: user.id, visitor_id: visitor })
  })

  it('a sign-out ends the session at the token service and deletes the cookie', async () => {
    const { server, user, sessions } = await openShop({ errors })
    const cookie = cookieOf(await sessions.signIn(user.username, PASSWORD, null))
    expect(await sessions.signOut(cookie)).toBe(DELETED)
    server.clock.time += HOUR
    expect(await sessions.open(cookie)).toEqual({ accessToken: null, setCookie: DELETED })
    expect(await sessions.signOut(null)).toBe(DELETED)
  })

  it('a cookie that another key encrypted is deleted, and a request without a cookie has no session', async () => {
    const { user, sessions } = await openShop({ errors })
    const other = await openShop({ errors })
    const cookie = cookieOf(await sessions.signIn(user.username, PASSWORD, null))
    expect(await other.sessions.open(cookie)).toEqual({ accessToken: null, setCookie: DELETED })
    expect(await sessions.open('theme=dark')).toEqual({ accessToken: null, setCookie: null })
  })
})
