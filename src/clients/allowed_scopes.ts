import type { ApiConfig } from '../config/config.ts'
import type { Client } from './client.ts'

/** What a client may ask for: its own scopes, as far as its API has them. */
export function clientScopes(client: Client, api: ApiConfig): string[] {
  return client.scopes.filter((scope) => api.scopes.includes(scope))
}

/** What it may ask for on behalf of an anonymous visitor. */
export function guestScopes(client: Client, api: ApiConfig): string[] {
  return clientScopes(client, api).filter((scope) => api.guestScopes.includes(scope))
}
