import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Client } from '../../packages/client/src/client.ts'
import { TURN_WAIT_MS } from '../../packages/client/src/tab_lock.ts'
import { type Browser, CART, claimsOf, customer, grantsOf, HOUR, subjectOf } from '../support/browser.ts'
import { PASSWORD } from '../support/server.ts'
import { fakeWaits, hurry } from '../support/waits.ts'

fakeWaits()

/** A customer with two tabs. The hidden one has lost the response of its refresh, and its timers stand still. */
async function hiddenTab() {
  const { browser, user, tab: visible } = await customer()
  browser.server.clock.time += HOUR
  browser.faults.push('response lost')
  const hidden = browser.tab()
  const retrying = nextRetry(hidden)
  const refreshed = hidden.refresh()
  await retrying
  return { browser, user, visible, refreshed }
}

function nextRetry(tab: Client): Promise<void> {
  return new Promise((resolve) => {
    tab.subscribe((event) => {
      if (event === 'retrying') resolve()
    })
  })
}

const firstTokenUses = ({ posted }: Browser) => {
  const tokens = posted.map((form) => form.get('refresh_token')).filter((token) => token !== null)
  return tokens.filter((token) => token === tokens[0]).length
}

describe('a hidden tab whose next try is late', () => {
  it.each([
    ['has refreshed', 0],
    ['has refreshed twice', HOUR],
  ])('the tab uses the tokens of another tab that %s, and sends the old token no more', async (_how, age) => {
    const { browser, user, visible, refreshed } = await hiddenTab()
    await visible.fetch(CART)
    browser.server.clock.time += age
    await visible.fetch(CART)
    browser.server.clock.time += 61
    expect(await hurry(refreshed)).toEqual(visible.session)
    expect(firstTokenUses(browser)).toBe(2)
    browser.server.clock.time += HOUR
    expect(await subjectOf(await visible.fetch(CART))).toBe(user.id)
    expect(browser.events).not.toContain('session_ended')
  })

  it('the tab uses the session of a user who signed in since', async () => {
    const { browser, visible, refreshed } = await hiddenTab()
    const other = await browser.server.addUser()
    const signedIn = await visible.signIn(other.username, PASSWORD)
    browser.server.clock.time += 61
    expect(await hurry(refreshed)).toEqual(signedIn)
    expect(firstTokenUses(browser)).toBe(1)
  })

  it('the tab sends the token of a signed-out session no more', async () => {
    const { browser, visible, refreshed } = await hiddenTab()
    await visible.signOut()
    expect(claimsOf(await hurry(refreshed)).sub).toMatch(/^visitor:/)
    expect(firstTokenUses(browser)).toBe(1)
    expect(browser.events).not.toContain('session_ended')
  })

  it("the tab's sign-in uses the guest's tokens of another tab", async () => {
    const { browser, user, tab: visible } = await customer()
    await visible.signOut()
    const visitor = await subjectOf(await visible.fetch(CART))
    browser.server.clock.time += HOUR
    browser.faults.push('response lost')
    const hidden = browser.tab()
    const retrying = nextRetry(hidden)
    const signedIn = hidden.signIn(user.username, PASSWORD)
    await retrying
    await visible.fetch(CART)
    browser.server.clock.time += 61
    expect(claimsOf(await hurry(signedIn))).toMatchObject({ sub: user.id, visitor_id: visitor })
    expect(grantsOf(browser).filter((grant) => grant === 'refresh_token')).toHaveLength(2)
  })

  it('the tab repeats the refresh if no other tab has refreshed', async () => {
    const { browser, visible, refreshed } = await hiddenTab()
    browser.server.clock.time += 59
    expect(await hurry(refreshed)).toEqual(visible.session)
    expect(firstTokenUses(browser)).toBe(2)
    expect(browser.events).toEqual(['signed_in', 'retrying', 'refreshed'])
  })
})

describe('a tab that the browser freezes during a sign-out', () => {
  it.each([
    ['keeps a later sign-in', TURN_WAIT_MS / 1000 + 1, false],
    ['removes a sign-in that was in progress', TURN_WAIT_MS / 1000, true],
  ])('the sign-out %s', async (_title, seconds, isRemoved) => {
    const { browser, user, tab } = await customer()
    const thaw = Promise.withResolvers<void>()
    const request = (_name: string, _options: object, work: () => Promise<unknown>) => thaw.promise.then(work)
    vi.stubGlobal('navigator', { locks: { request } })
    onTestFinished(() => void vi.unstubAllGlobals())
    const signedOut = browser.tab().signOut()
    vi.unstubAllGlobals()
    browser.server.clock.time += seconds
    const signedIn = await tab.signIn(user.username, PASSWORD)
    thaw.resolve()
    await signedOut
    expect(tab.session).toEqual(isRemoved ? null : signedIn)
  })
})
