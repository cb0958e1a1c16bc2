import { describe, expect, it } from 'vitest'
import page from '../docs/react-native.md?raw'
import { type SecureItems, secureStorage } from '../examples/react-native/secure_storage.ts'
import adapter from '../examples/react-native/secure_storage.ts?raw'
import { Browser, CART, claimsOf, HOUR, subjectOf } from './support/browser.ts'
import { PASSWORD } from './support/server.ts'
import { fakeWaits } from './support/waits.ts'

fakeWaits()

/** `expo-secure-store`: it refuses other keys, and some releases of iOS refuse values above 2048 bytes. */
class SecureStore implements SecureItems {
  readonly items = new Map<string, string>()

  getItem(key: string): string | null {
    return this.items.get(this.#requireKey(key)) ?? null
  }

  setItem(key: string, value: string): void {
    if (value.length > 2048) throw new Error('The value is too large.')
    this.items.set(this.#requireKey(key), value)
  }

  #requireKey(key: string): string {
    if (!/^[\w.-]+$/.test(key)) throw new Error('Invalid key provided to SecureStore.')
    return key
  }
}

describe('docs/react-native.md', () => {
  it('the page has the adapter of the tested file', () => {
    expect(page).toContain(adapter)
  })

  it('the client keeps a guest, a user and a sign-out in the secure store', async () => {
    const app = await Browser.open()
    const user = await app.server.addUser()
    const store = new SecureStore()
    const start = () => app.tab({ storage: secureStorage(store) })
    const guest = await subjectOf(await start().fetch(CART))
    expect(await subjectOf(await start().fetch(CART))).toBe(guest)

    await start().signIn(user.username, PASSWORD)
    expect(claimsOf(start().session)).toMatchObject({ sub: user.id, visitor_id: guest })
    app.server.clock.time += HOUR
    expect(await subjectOf(await start().fetch(CART))).toBe(user.id)

    await start().signOut()
    expect([...store.items.values()]).toEqual([''])
    expect(start().session).toBeNull()
  })

  it('the client continues in memory if the secure store refuses the value', async () => {
    const app = await Browser.open()
    const store = new SecureStore()
    store.setItem = (_key, value) => {
      if (value !== '') throw new Error('The device is locked.')
    }
    const client = app.tab({ storage: secureStorage(store) })
    const guest = await subjectOf(await client.fetch(CART))
    expect(await subjectOf(await client.fetch(CART))).toBe(guest)
  })
})
