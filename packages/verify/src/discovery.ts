import type { Documents } from './documents.ts'
import { originOf } from './origin.ts'

/** The URLs of the issuer that a verifier reads. */
export interface Endpoints {
  jwksUri: string
  /** Null if the issuer has no revocation feed. */
  revocationsUri: string | null
  /** Null if the issuer has no introspection endpoint at a trusted origin. */
  introspectionUri: string | null
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
  const { issuer, ...members } = (document ?? {}) as Record<string, unknown>
  // RFC 8414 §3.3 forbids metadata with another issuer.
  if (issuer !== expectedIssuer) throw new Error(`the metadata of ${expectedIssuer} names another issuer`)
  const find = (member: string): string | null => {
    const uri = members[member]
    return typeof uri === 'string' ? uri : null
  }
  // An attacker who can change the metadata must not be able to choose the keys, or to get the secret of the client.
  const isTrusted = (uri: string | null) => uri === null || origins.includes(originOf(uri) ?? '')
  const jwksUri = find('jwks_uri')
  const revocationsUri = find('revocations_uri')
  if (jwksUri === null) throw new Error(`the metadata of ${expectedIssuer} names no jwks_uri`)
  const foreign = [jwksUri, revocationsUri].find((uri) => !isTrusted(uri))
  if (foreign !== undefined) {
    throw new Error(
      `the metadata of ${expectedIssuer} names ${foreign}, whose origin is not in documentOrigins`,
    )
  }
  const introspectionUri = find('introspection_endpoint')
  return { jwksUri, revocationsUri, introspectionUri: isTrusted(introspectionUri) ? introspectionUri : null }
}
