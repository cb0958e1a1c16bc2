import type { Documents } from './documents.ts'
import { originOf } from './origin.ts'

/** The URLs of the issuer that a verifier reads. */
export interface Endpoints {
  jwksUri: string
  /** Null if the issuer has no revocation feed. */
  revocationsUri: string | null
}

/** The trusted issuer. */
export interface Issuer {
  issuer: string
  /** The origins that can serve its documents. */
  origins: readonly string[]
}

/** Reads the metadata of the issuer once (RFC 8414 §3). After a failure the next request reads again. */
export class Discovery {
  readonly #issuer: Issuer
  readonly #documents: Documents
  // The result, not its promise: on Workers a promise belongs to one request.
  #endpoints: Endpoints | null = null

  constructor(issuer: Issuer, documents: Documents) {
    this.#issuer = issuer
    this.#documents = documents
  }

  async endpoints(now: number): Promise<Endpoints> {
    this.#endpoints ??= await this.#read(now)
    return this.#endpoints
  }

  async #read(now: number): Promise<Endpoints> {
    const url = `${this.#issuer.issuer}/.well-known/oauth-authorization-server`
    const { content } = await this.#documents.read(url, now, (document) =>
      decodeMetadata(document, this.#issuer),
    )
    return content
  }
}

function decodeMetadata(document: unknown, { issuer: expectedIssuer, origins }: Issuer): Endpoints {
  const { issuer, jwks_uri, revocations_uri } = (document ?? {}) as Record<string, unknown>
  // RFC 8414 §3.3 forbids metadata with another issuer.
  if (issuer !== expectedIssuer) throw new Error(`the metadata of ${expectedIssuer} names another issuer`)
  if (typeof jwks_uri !== 'string') throw new Error(`the metadata of ${expectedIssuer} names no jwks_uri`)
  const revocationsUri = typeof revocations_uri === 'string' ? revocations_uri : null
  for (const uri of [jwks_uri, ...(revocationsUri === null ? [] : [revocationsUri])]) {
    // An attacker who can change the metadata must not be able to choose the keys.
    if (!origins.includes(originOf(uri) ?? '')) {
      throw new Error(
        `the metadata of ${expectedIssuer} names ${uri}, whose origin is not in documentOrigins`,
      )
    }
  }
  return { jwksUri: jwks_uri, revocationsUri }
}
