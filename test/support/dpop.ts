import { base64url, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { TestServer } from './server.ts'
import { ISSUER } from './server.ts'

const TOKEN = '/oauth2-token'

/** The parts of a proof. The defaults are those of a right proof for a POST to the token endpoint. */
interface ProofParts {
  method?: string
  path?: string
  accessToken?: string
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
}

/** A key pair of a client, and the proofs that it signs (RFC 9449 §4.2). */
export class DpopKey {
  readonly jwk: JWK
  readonly thumbprint: string
  readonly #privateKey: CryptoKey
  readonly #alg: string

  private constructor(jwk: JWK, thumbprint: string, signing: { key: CryptoKey; alg: string }) {
    this.jwk = jwk
    this.thumbprint = thumbprint
    this.#privateKey = signing.key
    this.#alg = signing.alg
  }

  static async create(alg = 'ES256'): Promise<DpopKey> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const jwk = await exportJWK(publicKey)
    return new DpopKey(jwk, await calculateJwkThumbprint(jwk), { key: privateKey, alg })
  }

  /** Signs a proof for a request at the time of the server. */
  async prove(
    { clock }: Pick<TestServer, 'clock'>,
    { method = 'POST', path = TOKEN, accessToken, claims = {}, header = {} }: ProofParts = {},
  ): Promise<string> {
    const ath = accessToken === undefined ? {} : { ath: await hashOf(accessToken) }
    const payload = {
      jti: crypto.randomUUID(),
      htm: method,
      htu: ISSUER + path,
      iat: clock.time,
      ...ath,
      ...claims,
    }
    return new SignJWT(payload)
      .setProtectedHeader({ typ: 'dpop+jwt', alg: this.#alg, jwk: this.jwk, ...header })
      .sign(this.#privateKey)
  }

  async exportPrivate(): Promise<JWK> {
    return exportJWK(this.#privateKey)
  }
}

async function hashOf(token: string): Promise<string> {
  return base64url.encode(
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))),
  )
}
