import type { ApiConfig } from '../config/config.ts'
import type { Client } from './client.ts'

/** The scopes that a client may request: those that its record and its API both have. */
export function clientScopes(client: Client, api: ApiConfig): string[] {
  return client.scopes.filter((scope) => api.scopes.includes(scope))
}

/** The scopes that a client may request for a guest. */
export function guestScopes(client: Client, api: ApiConfig): string[] {
  return clientScopes(client, api).filter((scope) => api.guestScopes.includes(scope))
}
