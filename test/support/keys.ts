import { decodeProtectedHeader } from 'jose'
import type { KeyEntry } from '../../src/keys/key_life.ts'
import { credentials, type TestClient, type TestServer } from './server.ts'

/** A token of the grant client_credentials. */
export async function machineToken(server: TestServer, client: TestClient): Promise<string> {
  const response = await server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
  return response.access_token
}

/** The current signing key. */
export async function signerOf(server: TestServer, client: TestClient): Promise<string> {
  return decodeProtectedHeader(await machineToken(server, client)).kid ?? ''
}

/** The `kid` values of the JWKS. */
export async function publishedKids(server: TestServer): Promise<string[]> {
  const { keys } = await (await server.fetch('/.well-known/jwks.json')).json<{ keys: { kid: string }[] }>()
  return keys.map((key) => key.kid)
}

/** The keys as the admin API lists them. */
export function listKeys(server: TestServer): Promise<KeyEntry[]> {
  return server.services.keyLife.list(server.context())
}
