import type { ApiConfig } from '../config/config.ts'
import type { Client } from './client.ts'

export interface Lifetimes {
  accessTokenSeconds: number
  refreshTokenSeconds: number
}

/** How long tokens of a client live: as long as the API says, or less where the client has its own lifetimes. */
export function lifetimesOf(
  client: Pick<Client, 'accessTokenLifetimeSeconds' | 'refreshTokenLifetimeSeconds'>,
  api: ApiConfig,
): Lifetimes {
  const { accessTokenLifetimeSeconds, refreshTokenLifetimeSeconds } = client
  return {
    accessTokenSeconds: Math.min(accessTokenLifetimeSeconds ?? Infinity, api.accessTokenLifetimeSeconds),
    refreshTokenSeconds: Math.min(refreshTokenLifetimeSeconds ?? Infinity, api.refreshTokenLifetimeSeconds),
  }
}
