import type { TokenStorage } from './session.ts'
import { TokenRequestError } from './token_endpoint.ts'

/** One attempt to sign in by redirect. Its secrets never leave this browser before the exchange of the code. */
export interface Attempt {
  /** Names the attempt (RFC 6749 §10.12). */
  state: string
  /** The `code_verifier` (RFC 7636 §4.1). */
  verifier: string
  nonce: string
  redirectUri: string
  returnTo: string | null
}

/** Stores each attempt under its own key, so that two tabs or two attempts never replace each other. */
export class AttemptStore {
  readonly #key: string
  readonly #storage: TokenStorage | null

  constructor(clientId: string, storage: TokenStorage | undefined) {
    this.#key = `sallyport:${clientId}:attempt:`
    this.#storage = storage ?? findSessionStorage()
  }

  /** @throws TokenRequestError `no_storage` if the browser would lose the attempt when it leaves the page */
  save(attempt: Attempt): void {
    try {
      this.#storage?.setItem(this.#key + attempt.state, JSON.stringify(attempt))
      if (this.#storage) return
    } catch {
      // The storage is full.
    }
    throw new TokenRequestError('no_storage', 'The browser stores no data for this page.')
  }

  /** Returns the attempt and removes it, because a response is used once. Null for an unknown state. */
  take(state: string): Attempt | null {
    const key = this.#key + state
    try {
      const attempt: unknown = JSON.parse(this.#storage?.getItem(key) ?? 'null')
      this.#storage?.removeItem(key)
      return parseAttempt(attempt)
    } catch {
      return null
    }
  }
}

function parseAttempt(stored: unknown): Attempt | null {
  const { state, verifier, nonce, redirectUri, returnTo }: Partial<Record<keyof Attempt, unknown>> =
    stored ?? {}
  const isWhole =
    typeof state === 'string' &&
    typeof verifier === 'string' &&
    typeof nonce === 'string' &&
    typeof redirectUri === 'string'
  if (!isWhole) return null
  return { state, verifier, nonce, redirectUri, returnTo: typeof returnTo === 'string' ? returnTo : null }
}

function findSessionStorage(): TokenStorage | null {
  try {
    return (globalThis as { sessionStorage?: TokenStorage }).sessionStorage ?? null
  } catch {
    // The browser forbids the access.
    return null
  }
}
