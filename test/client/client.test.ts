import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { type Session, SessionStore } from '../../packages/client/src/session.ts'
import {
  API,
  Browser,
  BrowserStorage,
  CART,
  claimsOf,
  customer,
  type Fault,
  grantsOf,
  HOUR,
  subjectOf,
} from '../support/browser.ts'
import { PASSWORD } from '../support/server.ts'
import { fakeWaits, hurry } from '../support/waits.ts'

fakeWaits()

describe('a guest', () => {
  it('all requests before the sign-in use one guest', async () => {
    const browser = await Browser.open()
    const tab = browser.tab()
    const answers = await Promise.all(Array.from({ length: 10 }, () => tab.fetch(CART)))
    const subjects = new Set(await Promise.all(answers.map(subjectOf)))
    expect([...subjects]).toEqual([expect.stringMatching(/^visitor:/)])
    expect(browser.posted).toHaveLength(1)
    expect(browser.events).toEqual(['guest_started'])
  })

  it('the guest stays the same after a reload and in a second tab', async () => {
    const browser = await Browser.open()
    const before = await subjectOf(await browser.tab().fetch(CART))
    expect(await subjectOf(await browser.tab().fetch(CART))).toBe(before)
    expect(browser.posted).toHaveLength(1)
  })

  it('the sign-in transfers the cart with a valid token of the guest', async () => {
    for (const age of [0, HOUR - 30, HOUR + 30]) {
      const browser = await Browser.open()
      const user = await browser.server.addUser()
      const tab = browser.tab()
      const visitor = await subjectOf(await tab.fetch(CART))
      browser.server.clock.time += age
      const session = await tab.signIn(user.username, PASSWORD)
      expect(claimsOf(session)).toMatchObject({ sub: user.id, visitor_id: visitor })
    }
  })

  it('the guest continues after a wrong password', async () => {
    const browser = await Browser.open()
    const tab = browser.tab()
    const visitor = await subjectOf(await tab.fetch(CART))
    const refusal = tab.signIn((await browser.server.addUser()).username, 'wrong')
    await expect(refusal).rejects.toMatchObject({ code: 'invalid_grant', status: 400, isTemporary: false })
    expect(await subjectOf(await tab.fetch(CART))).toBe(visitor)
  })

  it('a request without a session fails with signed_out if guests are off', async () => {
    const browser = await Browser.open()
    await expect(browser.tab({ guests: false }).fetch(CART)).rejects.toMatchObject({
      code: 'signed_out',
      isTemporary: false,
    })
    expect(browser.posted).toEqual([])
  })
})

describe('the access token', () => {
  it('the client refreshes the token before its expiry, and requests do not wait', async () => {
    const { browser, tab } = await customer()
    browser.server.clock.time += HOUR - 61
    await tab.fetch(CART)
    expect(grantsOf(browser)).toEqual(['password'])
    browser.server.clock.time += 2
    await Promise.all([tab.fetch(CART), tab.fetch(CART)])
    await hurry(tab.refresh())
    expect(browser.events).toEqual(['signed_in', 'refreshed'])
  })

  it('all requests wait for one refresh after the token expires', async () => {
    const { browser, user, tab } = await customer()
    browser.server.clock.time += HOUR
    const answers = await Promise.all(Array.from({ length: 10 }, () => tab.fetch(CART)))
    expect(new Set(await Promise.all(answers.map(subjectOf)))).toEqual(new Set([user.id]))
    expect(grantsOf(browser)).toEqual(['password', 'refresh_token'])
  })

  it('the client sends the token only to its APIs', async () => {
    const { tab } = await customer()
    for (const url of ['https://evil.test/', `${API}.evil.test/`, 'http://api.shop.test/']) {
      await expect(tab.fetch(url)).rejects.toThrow(`${new URL(url).origin} is not an API of this client`)
    }
  })

  it('the client refreshes a refused token once, and repeats the request with its body', async () => {
    const { browser, user, tab } = await customer()
    const { accessToken, ...rest } = tab.session as Session
    const forged = JSON.stringify({ ...rest, accessToken: `${accessToken.slice(0, -9)}AAAAAAAAA` })
    for (const key of browser.storage.items.keys()) browser.storage.setItem(key, forged)
    const young = await tab.fetch(CART, { method: 'PUT', body: '2 kettles' })
    expect(young.status).toBe(401)
    browser.server.clock.time += 10
    const response = await tab.fetch(CART, { method: 'PUT', body: '2 kettles' })
    expect(await response.json()).toEqual({ subject: user.id, body: '2 kettles' })
    expect(grantsOf(browser)).toEqual(['password', 'refresh_token'])
  })

  it('the client refreshes the token after the clock is set back', async () => {
    const { browser, user, tab } = await customer()
    const session = { ...tab.session, accessToken: `${tab.session?.accessToken.slice(0, -9)}AAAAAAAAA` }
    for (const key of browser.storage.items.keys()) browser.storage.setItem(key, JSON.stringify(session))
    const behind = browser.tab({ now: () => browser.server.clock.time - 86_400 })
    expect(await subjectOf(await behind.fetch(CART))).toBe(user.id)
  })
})

describe('a lost response', () => {
  it.each<[Fault[]]>([
    [['response lost']],
    [['response truncated']],
    [['request lost']],
    [['server down']],
    [['a portal responds']],
    [['a portal responds null']],
    [['a portal responds half']],
    [['a proxy refuses']],
    [['response lost', 'response lost', 'server down']],
  ])('the session continues after a lost response of a refresh: %j', async (faults) => {
    const { browser, user, tab } = await customer()
    const { sid } = claimsOf(tab.session)
    browser.server.clock.time += HOUR
    browser.faults.push(...faults)
    expect(await subjectOf(await hurry(tab.fetch(CART)))).toBe(user.id)
    expect(claimsOf(tab.session).sid).toBe(sid)
    const sent = browser.posted.slice(1).map((form) => form.get('refresh_token'))
    expect(sent).toHaveLength(faults.length + 1)
    expect(new Set(sent).size).toBe(1)
    expect(decodeJwt(tab.session?.refreshToken ?? '').seq).toBe(1)
    expect(browser.events).toEqual(['signed_in', ...faults.map(() => 'retrying'), 'refreshed'])
  })

  it('the client keeps the tokens if every response is lost, and the next request succeeds', async () => {
    const { browser, user, tab } = await customer()
    browser.server.clock.time += HOUR
    browser.faults.push('server down', 'server down', 'request lost', 'request lost')
    await expect(hurry(tab.fetch(CART))).rejects.toMatchObject({ code: 'unreachable', isTemporary: true })
    expect(await subjectOf(await hurry(tab.fetch(CART)))).toBe(user.id)
    expect(browser.events).not.toContain('session_ended')
  })

  it('the session ends if every response is lost and the next refresh misses the retry window', async () => {
    const { browser, tab } = await customer()
    browser.server.clock.time += HOUR
    browser.faults.push('response lost', 'response lost', 'response lost', 'response lost')
    await expect(hurry(tab.fetch(CART))).rejects.toMatchObject({ code: 'unreachable' })
    browser.server.clock.time += 61
    await expect(hurry(tab.fetch(CART))).rejects.toMatchObject({ code: 'session_ended' })
  })

  it('a lost response of an early refresh causes no error while the token is valid', async () => {
    const { browser, user, tab } = await customer()
    browser.server.clock.time += HOUR - 30
    browser.faults.push('request lost', 'request lost', 'request lost', 'request lost')
    expect(await subjectOf(await tab.fetch(CART))).toBe(user.id)
  })

  it('the client reports a lost response of a sign-in, and the guest can retry', async () => {
    const browser = await Browser.open()
    const user = await browser.server.addUser()
    const tab = browser.tab()
    await tab.fetch(CART)
    browser.faults.push('request lost')
    await expect(tab.signIn(user.username, PASSWORD)).rejects.toMatchObject({ code: 'unreachable' })
    expect(claimsOf(await tab.signIn(user.username, PASSWORD)).sub).toBe(user.id)
  })

  it('a lost response of a sign-in that consumed the guest loses only the cart', async () => {
    const browser = await Browser.open()
    const user = await browser.server.addUser()
    const tab = browser.tab()
    await tab.fetch(CART)
    browser.faults.push('response lost')
    await expect(tab.signIn(user.username, PASSWORD)).rejects.toMatchObject({ code: 'unreachable' })
    const claims = claimsOf(await tab.signIn(user.username, PASSWORD))
    expect(claims.sub).toBe(user.id)
    expect(claims).not.toHaveProperty('visitor_id')
  })
})

describe('a response with Retry-After', () => {
  it.each([
    ['the client sends four requests if the wait is 8 s', 8, 4],
    ['the client sends no second request if the wait is longer, and reports the error', 9, 1],
  ])('%s', async (_title, seconds, tries) => {
    const { browser, tab } = await customer()
    let asked = 0
    const fetch = async () => {
      asked++
      const headers = { 'Retry-After': String(seconds) }
      return Response.json({ error: 'temporarily_unavailable' }, { status: 429, headers })
    }
    const told = { status: 429, retryAfterSeconds: seconds, isTemporary: true }
    await expect(hurry(browser.tab({ fetch }).refresh())).rejects.toMatchObject(told)
    expect(asked).toBe(tries)
    expect(tab.session).not.toBeNull()
  })
})

describe('the storage', () => {
  it('the client ignores invalid stored data', async () => {
    const { browser, tab } = await customer()
    const old = '{"accessToken":"a","issuedAt":1,"expiresAt":9e9}'
    for (const garbage of [
      '',
      'null',
      '{"accessToken":',
      '7',
      '{"accessToken":"a","refreshToken":"b"}',
      old,
    ]) {
      for (const key of browser.storage.items.keys()) browser.storage.setItem(key, garbage)
      expect(await subjectOf(await tab.fetch(CART))).toMatch(/^visitor:/)
    }
  })

  it('the session continues in this tab if the storage is full', () => {
    const storage = new BrowserStorage()
    const store = new SessionStore('key', storage)
    const session = { accessToken: 'a', refreshToken: 'b', idToken: null, issuedAt: 1, expiresAt: 2 }
    store.save({ ...session, accessToken: 'old' })
    storage.isFull = true
    store.save(session)
    expect([store.find(), storage.items.size]).toEqual([session, 0])
  })
})
