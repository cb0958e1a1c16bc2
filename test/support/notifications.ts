import { credentials, PASSWORD, type TestClient, type TestServer } from './server.ts'

/** The caller of a request, as Cloudflare reports it. */
export interface TestPlace {
  address?: string
  userAgent?: string
  asn?: number
  country?: string
  language?: string
}

export const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36'
export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** Two places of different users, and of one user who travels. */
export const HOME: TestPlace = { address: '203.0.113.7', userAgent: CHROME, asn: 3320, country: 'DE' }
export const ABROAD: TestPlace = { address: '198.51.100.9', userAgent: FIREFOX, asn: 3215, country: 'FR' }

/** The headers of a request from a place. */
export function headersOf({ address, userAgent, language }: TestPlace): Record<string, string> {
  return {
    ...(address === undefined ? {} : { 'CF-Connecting-IP': address }),
    ...(userAgent === undefined ? {} : { 'User-Agent': userAgent }),
    ...(language === undefined ? {} : { 'Accept-Language': language }),
  }
}

/** Signs a user in by the password grant, from a place. */
export async function signInFrom(
  server: TestServer,
  { client, username, password = PASSWORD }: { client: TestClient; username: string; password?: string },
  place: TestPlace,
): Promise<Response> {
  server.asn = place.asn ?? null
  server.country = place.country ?? null
  const parameters = { grant_type: 'password', ...credentials(client), username, password }
  return server.postJson(parameters, headersOf(place))
}

/** The kinds of the mails since the last call. */
export async function takeKinds(server: TestServer): Promise<string[]> {
  return (await server.takeMails()).map(({ kind }) => kind)
}
