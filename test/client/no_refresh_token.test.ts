import { describe, expect, it } from 'vitest'
import { API, Browser, CART, claimsOf, customer, grantsOf, HOUR, subjectOf } from '../support/browser.ts'
import { PASSWORD, TestServer } from '../support/server.ts'
import { fakeWaits, hurry } from '../support/waits.ts'

const OFF = { enable_refresh_token: false }

fakeWaits()

describe('without refresh tokens', () => {
  it('a guest ends with its access token, and the next request starts a new guest', async () => {
    const browser = await Browser.open(OFF)
    const tab = browser.tab()
    const first = await subjectOf(await tab.fetch(CART))
    browser.server.clock.time += HOUR - 30
    expect(await subjectOf(await browser.tab().fetch(CART))).toBe(first)
    expect(tab.session?.refreshToken).toBeNull()
    browser.server.clock.time += 30
    expect(await subjectOf(await tab.fetch(CART))).not.toBe(first)
    expect(grantsOf(browser)).toEqual(['password', 'password'])
    expect(browser.events).toEqual(['guest_started', 'session_ended', 'guest_started'])
  })

  it('a sign-in transfers the cart after any delay', async () => {
    const browser = await Browser.open(OFF)
    const user = await browser.server.addUser()
    const tab = browser.tab()
    const visitor = await subjectOf(await tab.fetch(CART))
    browser.server.clock.time += HOUR - 30
    const session = await tab.signIn(user.username, PASSWORD)
    expect(claimsOf(session)).toMatchObject({ sub: user.id, visitor_id: visitor })
  })

  it('refresh() does not change the session of a customer', async () => {
    const { browser, tab } = await customer(OFF)
    const before = tab.session
    expect(await tab.refresh()).toEqual(before)
    expect(browser.events).toEqual(['signed_in'])
  })

  it('a sign-out revokes the access token and ends the session', async () => {
    const { browser, tab } = await customer(OFF)
    const headers = { Authorization: `Bearer ${tab.session?.accessToken}` }
    expect((await browser.fetch(CART, { headers })).status).toBe(200)
    await tab.signOut()
    browser.server.clock.time += 30
    expect((await browser.fetch(CART, { headers })).status).toBe(401)
  })

  it('a session with a refresh token ends after the service disables refresh tokens', async () => {
    const { browser, tab } = await customer()
    browser.server = new TestServer({ config: OFF, clock: browser.server.clock })
    const session = await hurry(tab.refresh())
    expect(claimsOf(session).sub).toMatch(/^visitor:/)
    expect(browser.events).toEqual(['signed_in', 'session_ended', 'guest_started'])
    expect(await subjectOf(await tab.fetch(API))).toBe(claimsOf(session).sub)
  })
})
