import { describe, expect, it, vi } from 'vitest'
import type { TokenRequestError } from '../../packages/client/src/token_endpoint.ts'
import { Browser, CART, claimsOf, customer, grantsOf, HOUR, subjectOf } from '../support/browser.ts'
import { PASSWORD } from '../support/server.ts'
import { fakeWaits } from '../support/waits.ts'

fakeWaits()

const outcomeOf = (request: Promise<Response>) =>
  request.then(
    ({ status }) => status,
    ({ code }: TokenRequestError) => code,
  )

describe('two tabs', () => {
  it('two parallel refreshes without locks continue the same session', async () => {
    const { browser, user, tab } = await customer()
    const other = browser.tab()
    browser.server.clock.time += HOUR
    const responses = await Promise.all([tab.fetch(CART), other.fetch(CART)])
    expect(await Promise.all(responses.map(subjectOf))).toEqual([user.id, user.id])
    browser.server.clock.time += HOUR
    expect(await subjectOf(await other.fetch(CART))).toBe(user.id)
    expect(browser.events).not.toContain('session_ended')
  })

  it.each(['request', 'answer'] as const)(
    "the tabs keep a sign-in without locks after a late %s of a guest's refresh",
    async (late) => {
      const browser = await Browser.open()
      const user = await browser.server.addUser()
      const tab = browser.tab()
      await tab.fetch(CART)
      const slow = browser.slowTab(late)
      const refreshed = slow.tab.refresh()
      await vi.advanceTimersByTimeAsync(200)
      const signedIn = await tab.signIn(user.username, PASSWORD)
      slow.open()
      expect(await refreshed).toEqual(signedIn)
      expect(tab.session).toEqual(signedIn)
      expect(browser.events).toEqual(['guest_started', 'signed_in'])
    },
  )

  it('the tabs keep a sign-in without locks while a guest request is pending', async () => {
    const browser = await Browser.open()
    const user = await browser.server.addUser()
    const slow = browser.slowTab('answer')
    const started = slow.tab.refresh()
    await vi.advanceTimersByTimeAsync(200)
    const signedIn = await browser.tab().signIn(user.username, PASSWORD)
    slow.open()
    expect(await started).toEqual(signedIn)
    expect(browser.events).toEqual(['signed_in'])
  })

  it.each([
    ['is refused', 30, 401],
    ['has ended', HOUR, 'session_ended'],
  ])(
    "no tab sends a customer's request with the token of a later customer: the token %s",
    async (_how, age, outcome) => {
      const { browser, user, tab } = await customer()
      const other = await browser.server.addUser()
      await browser.endSessions(user)
      browser.server.clock.time += age
      const slow = browser.slowTab('request')
      const put = outcomeOf(slow.tab.fetch(CART, { method: 'PUT', body: 'an order' }))
      await tab.signIn(other.username, PASSWORD)
      slow.open()
      expect(await put).toBe(outcome)
      expect(claimsOf(tab.session).sub).toBe(other.id)
    },
  )

  it("a tab sends a guest's request as the signed-in customer after the guest's token expires", async () => {
    const browser = await Browser.open()
    const user = await browser.server.addUser()
    const tab = browser.tab()
    await tab.fetch(CART)
    browser.server.clock.time += HOUR
    const slow = browser.slowTab('request')
    const put = slow.tab.fetch(CART, { method: 'PUT', body: '2 kettles' })
    await tab.signIn(user.username, PASSWORD)
    slow.open()
    expect(await (await put).json()).toEqual({ subject: user.id, body: '2 kettles' })
  })

  it('both tabs use the tokens of one refresh', async () => {
    const { browser, tab } = await customer()
    const other = browser.tab()
    browser.server.clock.time += HOUR
    await tab.fetch(CART)
    await other.fetch(CART)
    expect(grantsOf(browser)).toEqual(['password', 'refresh_token'])
  })
})
