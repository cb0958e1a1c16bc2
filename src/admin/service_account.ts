import type { Config } from '../config/config.ts'
import { isAdminScope } from '../oauth/admin_scope.ts'

/** The `when` of an operation that can give power to a service account. */
export const FOR_ACCOUNTS =
  'if it gives a client an admin scope, or enables or adds a secret to such a client'

/** Whether a client, or an unchecked row of an import, is of the admin API and has one of its scopes. */
export function isServiceAccount(
  { api, scopes }: { api?: unknown; scopes?: unknown },
  { adminApi }: Pick<Config, 'adminApi'>,
): boolean {
  return api === adminApi?.name && Array.isArray(scopes) && scopes.some(isAdminScope)
}
