import { accountPathOf } from '../config/account_path.ts'
import type { ApiConfig, Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import type { StoredClient } from './client.ts'
import { fromDraft } from './client_values.ts'

/** The slash keeps the ids apart from those of stored clients (`CLIENT_ID`). So the token endpoint knows no such client. */
const PREFIX = 'sallyport-account/'

type Settings = Pick<Config, 'issuer' | 'apis' | 'accounts'>

/** The id of the client of the account page of a pool. */
export function accountClientIdOf(pool: string): string {
  return PREFIX + pool
}

/** The pool whose account page has this client id; null for another client. The pool need not exist. */
export function accountPoolOf(clientId: string): string | null {
  return clientId.startsWith(PREFIX) ? clientId.slice(PREFIX.length) : null
}

/** The first API of a pool; null for an unknown pool. */
export function firstApiOf(pool: string, { apis }: Pick<Config, 'apis'>): ApiConfig | null {
  return [...apis.values()].find(({ userPool }) => userPool === pool) ?? null
}

/**
 * Finds the client of an account page by its id. It is in no store. It can only start a sign-in: it has no secret, and it exchanges no
 * code, because the browser session is the result of the sign-in.
 *
 * @returns null for another client, and for a pool without an account page
 */
export function findAccountClient(id: string, config: Settings): StoredClient | null {
  const pool = accountPoolOf(id) ?? ''
  const api = firstApiOf(pool, config)
  if (api === null || !accountsOf(pool, config).selfService) return null
  const { confidential: _, ...values } = fromDraft({
    client_id: id,
    name: api.branding?.name ?? 'Sallyport',
    api: api.name,
    grants: ['authorization_code'],
    redirect_uris: [config.issuer + accountPathOf(pool)],
    first_party: true,
    require_pkce: false,
  })
  const noChange = { createdAt: 0, accessValidFrom: 0, tokensValidFrom: 0, asOf: 0, hasOldKeys: false }
  return { ...values, authentication: { method: 'client_secret', secrets: [] }, ...noChange }
}
