import { afterEach, describe, expect, it, vi } from 'vitest'
import { Browser, CART, claimsOf, customer } from '../support/browser.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Sends the storage event that a browser sends after another tab changes the storage. */
function tellOfStorage(key: string | null): void {
  const page = globalThis as EventTarget
  page.dispatchEvent(Object.assign(new Event('storage'), { key }))
}

describe('a listener', () => {
  it('another tab calls the listener only if it changes the tokens or clears the storage', async () => {
    const { browser, tab } = await customer()
    const [key = ''] = browser.storage.items.keys()
    expect(key).toBe(`sallyport:${claimsOf(tab.session).client_id}`)
    for (const changed of ['cart', key, null]) tellOfStorage(changed)
    expect(browser.events).toEqual(['signed_in', 'changed_elsewhere', 'changed_elsewhere'])
  })

  it('a listener that throws fails no request or listener, and the client reports the error', async () => {
    const reportError = vi.fn()
    vi.stubGlobal('reportError', reportError)
    const browser = await Browser.open()
    const tab = browser.tab()
    const fault = new Error('a fault of the page')
    tab.subscribe(() => {
      throw fault
    })
    const heard: string[] = []
    tab.subscribe((event) => heard.push(event))
    expect((await tab.fetch(CART)).status).toBe(200)
    expect(heard).toEqual(['guest_started'])
    expect(reportError.mock.calls).toEqual([[fault]])
  })

  it('the client never calls the listener after it unsubscribes', async () => {
    const browser = await Browser.open()
    const tab = browser.tab()
    const heard: string[] = []
    tab.subscribe((event) => heard.push(event))()
    await tab.fetch(CART)
    expect(heard).toEqual([])
  })
})
