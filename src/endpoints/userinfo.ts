import type { Context } from 'hono'
import { allowClientOrigin } from '../http/cors.ts'
import { mediaTypeOf } from '../http/media_type.ts'
import { requireBinding, requirePresentedToken } from '../http/presented_token.ts'
import { readParameters } from '../http/read_parameters.ts'
import { requestContext } from '../http/request_context.ts'
import type { Responses } from '../http/responses.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { PresentedToken } from '../oauth/bearer.ts'
import { insufficientScope, malformedRequest } from '../oauth/errors.ts'
import type { Services } from '../services/services.ts'
import { formatClaims, type TokenClaims } from '../tokens/claims.ts'
import { identityClaims } from '../tokens/identity_claims.ts'
import { passwordStateOf } from '../users/password_state.ts'
import { requireAccessClaims, requireTokenUser } from './access_token_user.ts'
import { type CreateHandler, type Endpoint, JSON_FORMAT } from './endpoint.ts'

const FORM = 'application/x-www-form-urlencoded'

const handle: CreateHandler = (services, responses) => (c) => handleUserinfo(c, services, responses)

/** The userinfo endpoint (OpenID Connect Core §5.3). It accepts a live access token of any API with the scope `openid`. */
export const userinfoEndpoint: Endpoint = {
  path: '/oauth2-token/userinfo',
  format: JSON_FORMAT,
  methods: { GET: handle, POST: handle },
  isIn: ({ openIdEnabled }) => openIdEnabled,
}

async function handleUserinfo(c: Context, services: Services, responses: Responses): Promise<Response> {
  const context = requestContext(c, services.clock)
  // Reads the keys in parallel with the body.
  services.keys.prepare(context)
  const presented = await readAccessToken(c)
  const apis = [...services.config.apis.values()]
  const claims = await requireAccessClaims(presented.token, apis, { services, context })
  await requireBinding(c, presented, claims, { services, now: context.now })
  await services.bursts.spend('introspections', claims.clientId, context)
  if (!claims.scope.includes('openid')) throw insufficientScope('openid')
  const [user] = await Promise.all([
    requireTokenUser(claims, services, context),
    allowOriginOf(claims, c, { services, context }),
  ])
  const { isRestricted } = passwordStateOf(user, services.config)
  if (isRestricted) throw insufficientScope('openid')
  const values = { subject: claims.subject, ...identityClaims(user, claims.scope) }
  return responses.private(formatClaims(values, 'userinfo'))
}

/**
 * Reads the access token of the Authorization header or of a form (RFC 6750 §2.1, §2.2). A token in the URL is ignored, because
 * URLs are logged.
 *
 * @throws OAuthError invalid_token without a token, invalid_request for two tokens or a form that cannot be read
 */
async function readAccessToken(c: Context): Promise<PresentedToken> {
  const authorization = c.req.header('Authorization')
  const isForm = c.req.method === 'POST' && mediaTypeOf(c.req.raw.headers) === FORM
  const inForm = isForm ? (await readParameters(c.req.raw)).find('access_token') : null
  if (authorization === undefined && inForm !== null) return { scheme: 'Bearer', token: inForm }
  if (inForm !== null) throw malformedRequest('two_authentications')
  return requirePresentedToken(c)
}

/** A script of the client's own origins may read the response to its POST. A GET allows the origins of all clients. */
async function allowOriginOf(
  { clientId }: TokenClaims,
  c: Context,
  { services, context }: { services: Services; context: RequestContext },
): Promise<void> {
  if (c.req.method !== 'POST' || c.req.header('Origin') === undefined) return
  const client = await services.clients.find(clientId, context)
  if (client !== null) allowClientOrigin(c, client)
}
