import { type Fetch, fetchDocument } from './fetch_document.ts'

/** Where the issuer publishes what a verifier needs. */
export interface Endpoints {
  jwksUri: string
  /** Null where the issuer has no revocation feed. */
  revocationsUri: string | null
}

/** Reads the issuer's metadata once (RFC 8414 §3); a failure is forgotten, so that the next caller tries again. */
export class Discovery {
  readonly #issuer: string
  readonly #fetch: Fetch
  #endpoints: Promise<Endpoints> | null = null

  constructor(issuer: string, fetch: Fetch) {
    this.#issuer = issuer
    this.#fetch = fetch
  }

  endpoints(): Promise<Endpoints> {
    this.#endpoints ??= this.#read().catch((error: unknown) => {
      this.#endpoints = null
      throw error
    })
    return this.#endpoints
  }

  async #read(): Promise<Endpoints> {
    const url = `${this.#issuer}/.well-known/oauth-authorization-server`
    const metadata: unknown = await (await fetchDocument(this.#fetch, url)).json()
    const { issuer, jwks_uri, revocations_uri } = (metadata ?? {}) as Record<string, unknown>
    // RFC 8414 §3.3: a document that speaks for another issuer must not be used.
    if (issuer !== this.#issuer) throw new Error(`${url} is of another issuer`)
    if (typeof jwks_uri !== 'string') throw new Error(`${url} names no jwks_uri`)
    return { jwksUri: jwks_uri, revocationsUri: typeof revocations_uri === 'string' ? revocations_uri : null }
  }
}
