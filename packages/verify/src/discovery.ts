import type { Documents } from './documents.ts'
import { originOf } from './origin.ts'

/** Where the issuer publishes what a verifier needs. */
export interface Endpoints {
  jwksUri: string
  /** Null where the issuer has no revocation feed. */
  revocationsUri: string | null
}

export interface Issuer {
  issuer: string
  /** The origins from which its documents may come. */
  origins: readonly string[]
}

/** Reads the issuer's metadata once (RFC 8414 §3); after a failure the next caller tries again. */
export class Discovery {
  readonly #issuer: Issuer
  readonly #documents: Documents
  // Not its promise, which might belong to a request that is over.
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
  // RFC 8414 §3.3: a document that speaks for another issuer must not be used.
  if (issuer !== expectedIssuer) throw new Error(`the metadata of ${expectedIssuer} is of another issuer`)
  if (typeof jwks_uri !== 'string') throw new Error(`the metadata of ${expectedIssuer} names no jwks_uri`)
  const revocationsUri = typeof revocations_uri === 'string' ? revocations_uri : null
  for (const uri of [jwks_uri, ...(revocationsUri === null ? [] : [revocationsUri])]) {
    // An attacker who can change the metadata must not choose the keys.
    if (!origins.includes(originOf(uri) ?? '')) {
      throw new Error(
        `the metadata of ${expectedIssuer} names ${uri}, whose origin is not in documentOrigins`,
      )
    }
  }
  return { jwksUri: jwks_uri, revocationsUri }
}
