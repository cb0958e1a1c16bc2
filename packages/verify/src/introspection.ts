import { type AccessTokenClaims, decodeClaims } from './claims.ts'
import type { Discovery } from './discovery.ts'
import { type Fetch, fetchDocument, readText } from './fetch_document.ts'
import { invalidToken, temporarilyUnavailable } from './refusal.ts'

/** A confidential client of this API, which may introspect the tokens of the API. */
export interface IntrospectionOptions {
  clientId: string
  clientSecret: string
}

/** The claims that the issuer can take away after it issued a token. A response without one means that the token lost it. */
const CURRENT_CLAIMS = ['scope', 'roles', 'must_change_password', 'password_breached'] as const

const LIMIT = { maxBytes: 64 * 1024, name: 'the introspection response' }

/** Requests the current state of tokens from the issuer (RFC 7662). */
export class Introspector {
  readonly #client: IntrospectionOptions
  readonly #discovery: Discovery
  readonly #fetch: Fetch

  constructor(client: IntrospectionOptions, { discovery, fetch }: { discovery: Discovery; fetch: Fetch }) {
    this.#client = client
    this.#discovery = discovery
    this.#fetch = fetch
  }

  /**
   * The claims of the token with the rights that it has now.
   *
   * @throws Refusal 401 if the token is not live, 503 if the issuer does not describe it
   */
  async refresh(token: string, claims: AccessTokenClaims, now: number): Promise<AccessTokenClaims> {
    const state = await this.#describe(token, now).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      throw temporarilyUnavailable(`the token cannot be introspected: ${reason}`, { cause: error })
    })
    if (!state.active) throw invalidToken('it is not live by introspection')
    const current = Object.fromEntries(CURRENT_CLAIMS.map((name) => [name, state[name]]))
    return decodeClaims({ ...claims.payload, ...current })
  }

  async #describe(token: string, now: number): Promise<Record<string, unknown> & { active: boolean }> {
    const { introspectionUri } = await this.#discovery.endpoints(now)
    if (introspectionUri === null)
      throw new Error('the issuer has no introspection endpoint at a trusted origin')
    const response = await fetchDocument(this.#fetch, introspectionUri, {
      method: 'POST',
      headers: {
        Authorization: basic(this.#client),
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
    })
    const state: unknown = JSON.parse(await readText(response, LIMIT))
    if (!isTokenState(state)) throw new Error('the response has no member active')
    return state
  }
}

function isTokenState(state: unknown): state is Record<string, unknown> & { active: boolean } {
  return typeof state === 'object' && state !== null && 'active' in state && typeof state.active === 'boolean'
}

/** RFC 6749 §2.3.1: id and secret are form-encoded before Basic encodes them. */
function basic({ clientId, clientSecret }: IntrospectionOptions): string {
  return `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)}`
}
