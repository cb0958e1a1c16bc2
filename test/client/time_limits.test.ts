import { afterEach, describe, expect, it, vi } from 'vitest'
import { createClient } from '../../packages/client/src/client.ts'
import { TURN_WAIT_MS } from '../../packages/client/src/tab_lock.ts'
import { REQUEST_LIMIT_MS } from '../../packages/client/src/token_endpoint.ts'
import { Browser, CART, claimsOf, customer, grantsOf, HOUR, subjectOf } from '../support/browser.ts'
import { PASSWORD } from '../support/server.ts'
import { fakeWaits, hurry } from '../support/waits.ts'

fakeWaits()
afterEach(() => {
  vi.unstubAllGlobals()
})

/** Web Locks of a browser in which another tab holds every lock and never releases it. */
const HELD_LOCKS = {
  request: (_name: string, { signal }: { signal: AbortSignal }) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    }),
}

/** Web Locks of a sandboxed frame. */
const FORBIDDEN_LOCKS = { request: () => Promise.reject(new DOMException('no locks here', 'SecurityError')) }

/** Web Locks of a browser with one tab. */
const FREE_LOCKS = { request: (_name: string, _options: object, work: () => Promise<unknown>) => work() }

function giveLocks(locks: object): void {
  vi.stubGlobal('navigator', { locks })
}

describe('a lock that another tab never releases', () => {
  it.each([
    ['the first request of a guest', async (browser: Browser) => browser.tab().fetch(CART)],
    ['a refresh', async (browser: Browser) => browser.tab().refresh()],
    ['a sign-out', async (browser: Browser) => browser.tab().signOut()],
    [
      'a sign-in',
      async (browser: Browser) => {
        const { username } = await browser.server.addUser()
        return browser.tab().signIn(username, PASSWORD)
      },
    ],
  ])('the lock delays %s and does not stop it', async (_call, call) => {
    const browser = await Browser.open()
    giveLocks(HELD_LOCKS)
    const done = vi.fn()
    const work = call(browser).then(done)
    await vi.advanceTimersByTimeAsync(TURN_WAIT_MS - 1)
    expect(done).not.toHaveBeenCalled()
    await hurry(work)
    expect(done).toHaveBeenCalledOnce()
  })

  it('two tabs refresh in parallel and continue the same session', async () => {
    const { browser, user, tab } = await customer()
    const { sid } = claimsOf(tab.session)
    giveLocks(HELD_LOCKS)
    const tabs = [browser.tab(), browser.tab()]
    browser.server.clock.time += HOUR
    const responses = await hurry(Promise.all(tabs.map((each) => each.fetch(CART))))
    expect(await Promise.all(responses.map(subjectOf))).toEqual([user.id, user.id])
    expect(claimsOf(tab.session).sid).toBe(sid)
    expect(browser.events).not.toContain('session_ended')
  })
})

describe('a tab that may not use locks', () => {
  it('the client works without locks', async () => {
    giveLocks(FORBIDDEN_LOCKS)
    const browser = await Browser.open()
    expect((await browser.tab().fetch(CART)).status).toBe(200)
    expect(browser.posted).toHaveLength(1)
  })
})

describe('a lock that is free', () => {
  it.each([
    ['with locks', FREE_LOCKS],
    ['without locks', undefined],
  ])('the client runs failing work once, and the caller gets its error, %s', async (_how, locks) => {
    vi.stubGlobal('navigator', { locks })
    const browser = await Browser.open()
    const { username } = await browser.server.addUser()
    await expect(browser.tab().signIn(username, 'wrong')).rejects.toMatchObject({ code: 'invalid_grant' })
    expect(grantsOf(browser)).toEqual(['password'])
  })
})

describe('a token service that never responds', () => {
  it('the client reports an unreachable server after four tries, even if fetch ignores the signal', async () => {
    const browser = await Browser.open()
    const fetch = vi.fn(() => new Promise<Response>(() => {}))
    const outcome = browser
      .tab({ fetch })
      .refresh()
      .catch((error: unknown) => error)
    expect(await hurry(outcome)).toMatchObject({ code: 'unreachable', status: 0, isTemporary: true })
    expect(fetch).toHaveBeenCalledTimes(4)
  })

  it('the next call of the same page waits for a limited time', async () => {
    const browser = await Browser.open()
    const user = await browser.server.addUser()
    const fetch = vi.fn(browser.fetch).mockReturnValueOnce(new Promise<Response>(() => {}))
    const tab = browser.tab({ fetch })
    const guest = tab.refresh()
    const signedIn = tab.signIn(user.username, PASSWORD)
    await vi.advanceTimersByTimeAsync(TURN_WAIT_MS)
    expect(claimsOf(await hurry(signedIn)).sub).toBe(user.id)
    await vi.advanceTimersByTimeAsync(REQUEST_LIMIT_MS)
    expect(claimsOf(await hurry(guest)).sub).toBe(user.id)
  })

  it('a request stops waiting after its signal aborts', async () => {
    const browser = await Browser.open()
    const tab = browser.tab({ fetch: () => new Promise<Response>(() => {}) })
    const caller = new AbortController()
    const request = tab.fetch(CART, { signal: caller.signal })
    const reason = new Error('the customer has left the page')
    caller.abort(reason)
    await expect(request).rejects.toBe(reason)
  })
})

describe('a browser without AbortSignal.timeout, AbortSignal.reason, reportError and Web Locks', () => {
  it('the client gets tokens, refreshes them and signs in', async () => {
    vi.stubGlobal('AbortSignal', class {})
    vi.stubGlobal('reportError', undefined)
    vi.stubGlobal('navigator', {})
    const { browser, user, tab } = await customer()
    expect(claimsOf(await tab.refresh()).sub).toBe(user.id)
    expect(grantsOf(browser)).toEqual(['password', 'refresh_token'])
  })
})

describe('a fault of the program', () => {
  it('the client throws the original error and not an unreachable-server error', async () => {
    const fault = new TypeError('now is broken')
    const browser = await Browser.open()
    const tab = browser.tab({
      now: () => {
        throw fault
      },
    })
    await expect(tab.refresh()).rejects.toBe(fault)
    expect(browser.posted).toEqual([])
  })

  it.each(['', 'id.shop.example', '/tokens'])(
    'createClient throws for the issuer %j, because it is not a URL',
    (issuer) => {
      expect(() => createClient({ issuer, clientId: 'shop', apis: [] })).toThrow(TypeError)
    },
  )
})
