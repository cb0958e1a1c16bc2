import type { Client } from '../clients/client.ts'
import type { ApiConfig } from '../config/config.ts'

/** Seconds. */
export interface Lifetimes {
  accessToken: number
  refreshToken: number
}

/** How long tokens of a client live: as long as the API says, or less where the client has its own lifetimes. */
export function lifetimesOf(client: Client, api: ApiConfig): Lifetimes {
  return {
    accessToken: Math.min(client.accessTokenLifetimeSeconds ?? Infinity, api.accessTokenLifetimeSeconds),
    refreshToken: Math.min(client.refreshTokenLifetimeSeconds ?? Infinity, api.refreshTokenLifetimeSeconds),
  }
}

/** When a session ends that began then and is refreshed now. All in Unix seconds. */
export function sessionExpiresAt(
  now: number,
  startedAt: number,
  refreshToken: number,
  cap: number | null,
): number {
  return Math.min(now + refreshToken, startedAt + (cap ?? Infinity))
}
