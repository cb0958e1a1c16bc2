import type { Config } from '../config/config.ts'
import { isLoopback } from '../config/origin.ts'
import { findOutboundUrlProblem } from '../lib/outbound_url.ts'
import type { ValueProblem } from '../lib/problems.ts'
import { isAdminScope } from '../oauth/admin_scope.ts'
import { clientApis } from './client_apis.ts'
import type { ClientValues } from './client_values.ts'
import { isPrivateUse } from './redirect_uri.ts'

/** The fields that the rules read. */
export type RuledValues = Pick<
  ClientValues,
  | 'api'
  | 'additionalApis'
  | 'grants'
  | 'scopes'
  | 'confidential'
  | 'jwks'
  | 'jwksUri'
  | 'redirectUris'
  | 'postLogoutRedirectUris'
  | 'isFirstParty'
  | 'requiresPkce'
  | 'refreshPolicy'
  | 'bindsTokens'
  | 'errorDialect'
  | 'incrementalScopes'
>
type RuledConfig = Pick<Config, 'issuer' | 'apis' | 'adminApi'>

/**
 * Checks the rules between the fields of a client, and the rules between a client and its API.
 *
 * @returns The problems, each with the JSON name of the field
 */
export function findClientProblems(client: RuledValues, config: RuledConfig): ValueProblem[] {
  const names = [...config.apis.keys()]
  return [
    ...(names.includes(client.api)
      ? findScopeProblems(client, config)
      : [{ path: 'api', message: `must be one of ${names.join(', ')}` }]),
    ...findAdditionalProblems(client, config),
    ...findGrantProblems(client, config),
    ...findKeyProblems(client, config),
    ...findRedirectProblems('redirect_uris', client.redirectUris, client),
    ...findRedirectProblems('post_logout_redirect_uris', client.postLogoutRedirectUris, client),
    ...findPkceProblems(client),
    ...findRefreshProblems(client),
    ...findErrorProblems(client, config),
    ...findIncrementalProblems(client),
  ]
}

/** The admin API stays apart, because its clients have rights that no scope limits. */
function findAdditionalProblems({ api, additionalApis }: RuledValues, { apis, adminApi }: RuledConfig) {
  const addable = addableApis(api, { apis, adminApi })
  const message =
    addable.length === 0 ? 'must be empty: no other API can be added' : `must be one of ${addable.join(', ')}`
  return additionalApis.flatMap((name, i) =>
    addable.includes(name) ? [] : [{ path: `additional_apis.${i}`, message }],
  )
}

/** The names of the APIs that a client of an API can have in addition. */
export function addableApis(api: string, { apis, adminApi }: Pick<Config, 'apis' | 'adminApi'>): string[] {
  if (api === adminApi?.name) return []
  return [...apis.keys()].filter((name) => name !== api && name !== adminApi?.name)
}

function findScopeProblems(client: RuledValues, config: RuledConfig) {
  const { api, scopes, grants } = client
  const { adminApi } = config
  const apis = clientApis(client, config)
  const known = apis.flatMap((own) => own.scopes)
  const names = apis.length > 1 ? `APIs ${apis.map(({ name }) => name).join(', ')}` : `API ${api}`
  // Without client_credentials only users have tokens of the client, and only roles give rights to a user.
  const isAccountOnly = api === adminApi?.name && !grants.includes('client_credentials')
  return scopes.flatMap((scope, i) => {
    const path = `scopes.${i}`
    if (!known.includes(scope)) return [{ path, message: `must be a scope of the ${names}` }]
    if (!isAccountOnly || !isAdminScope(scope)) return []
    return [{ path, message: 'needs the grant client_credentials: it is for service accounts' }]
  })
}

function findGrantProblems(
  { api, grants, confidential, redirectUris, isFirstParty }: RuledValues,
  { adminApi }: RuledConfig,
): ValueProblem[] {
  const problems: ValueProblem[] = []
  if (api === adminApi?.name && grants.includes('authorization_code') && !isFirstParty) {
    // The roles of an operator give every right of the admin API, and no scope limits them.
    const message = 'must be true, because the client signs in operators'
    problems.push({ path: 'first_party', message })
  }
  if (!confidential && grants.includes('client_credentials')) {
    const message = 'must not have client_credentials, because the client is public (RFC 6749 §4.4)'
    problems.push({ path: 'grants', message })
  }
  if (redirectUris.length === 0 && grants.includes('authorization_code')) {
    const message = 'must have at least one URI, because the client has the grant authorization_code'
    problems.push({ path: 'redirect_uris', message })
  }
  return problems
}

/** Anyone can read the key of a public client, so its signature proves nothing (RFC 6749 §2.1). */
function findKeyProblems(
  { confidential, jwks, jwksUri }: RuledValues,
  { issuer }: RuledConfig,
): ValueProblem[] {
  const given = [...(jwks === null ? [] : ['jwks']), ...(jwksUri === null ? [] : ['jwks_uri'])]
  if (!confidential)
    return given.map((path) => ({ path, message: 'must be absent, because the client is public' }))
  if (given.length > 1) return [{ path: 'jwks_uri', message: 'must be absent, because the client has jwks' }]
  const problem =
    jwksUri === null ? null : findOutboundUrlProblem(jwksUri, { allowsLoopback: isLoopback(issuer) })
  return problem === null ? [] : [{ path: 'jwks_uri', message: problem }]
}

/** Any app can claim a private-use scheme, so only our own apps use one (RFC 8252 §8.6). */
function findRedirectProblems(field: string, uris: readonly string[], { isFirstParty }: RuledValues) {
  return uris.flatMap((uri, i) =>
    isFirstParty || !isPrivateUse(uri)
      ? []
      : [{ path: `${field}.${i}`, message: 'must be https or http, because the client is not first-party' }],
  )
}

/** Without a secret, PKCE is the only proof that a code reaches its client (RFC 9700 §2.1.1). */
function findPkceProblems({ requiresPkce, confidential }: RuledValues): ValueProblem[] {
  if (requiresPkce || confidential) return []
  return [{ path: 'require_pkce', message: 'must be true, because the client is public' }]
}

/** The other policies need a refresh token that is useless without a secret or a key: see `refreshRulesOf`. */
function findRefreshProblems({ refreshPolicy, confidential, bindsTokens }: RuledValues): ValueProblem[] {
  if (refreshPolicy === 'rotate' || confidential || bindsTokens) return []
  const message = 'must be rotate, because the client is public and does not require DPoP (RFC 9700 §2.2.2)'
  return [{ path: 'refresh', message }]
}

/** Agents know only the errors of the RFC. */
function findErrorProblems(client: RuledValues, config: RuledConfig): ValueProblem[] {
  const withAgents = clientApis(client, config).find(({ agents }) => agents)
  if (client.errorDialect !== 'oro' || withAgents === undefined) return []
  return [{ path: 'errors', message: `must not be oro, because the API ${withAgents.name} has agents` }]
}

/** The earlier scopes of a user are those of a consent, and a first-party client has none. */
function findIncrementalProblems({ incrementalScopes, isFirstParty }: RuledValues): ValueProblem[] {
  if (!incrementalScopes || !isFirstParty) return []
  return [
    { path: 'incremental_scopes', message: 'must be false, because a first-party client has no consents' },
  ]
}
