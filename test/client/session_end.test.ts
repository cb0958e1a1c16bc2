import { decodeJwt } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import type { Session } from '../../packages/client/src/session.ts'
import { Browser, CART, claimsOf, customer, HOUR, subjectOf } from '../support/browser.ts'
import { PASSWORD } from '../support/server.ts'
import { fakeWaits, hurry } from '../support/waits.ts'

fakeWaits()

describe('the end of a session', () => {
  it('a sign-out removes the stored tokens and revokes them at the server', async () => {
    const { browser, tab } = await customer()
    const { accessToken, refreshToken } = tab.session as Session
    await tab.signOut()
    expect(browser.storage.items.size).toBe(0)
    expect(browser.events.at(-1)).toBe('signed_out')
    const form = { grant_type: 'refresh_token', refresh_token: String(refreshToken) }
    const clientId = String(decodeJwt(accessToken).client_id)
    const response = await browser.server.postForm({ ...form, client_id: clientId })
    expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  })

  it('a sign-out does not wait for a pending refresh, and the refresh restores no token', async () => {
    const { browser, tab } = await customer()
    browser.server.clock.time += HOUR
    const slow = browser.slowTab('request')
    const put = slow.tab.fetch(CART, { method: 'PUT', body: 'an order' })
    const signedOut = slow.tab.signOut()
    expect([tab.session, browser.events.at(-1)]).toEqual([null, 'signed_out'])
    await vi.advanceTimersByTimeAsync(200)
    slow.open()
    await expect(put).rejects.toMatchObject({ code: 'session_ended' })
    await signedOut
    expect(claimsOf(tab.session).sub).toMatch(/^visitor:/)
    expect(browser.events).toEqual(['signed_in', 'signed_out', 'guest_started'])
  })

  it('a sign-out also ends a pending sign-in', async () => {
    const browser = await Browser.open()
    const user = await browser.server.addUser()
    const tab = browser.tab()
    const signingIn = tab.signIn(user.username, PASSWORD)
    await tab.signOut()
    expect(tab.session).toBeNull()
    expect(browser.events).toEqual(['signed_out', 'signed_in', 'signed_out'])
    expect(browser.posted.at(-1)?.get('token')).toBe((await signingIn).refreshToken)
  })

  it('the client repeats a sign-out after a lost response, and reports a failure', async () => {
    const { browser, tab } = await customer()
    browser.faults.push('response lost')
    await hurry(tab.signOut())
    const second = await customer()
    second.browser.faults.push('request lost', 'request lost', 'request lost', 'request lost')
    await expect(hurry(second.tab.signOut())).rejects.toMatchObject({ code: 'unreachable' })
    expect(second.browser.storage.items.size).toBe(0)
  })

  it("the client reports a session that the server ended, and sends no customer's request as a guest", async () => {
    const { browser, user, tab } = await customer()
    await browser.endSessions(user)
    browser.server.clock.time += 30
    const response = await tab.fetch(CART, { method: 'PUT', body: 'an order' })
    expect(response.status).toBe(401)
    expect(browser.events.slice(-2)).toEqual(['session_ended', 'guest_started'])
    expect(await subjectOf(await tab.fetch(CART))).toMatch(/^visitor:/)
  })

  it("the customer's request fails after session and token end: the client sends no guest token", async () => {
    const { browser, user, tab } = await customer()
    await browser.endSessions(user)
    browser.server.clock.time += HOUR
    const put = tab.fetch(CART, { method: 'PUT', body: 'an order' })
    await expect(put).rejects.toMatchObject({ code: 'session_ended', status: 0, isTemporary: false })
    expect(browser.events).toEqual(['signed_in', 'session_ended', 'guest_started'])
    expect(await subjectOf(await tab.fetch(CART))).toMatch(/^visitor:/)
  })
})
