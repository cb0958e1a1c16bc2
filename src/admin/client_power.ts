import type { ClientValues } from '../clients/client_values.ts'
import type { Config } from '../config/config.ts'
import { isAdminScope } from '../oauth/admin_scope.ts'
import type { ClientGrant } from '../oauth/grant_type.ts'

type AdminApi = Pick<Config, 'adminApi'>

/** A client, or an unchecked row of an import. */
interface UncheckedClient {
  api?: unknown
  scopes?: unknown
  grants?: unknown
}

/** The `when` of an operation that can give power over the admin API. */
export const FOR_POWER =
  'if a client of the admin API has an admin scope or the grant authorization_code, and the request creates or enables it, makes it first-party, or gives it a scope, a grant, a redirect URI, a secret or keys'

const SIGN_IN: ClientGrant = 'authorization_code'

/** Whether a client is of the admin API and has one of its scopes. */
export function isServiceAccount({ api, scopes }: UncheckedClient, { adminApi }: AdminApi): boolean {
  return api === adminApi?.name && Array.isArray(scopes) && scopes.some(isAdminScope)
}

/**
 * Whether a client has power over the admin API: the rights of its own scopes, or those of each operator who signs in to it. A client
 * that signs in operators is first-party, so a signed-in operator who opens a link gives it a code without a page.
 */
export function hasAdminPower(client: UncheckedClient, config: AdminApi): boolean {
  const { api, grants } = client
  const signsIn = api === config.adminApi?.name && Array.isArray(grants) && grants.includes(SIGN_IN)
  return signsIn || isServiceAccount(client, config)
}

/** The fields that decide the rights of the tokens of a client and the party that gets them. */
const POWER_FIELDS = ['scopes', 'grants', 'redirectUris', 'isFirstParty', 'jwks', 'jwksUri'] as const

type Power = Pick<ClientValues, 'api' | (typeof POWER_FIELDS)[number]>

/** Whether a change gives a client with power over the admin API more than it had. A removal gives nothing. */
export function gainsAdminPower(before: Power, after: Power, config: AdminApi): boolean {
  if (!hasAdminPower(after, config)) return false
  return POWER_FIELDS.some((field) => {
    const known = itemsOf(before[field])
    return itemsOf(after[field]).some((item) => !known.includes(item))
  })
}

/** The items of a list, or a single value, as JSON; empty for null and false. */
function itemsOf(value: Power[keyof Power]): string[] {
  return [value].flat().flatMap((item) => (item ? [JSON.stringify(item)] : []))
}
