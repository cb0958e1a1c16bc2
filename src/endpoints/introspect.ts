import type { Context } from 'hono'
import type { Answers } from '../http/answers.ts'
import { readClientRequest } from '../http/client_request.ts'
import { invalidClient } from '../oauth/errors.ts'
import { formatScope } from '../oauth/scope.ts'
import type { Services } from '../services.ts'
import { findHolder } from '../sessions/find_holder.ts'
import type { TokenClaims } from '../tokens/verify_token.ts'
import type { Endpoint } from './endpoint.ts'
import { readTokenInQuestion } from './token_in_question.ts'

/** All that is said of a token that is not good, or none of the caller's business (RFC 7662 §2.2). */
const INACTIVE = { active: false }

/** The introspection endpoint (RFC 7662), for the confidential clients of the token's API. */
export const introspectEndpoint: Endpoint = {
  method: 'POST',
  path: '/oauth2-token/introspect',
  handler: (services, answers) => (c) => answerIntrospection(c, services, answers),
}

async function answerIntrospection(c: Context, services: Services, answers: Answers): Promise<Response> {
  const request = await readClientRequest(c, services, 'token')
  const { client, api, parameters, context } = request
  if (!client.confidential) throw invalidClient('a public client may not introspect')
  await services.bursts.spend('introspections', client.id, context)
  const claims = await readTokenInQuestion(parameters.require('token'), services, context)
  const where = { api, now: context.now }
  const isActive = claims !== null && (await findHolder(claims, where, services)) !== null
  return answers.private(isActive ? describe(claims, services.config.issuer) : INACTIVE)
}

function describe(claims: TokenClaims, issuer: string) {
  const { scope, roles, sid, visitorId } = claims
  return {
    active: true,
    ...(claims.seq === null ? { token_type: 'Bearer' } : {}),
    iss: issuer,
    aud: claims.audience,
    sub: claims.subject,
    client_id: claims.clientId,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    jti: claims.jti,
    ...(sid === null ? {} : { sid }),
    ...(scope.length === 0 ? {} : { scope: formatScope(scope) }),
    ...(roles.length === 0 ? {} : { roles }),
    ...(visitorId === null ? {} : { visitor_id: visitorId }),
  }
}
