import { base64url, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** The request that a proof is for. A `Request` has both members. */
interface ProvenRequest {
  method: string
  url: string
}

export interface ProofOptions {
  /** The access token of the request. */
  accessToken?: string | undefined
  /** The nonce of the header `DPoP-Nonce`. */
  nonce?: string | undefined
  /** Unix seconds. Default: the current time. */
  now?: number | undefined
  /** More claims, or replacements: for a proof that the API must refuse. */
  claims?: Record<string, unknown> | undefined
  /** More header parameters, or replacements. */
  header?: Record<string, unknown> | undefined
}

/**
 * The key of a client in the tests of an API.
 *
 *     const key = await createTestProofKey()
 *     const token = await issuer.mint({ audience, keyThumbprint: key.thumbprint })
 *     const request = await key.authorize(new Request('https://shop.example/api/cart'), token)
 */
export class TestProofKey {
  readonly jwk: JWK
  readonly thumbprint: string
  readonly privateKey: CryptoKey
  readonly #alg: string

  private constructor(
    alg: string,
    jwk: JWK,
    { thumbprint, privateKey }: Pick<TestProofKey, 'thumbprint' | 'privateKey'>,
  ) {
    this.#alg = alg
    this.jwk = jwk
    this.thumbprint = thumbprint
    this.privateKey = privateKey
  }

  static async create(alg: string): Promise<TestProofKey> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const jwk = await exportJWK(publicKey)
    return new TestProofKey(alg, jwk, { thumbprint: await calculateJwkThumbprint(jwk), privateKey })
  }

  /** Signs a proof for a request (RFC 9449 §4.2). */
  async prove({ method, url }: ProvenRequest, options: ProofOptions = {}): Promise<string> {
    const { accessToken, nonce, now = Math.floor(Date.now() / 1000), claims, header } = options
    const payload = {
      jti: crypto.randomUUID(),
      htm: method,
      htu: url,
      iat: now,
      ...(accessToken !== undefined && { ath: await hashOf(accessToken) }),
      ...(nonce !== undefined && { nonce }),
      ...claims,
    }
    return new SignJWT(payload)
      .setProtectedHeader({ typ: 'dpop+jwt', alg: this.#alg, jwk: this.jwk, ...header })
      .sign(this.privateKey)
  }

  /** The request with the token in its `Authorization` header, and with a proof. */
  async authorize(request: Request, token: string, options: ProofOptions = {}): Promise<Request> {
    const authorized = new Request(request)
    authorized.headers.set('Authorization', `DPoP ${token}`)
    authorized.headers.set('DPoP', await this.prove(request, { accessToken: token, ...options }))
    return authorized
  }
}

/** @param options.alg The signing algorithm of the key. */
export function createTestProofKey({ alg = 'ES256' } = {}): Promise<TestProofKey> {
  return TestProofKey.create(alg)
}

async function hashOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return base64url.encode(new Uint8Array(digest))
}
