import { describe, expect, it } from 'vitest'
import { CART, customer, grantsOf, HOUR, subjectOf } from '../support/browser.ts'
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

  it('share what one of them refreshed', async () => {
    const { browser, tab } = await customer()
    const other = browser.tab()
    browser.server.clock.time += HOUR
    await tab.fetch(CART)
    await other.fetch(CART)
    expect(grantsOf(browser)).toEqual(['password', 'refresh_token'])
  })
})
