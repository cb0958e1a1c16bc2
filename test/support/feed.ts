import { jwtVerify } from 'jose'
import { ISSUER, type TestServer } from './server.ts'
import { remoteJwks } from './tokens.ts'

export interface FeedClaims {
  iss: string
  iat: number
  exp: number
  sequence: number
  /** Only in a delta. */
  since?: string
  until: string
  window: number
  revocations: Record<string, string | number | boolean>[]
}

/** Fetches the revocation feed at a new isolate and verifies it by the JWKS. */
export function readFeed(server: TestServer): Promise<FeedClaims> {
  return readFeedAt(server.anotherIsolate(), '/revocations', 'revocations+jwt')
}

/** Fetches what was added to the feed since a cursor. */
export function readDelta(server: TestServer, since: string): Promise<FeedClaims> {
  return readFeedAt(server, `/revocations?since=${since}`, 'revocations-delta+jwt')
}

export async function readFeedAt(server: TestServer, path: string, typ: string): Promise<FeedClaims> {
  const response = await server.fetch(path)
  const options = {
    issuer: ISSUER,
    typ,
    currentDate: new Date(server.clock.time * 1000),
    requiredClaims: ['exp', 'until'],
  }
  const { payload } = await jwtVerify<FeedClaims>(
    new TextDecoder().decode(await response.arrayBuffer()),
    remoteJwks(server),
    options,
  )
  return payload
}
