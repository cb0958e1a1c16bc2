import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type ClaimValues, encodeClaims } from './claims.ts'
import type { Fetch } from './fetch_document.ts'

export { createTestProofKey, type ProofOptions, type TestProofKey } from './test_proof_key.ts'

/** The claims of a minted token. Times are Unix seconds. */
export interface MintOptions extends Partial<Omit<ClaimValues, 'issuer' | 'scope'>> {
  audience: string
  /** Scope tokens, separated by spaces. */
  scope?: string
  /** More header parameters, or replacements: for a token that the API must refuse. */
  header?: Record<string, unknown>
  /** More JSON claims, or replacements. An undefined value removes the claim. */
  claims?: Record<string, unknown>
}

/** A revocation. It revokes the tokens of its name that were issued before `before`, in Unix seconds. `all` names every token. */
export type Revocation = { before: number; all?: true } & Partial<
  Record<'sid' | 'sub' | 'client_id' | 'jti', string>
>

/** Longer than the time that a test of an API simulates. */
const FEED_LIFETIME_SECONDS = 86_400
const FEED_WINDOW_SECONDS = 3600

interface IssuerKey {
  alg: string
  kid: string
  privateKey: CryptoKey
  jwk: JWK
}

/**
 * An issuer in memory for the tests of an API. It has real keys, a JWKS and a revocation feed. A verifier reads it by `fetch`.
 *
 *     const issuer = await createTestIssuer()
 *     const verifier = createVerifier({ issuer: issuer.url, audience, fetch: issuer.fetch })
 *     const token = await issuer.mint({ audience, scope: 'cart' })
 */
export class TestIssuer {
  readonly url: string
  /** The paths of the fetched documents. */
  readonly requests: string[] = []
  /** False makes each fetch fail. */
  isUp = true
  readonly #revocations: Revocation[] = []
  #keys: IssuerKey[]

  private constructor(url: string, key: IssuerKey) {
    this.url = url
    this.#keys = [key]
  }

  static async create(url: string, alg: string): Promise<TestIssuer> {
    return new TestIssuer(url, await generateKey(alg))
  }

  /** Serves the documents of the issuer, for the `fetch` option of `createVerifier`. */
  readonly fetch: Fetch = async (url, { headers = {}, body }) => {
    const { pathname, searchParams } = new URL(url)
    this.requests.push(pathname)
    if (!this.isUp) throw new Error('the issuer is down')
    if (pathname === '/revocations')
      return this.#serveFeed(headers['If-None-Match'], searchParams.get('since'))
    if (pathname === '/introspect') return this.#introspect(new URLSearchParams(body).get('token') ?? '')
    const documents: Record<string, unknown> = {
      '/.well-known/oauth-authorization-server': {
        issuer: this.url,
        jwks_uri: `${this.url}/.well-known/jwks.json`,
        revocations_uri: `${this.url}/revocations`,
        introspection_endpoint: `${this.url}/introspect`,
      },
      '/.well-known/jwks.json': { keys: this.#keys.map((key) => key.jwk) },
    }
    const document = documents[pathname]
    return document ? Response.json(document) : new Response(null, { status: 404 })
  }

  /** Signs an access token. A verifier of that audience accepts it, unless the options make it invalid. */
  mint({ header, claims, scope, ...given }: MintOptions): Promise<string> {
    const issuedAt = given.issuedAt ?? Math.floor(Date.now() / 1000)
    const defaults = {
      issuer: this.url,
      subject: 'user:test',
      clientId: 'test-client',
      issuedAt,
      expiresAt: issuedAt + 3600,
      jti: crypto.randomUUID(),
      ...(scope === undefined ? {} : { scope: scope.split(' ') }),
    }
    const payload = { ...encodeClaims(defaults), ...encodeClaims(given), ...claims }
    return this.#sign(payload, { typ: 'at+jwt', ...header })
  }

  /** Adds a revocation of a session, a subject, a client or a token to the feed. */
  revoke(revocation: Revocation): void {
    this.#revocations.push(revocation)
  }

  /** Makes a new current key. `keepOld` keeps the old keys in the JWKS. */
  async rotateKey({ keepOld = true, alg = 'ES256' } = {}): Promise<void> {
    this.#keys = [await generateKey(alg), ...(keepOld ? this.#keys : [])]
  }

  /** The whole list, or the entries after a cursor. A cursor is a number of revocations. */
  async #serveFeed(ifNoneMatch: string | undefined, since: string | null): Promise<Response> {
    const sequence = this.#revocations.length
    const isDelta = since !== null && Number(since) <= sequence
    // A list of another key is another document, as in the service.
    const etag = `"${isDelta ? since : ''}.${sequence}.${this.#currentKey().kid}"`
    if (ifNoneMatch === etag) return new Response(null, { status: 304, headers: { ETag: etag } })
    const iat = Math.floor(Date.now() / 1000)
    const payload = {
      iss: this.url,
      iat,
      exp: iat + FEED_LIFETIME_SECONDS,
      sequence,
      until: String(sequence),
      window: FEED_WINDOW_SECONDS,
      ...(isDelta ? { since } : {}),
      revocations: this.#revocations.slice(isDelta ? Number(since) : 0),
    }
    const feed = await this.#sign(payload, { typ: isDelta ? 'revocations-delta+jwt' : 'revocations+jwt' })
    return new Response(feed, { headers: { ETag: etag, 'Content-Type': 'application/jwt' } })
  }

  /** The state of a token of this issuer (RFC 7662). Every client may introspect. */
  #introspect(token: string): Response {
    const payload = decodeJwt(token)
    const { iat = 0, sid, sub, client_id, jti } = payload
    const names: Record<string, unknown> = { sid, sub, client_id, jti, all: true }
    const isRevoked = this.#revocations.some(
      ({ before, ...revoked }) =>
        iat < before && Object.entries(revoked).some(([name, value]) => names[name] === value),
    )
    return Response.json(isRevoked ? { active: false } : { active: true, ...payload })
  }

  #sign(payload: Record<string, unknown>, header: Record<string, unknown>): Promise<string> {
    const { alg, kid, privateKey } = this.#currentKey()
    return new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(privateKey)
  }

  #currentKey(): IssuerKey {
    const [key] = this.#keys
    if (!key) throw new Error('no signing key')
    return key
  }
}

/** @param options.alg The signing algorithm of the keys. */
export function createTestIssuer({ url = 'https://issuer.test', alg = 'ES256' } = {}): Promise<TestIssuer> {
  return TestIssuer.create(url, alg)
}

async function generateKey(alg: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { alg, kid, privateKey, jwk: { ...jwk, kid, alg, use: 'sig' } }
}
