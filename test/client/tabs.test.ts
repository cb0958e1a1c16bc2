import { describe, expect, it, vi } from 'vitest'
import { Browser, CART, customer, grantsOf, HOUR, subjectOf } from '../support/browser.ts'
import { PASSWORD } from '../support/server.ts'
import { fakeWaits } from '../support/waits.ts'

fakeWaits()

describe('two tabs', () => {
  it('that refresh at once, where there are no locks, both go on with the same session', async () => {
    const { browser, user, tab } = await customer()
    const other = browser.tab()
    browser.server.clock.time += HOUR
    const answers = await Promise.all([tab.fetch(CART), other.fetch(CART)])
    expect(await Promise.all(answers.map(subjectOf))).toEqual([user.id, user.id])
    browser.server.clock.time += HOUR
    expect(await subjectOf(await other.fetch(CART))).toBe(user.id)
    expect(browser.events).not.toContain('session_ended')
  })

  it.each(['request', 'answer'] as const)(
    "keep a sign-in, where there are no locks, though the %s of a guest's refresh is late",
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

  it('keep a sign-in, where there are no locks, though a guest was on the way', async () => {
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

  it('share what one of them refreshed', async () => {
    const { browser, tab } = await customer()
    const other = browser.tab()
    browser.server.clock.time += HOUR
    await tab.fetch(CART)
    await other.fetch(CART)
    expect(grantsOf(browser)).toEqual(['password', 'refresh_token'])
  })
})
