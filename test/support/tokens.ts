import {
  base64url,
  createRemoteJWKSet,
  customFetch,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose'
import { ISSUER, STOREFRONT_AUDIENCE, type TestServer } from './server.ts'

/** The JWKS of a server, fetched by jose. */
export function remoteJwks(server: TestServer) {
  const options = {
    [customFetch]: (url: string, init: RequestInit) => server.fetch(new URL(url).pathname, init),
  }
  return createRemoteJWKSet(new URL(`${ISSUER}/.well-known/jwks.json`), options)
}

/** Verifies a token as an API does. The default audience is the storefront. */
export function verify(
  server: TestServer,
  token: string,
  options: JWTVerifyOptions = {},
): Promise<JWTVerifyResult> {
  return jwtVerify(token, remoteJwks(server), {
    issuer: ISSUER,
    audience: STOREFRONT_AUDIENCE,
    typ: 'at+jwt',
    currentDate: new Date(server.clock.time * 1000),
    ...options,
  })
}

/** Variants of a token that a lenient decoder accepts: with padding, a space, a line break, or a set spare bit. */
export function otherSpellings(token: string): string[] {
  const dot = token.lastIndexOf('.') + 1
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const spareBit = alphabet.charAt(alphabet.indexOf(token.slice(-1)) ^ 1)
  return [
    `${token}==`,
    `${token} `,
    `${token.slice(0, dot)}\n${token.slice(dot)}`,
    token.slice(0, -1) + spareBit,
  ]
}

/** The order of P-256 (FIPS 186-5). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The ES256 token with the other valid form of its signature: (r, n − s) for (r, s). */
export function withOtherSignature(token: string): string {
  const dot = token.lastIndexOf('.') + 1
  const signature = base64url.decode(token.slice(dot))
  const s = BigInt(`0x${toHex(signature.slice(32))}`)
  const other = (ORDER - s).toString(16).padStart(64, '0')
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(other.slice(2 * i, 2 * i + 2), 16))
  return token.slice(0, dot) + base64url.encode(new Uint8Array([...signature.slice(0, 32), ...bytes]))
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
