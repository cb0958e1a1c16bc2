import type { Context } from 'hono'
import { isConfidential } from '../clients/client.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { refreshRulesOf } from '../clients/refresh_rules.ts'
import { requireUnchangedClient } from '../clients/require_current_client.ts'
import type { ApiConfig, Config } from '../config/config.ts'
import type { Responses } from '../http/responses.ts'
import { runAsClient } from '../http/run_as_client.ts'
import { isDocumentUrl } from '../oauth/document_client_id.ts'
import { invalidClient } from '../oauth/errors.ts'
import { isIdentityScope } from '../oauth/identity_scope.ts'
import type { Services } from '../services/services.ts'
import { findHolder, type LiveHolder } from '../sessions/find_holder.ts'
import { formatClaims, type TokenClaims } from '../tokens/claims.ts'
import { passwordStateOf } from '../users/password_state.ts'
import { isVisitorId } from '../users/visitor.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'
import { findTokenApi, readTokenInQuestion } from './token_in_question.ts'

/** The response if the token is not live, or if the client may not introspect it (RFC 7662 §2.2). */
const INACTIVE = { active: false }

/**
 * The introspection endpoint (RFC 7662). It describes an access token to each confidential client that belongs to the API in its `aud`.
 * It describes a token of an additional API, and a refresh token, only to the client of the token. A client whose id is the URL of a
 * document sees only its own tokens.
 */
export const introspectEndpoint: Endpoint = {
  path: '/oauth2-token/introspect',
  format: JSON_FORMAT,
  methods: { POST: (services, responses) => (c) => handleIntrospection(c, services, responses) },
}

async function handleIntrospection(c: Context, services: Services, responses: Responses): Promise<Response> {
  const run = (request: ClientRequest) => introspect(request, services)
  return responses.private(await runAsClient(c, services, { required: 'token', run }))
}

async function introspect(request: ClientRequest, services: Services): Promise<object> {
  const { client, parameters, context } = request
  if (!isConfidential(client)) throw invalidClient('a public client may not introspect')
  await services.bursts.spend('introspections', client.id, context)
  const claims = await readTokenInQuestion(parameters.require('token'), services, context)
  if (claims === null) return INACTIVE
  // The copy of the client may be outdated. A disabled client or a retired secret must not introspect.
  await requireUnchangedClient(request, services)
  const api = findVisibleApi(claims, request, services.config)
  const { policy } = refreshRulesOf(client, claims, services.config)
  const holder = api && (await findHolder(claims, { api, now: context.now, policy }, services))
  if (!api || !holder) return INACTIVE
  return describe({ ...claims, ...currentRights(claims, holder, { api, config: services.config }) })
}

/**
 * The API of a token that the client may see; null for another token. Anyone can publish a document, so a client with a document is no
 * API and sees only its own tokens.
 */
function findVisibleApi(claims: TokenClaims, { client, api: own }: ClientRequest, config: Config) {
  const api = findTokenApi(claims, client.api, config)
  const isOfCaller = claims.clientId === client.id
  const isOfApi = claims.seq === null && api === own && !isDocumentUrl(client.id)
  return isOfCaller || isOfApi ? api : null
}

/** The members that can change after a token was issued. */
type CurrentRights = Pick<TokenClaims, 'scope' | 'roles' | 'mustChangePassword' | 'passwordBreached'>

/** A refresh token, and a token of a guest or a client, has no rights except its scope. */
const SCOPE_ONLY = { roles: [], mustChangePassword: false, passwordBreached: false }

/**
 * The rights that the token, its client, its user and config.yml all have now. A restricted user keeps the scope of the refresh
 * token.
 */
function currentRights(
  { seq, subject, scope, roles }: TokenClaims,
  { user, clientScopes }: LiveHolder,
  { api, config }: { api: ApiConfig; config: Config },
): CurrentRights {
  const ofApi = isVisitorId(subject) ? api.guestScopes : api.scopes
  const current = scope.filter(
    (name) => isIdentityScope(name) || (clientScopes.includes(name) && ofApi.includes(name)),
  )
  if (seq !== null || user === null) return { ...SCOPE_ONLY, scope: current }
  const { isRestricted, mustChange, isBreached } = passwordStateOf(user, config)
  return {
    scope: isRestricted ? [] : current,
    roles: isRestricted ? [] : roles.filter((name) => user.roles.includes(name)),
    mustChangePassword: mustChange,
    passwordBreached: isBreached,
  }
}

/** Makes the response. `token_use` has the values of `token_type_hint` (RFC 7009 §2.1). */
function describe(claims: TokenClaims) {
  const type = claims.keyThumbprint === null ? 'Bearer' : 'DPoP'
  const use =
    claims.seq === null ? { token_type: type, token_use: 'access_token' } : { token_use: 'refresh_token' }
  return { active: true, ...use, ...formatClaims(claims, 'introspection') }
}
