/** The stored tokens of one session. */
export interface Session {
  accessToken: string
  /** Null if the server issues none. The session then ends with its access token. */
  refreshToken: string | null
  /** The ID token (OpenID Connect Core §2); null without the scope `openid`. It proves to the logout endpoint which browser session ends. */
  idToken: string | null
  /** The time of the token request and the expiry of the access token, by this browser's clock. Unix seconds. */
  issuedAt: number
  expiresAt: number
}

/** The claims of a token that was not verified. Use them only for display, never for access control. */
export type Claims = Record<string, unknown>

/** The part of the Web Storage API that keeps the session. */
export interface TokenStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/** @returns Null if the token is not a JWT. */
export function readClaims(token: string): Claims | null {
  try {
    const payload = token.split('.')[1]?.replace(/-/g, '+').replace(/_/g, '/') ?? ''
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}

export function isGuest(session: Session): boolean {
  return subjectOf(session).startsWith('visitor:')
}

/** Whether a request of session `old` can be sent with session `next`: the same user, or a former guest. */
export function mayActFor(next: Session, old: Session): boolean {
  return isGuest(old) || subjectOf(next) === subjectOf(old)
}

function subjectOf({ accessToken }: Session): string {
  return String(readClaims(accessToken)?.sub)
}

/** Stores the session for all tabs. */
export class SessionStore {
  readonly #key: string
  #storage: TokenStorage

  constructor(key: string, storage: TokenStorage | undefined) {
    this.#key = key
    this.#storage = storage ?? findLocalStorage()
  }

  /** The stored session; null if the storage has no valid one. */
  find(): Session | null {
    try {
      return parseSession(JSON.parse(this.#storage.getItem(this.#key) ?? 'null'))
    } catch {
      return null
    }
  }

  /** Whether this session is the stored one. Null stands for no session. */
  holds(session: Session | null): boolean {
    return this.find()?.accessToken === session?.accessToken
  }

  /**
   * Replaces `old` by `next`, or removes it if `next` is null. It changes nothing if `old` is no longer stored: a user may
   * have signed out, or, without locks, another tab may have signed a user in.
   *
   * @returns Whether the session was replaced
   */
  replace(old: Session | null, next: Session | null): boolean {
    if (!this.holds(old)) return false
    if (next) this.save(next)
    else this.clear()
    return true
  }

  /** If the storage is full, the session moves to memory, because the server does not issue its tokens again. */
  save(session: Session): void {
    try {
      this.#storage.setItem(this.#key, JSON.stringify(session))
    } catch {
      this.clear()
      this.#storage = memoryStorage()
      this.save(session)
    }
  }

  clear(): void {
    this.#storage.removeItem(this.#key)
  }
}

/**
 * Calls the listener when another tab changes that key or clears the storage. When a tab clears the storage, the event has no
 * key.
 */
export function onStorageChange(key: string, listener: () => void): void {
  const page = globalThis as { addEventListener?: (type: string, listener: (event: Event) => void) => void }
  page.addEventListener?.('storage', (event) => {
    const changed = (event as { key?: string | null }).key
    if (changed === key || changed === null) listener()
  })
}

function parseSession(stored: Partial<Record<keyof Session, unknown>> | null): Session | null {
  const { accessToken, refreshToken, idToken = null, issuedAt, expiresAt } = stored ?? {}
  const isWhole =
    typeof accessToken === 'string' &&
    (refreshToken === null || typeof refreshToken === 'string') &&
    (idToken === null || typeof idToken === 'string') &&
    typeof issuedAt === 'number' &&
    typeof expiresAt === 'number'
  return isWhole ? { accessToken, refreshToken, idToken, issuedAt, expiresAt } : null
}

function findLocalStorage(): TokenStorage {
  try {
    return (globalThis as { localStorage?: TokenStorage }).localStorage ?? memoryStorage()
  } catch {
    // The browser forbids it.
    return memoryStorage()
  }
}

/** The session then lasts as long as the page. */
function memoryStorage(): TokenStorage {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  }
}
