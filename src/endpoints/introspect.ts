import type { Context } from 'hono'
import type { ApiConfig, Config } from '../config/config.ts'
import type { ClientRequest } from '../grants/grant.ts'
import { requireUnchangedClient } from '../grants/require_current_client.ts'
import { runAsClient } from '../http/client_request.ts'
import type { Responses } from '../http/responses.ts'
import { compact } from '../lib/compact.ts'
import { invalidClient } from '../oauth/errors.ts'
import { formatScope } from '../oauth/scope.ts'
import type { Services } from '../services.ts'
import { findHolder, type LiveHolder } from '../sessions/find_holder.ts'
import type { TokenClaims } from '../tokens/verify_token.ts'
import { GOOD_STANDING, type PasswordStanding, passwordStandingOf } from '../users/password_standing.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { Endpoint } from './endpoint.ts'
import { readTokenInQuestion } from './token_in_question.ts'

/** The response for a token that is not live, or that the caller may not ask about (RFC 7662 §2.2). */
const INACTIVE = { active: false }

/**
 * The introspection endpoint (RFC 7662). It describes an access token to the confidential clients of the API in its `aud`,
 * and a refresh token to its own client alone.
 */
export const introspectEndpoint: Endpoint = {
  method: 'POST',
  path: '/oauth2-token/introspect',
  handler: (services, responses) => (c) => handleIntrospection(c, services, responses),
}

async function handleIntrospection(c: Context, services: Services, responses: Responses): Promise<Response> {
  const run = (request: ClientRequest) => introspect(request, services)
  return responses.private(await runAsClient(c, services, { required: 'token', run }))
}

async function introspect(request: ClientRequest, services: Services): Promise<object> {
  const { client, api, parameters, context } = request
  if (!client.confidential) throw invalidClient('a public client may not introspect')
  await services.bursts.spend('introspections', client.id, context)
  const claims = await readTokenInQuestion(parameters.require('token'), services, context)
  if (claims === null) return INACTIVE
  // A client that was disabled, or one with a retired secret, must not introspect.
  await requireUnchangedClient(request, services)
  // Only the client of a refresh token may see its description.
  const isOfCaller = claims.seq === null || claims.clientId === client.id
  const holder = isOfCaller ? await findHolder(claims, { api, now: context.now }, services) : null
  if (holder === null) return INACTIVE
  return describe(claims, powerNow(claims, holder, api, services.config), services.config.issuer)
}

/** The current scope and roles of a token, and the claims about the password. */
interface Power {
  scope: readonly string[]
  roles: readonly string[]
  standing: PasswordStanding
}

/** The scope and roles of the token that its client, its user and config.yml still have. A refresh token keeps its scope. */
function powerNow(
  { seq, subject, scope, roles }: TokenClaims,
  { user, clientScopes }: LiveHolder,
  api: ApiConfig,
  config: Config,
): Power {
  const standing = user === null ? GOOD_STANDING : passwordStandingOf(user, config)
  const isHeld = standing.isHeld && seq === null
  const ofApi = isVisitorId(subject) ? api.guestScopes : api.scopes
  return {
    scope: isHeld ? [] : scope.filter((name) => clientScopes.includes(name) && ofApi.includes(name)),
    roles: isHeld ? [] : roles.filter((name) => user?.roles.includes(name)),
    standing: seq === null ? standing : GOOD_STANDING,
  }
}

function describe(claims: TokenClaims, { scope, roles, standing }: Power, issuer: string) {
  const { sid, seq, visitorId } = claims
  return compact({
    active: true,
    ...(seq === null ? { token_type: 'Bearer', token_use: 'access_token' } : { token_use: 'refresh_token' }),
    iss: issuer,
    aud: claims.audience,
    sub: claims.subject,
    client_id: claims.clientId,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    jti: claims.jti,
    sid: sid ?? undefined,
    scope: scope.length === 0 ? undefined : formatScope(scope),
    roles: roles.length === 0 ? undefined : roles,
    visitor_id: visitorId ?? undefined,
    ...(standing.mustChange ? { must_change_password: true } : {}),
    ...(standing.isBreached ? { password_breached: true } : {}),
    seq: seq ?? undefined,
  })
}
