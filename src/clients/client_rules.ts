import type { Config } from '../config/config.ts'
import type { ValueProblem } from '../lib/problems.ts'
import { isAdminScope } from '../oauth/admin_scope.ts'
import type { ClientValues } from './client_values.ts'

/**
 * Checks the rules between the fields of a client, and the rules between a client and its API.
 *
 * @returns The problems, each with the JSON name of the field
 */
export function findClientProblems(
  { api, grants, scopes, confidential }: Pick<ClientValues, 'api' | 'grants' | 'scopes' | 'confidential'>,
  { apis, adminApi }: Pick<Config, 'apis' | 'adminApi'>,
): ValueProblem[] {
  const known = apis.get(api)
  if (!known) return [{ path: 'api', message: `must be one of ${[...apis.keys()].join(', ')}` }]
  const problems = scopes.flatMap((scope, i) =>
    known.scopes.includes(scope)
      ? []
      : [{ path: `scopes.${i}`, message: `must be a scope of the API ${api}` }],
  )
  if (!confidential && grants.includes('client_credentials')) {
    const message = 'must not have client_credentials, because the client is public (RFC 6749 §4.4)'
    problems.push({ path: 'grants', message })
  }
  if (api === adminApi?.name && !grants.includes('client_credentials')) {
    // Without this grant only users have tokens of the client, and only roles give rights to a user.
    const message = 'needs the grant client_credentials: it is for service accounts'
    problems.push(
      ...scopes.flatMap((scope, i) => (isAdminScope(scope) ? [{ path: `scopes.${i}`, message }] : [])),
    )
  }
  return problems
}
