import type { ApiConfig } from '../config/config.ts'
import type { Client } from './client.ts'

export interface Lifetimes {
  accessTokenSeconds: number
  refreshTokenSeconds: number
}

/** The token lifetimes of a client: the lifetimes of its API, or shorter lifetimes from its own record. */
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
