import { createRemoteJWKSet, customFetch, type JWTVerifyOptions, type JWTVerifyResult, jwtVerify } from 'jose'
import { ISSUER, STOREFRONT_AUDIENCE, type TestServer } from './server.ts'

/** The JWKS of a server, fetched as jose fetches it. */
export function remoteJwks(server: TestServer) {
  const options = {
    [customFetch]: (url: string, init: RequestInit) => server.fetch(new URL(url).pathname, init),
  }
  return createRemoteJWKSet(new URL(`${ISSUER}/.well-known/jwks.json`), options)
}

/** Verifies a token as an API does; the audience is the storefront's where none is given. */
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
