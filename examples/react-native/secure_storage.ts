import type { TokenStorage } from '@sallyport/client'

/** The functions of `expo-secure-store` that the adapter calls. */
export interface SecureItems {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/** Keeps the session of `@sallyport/client` in the Keychain of iOS or under the Keystore of Android. */
export function secureStorage(items: SecureItems): TokenStorage {
  // Keys of the secure store have no colon.
  const nameOf = (key: string) => key.replace(/[^\w.-]/g, '.')
  return {
    getItem: (key) => items.getItem(nameOf(key)) || null,
    setItem: (key, value) => items.setItem(nameOf(key), value),
    // The secure store deletes only asynchronously. An empty value replaces the tokens at once.
    removeItem: (key) => items.setItem(nameOf(key), ''),
  }
}
