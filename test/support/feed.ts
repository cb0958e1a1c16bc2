import { jwtVerify } from 'jose'
import { ISSUER, type TestServer } from './server.ts'
import { remoteJwks } from './tokens.ts'

export interface FeedClaims {
  iss: string
  iat: number
  sequence: number
  window: number
  revocations: Record<string, string | number>[]
}

/** Fetches the revocation feed and verifies it by the JWKS. It is read anew: no cached one is taken. */
export async function readFeed(server: TestServer): Promise<FeedClaims> {
  const response = await server.anotherIsolate().fetch('/revocations')
  const options = { issuer: ISSUER, typ: 'revocations+jwt', currentDate: new Date(server.clock.time * 1000) }
  const { payload } = await jwtVerify<FeedClaims>(
    new TextDecoder().decode(await response.arrayBuffer()),
    remoteJwks(server),
    options,
  )
  return payload
}
