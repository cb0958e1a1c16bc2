import type { Context } from 'hono'
import type { ClientRequest } from '../grants/grant.ts'
import { readClientRequest } from '../http/client_request.ts'
import { respondPrivately } from '../http/respond.ts'
import { invalidClient } from '../oauth/errors.ts'
import { formatScope } from '../oauth/scope.ts'
import type { Services } from '../services.ts'
import { endOfSession } from '../sessions/session.ts'
import type { TokenClaims } from '../tokens/verify_token.ts'
import { isSignedOut, type User } from '../users/user.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { Endpoint } from './endpoint.ts'
import { readTokenInQuestion } from './token_in_question.ts'

/** All that is said of a token that is not good, or none of the caller's business (RFC 7662 §2.2). */
const INACTIVE = { active: false }

/** The introspection endpoint (RFC 7662), for the confidential clients of the token's API. */
export const introspectEndpoint: Endpoint = {
  method: 'POST',
  path: '/oauth2-token/introspect',
  handler: (services) => (c) => answerIntrospection(c, services),
}

async function answerIntrospection(c: Context, services: Services): Promise<Response> {
  const request = await readClientRequest(c, services, 'token')
  const { client, parameters, context } = request
  if (!client.confidential) throw invalidClient('a public client may not introspect')
  const claims = await readTokenInQuestion(parameters.require('token'), services, context)
  const isActive = claims !== null && (await isAlive(claims, request, services))
  return respondPrivately(c, isActive ? describe(claims, services.config.issuer) : INACTIVE)
}

/** Whether the token is of the caller's API, and nothing has ended it: asked of the database, not of a copy. */
async function isAlive(
  claims: TokenClaims,
  { api, context }: ClientRequest,
  services: Services,
): Promise<boolean> {
  const { clients, users, cutoffs } = services
  // The audience of an access token says which API it is for, even where its client was moved since.
  if (claims.seq === null && claims.audience !== api.audience) return false
  const issuer = await clients.findStanding(claims.clientId)
  if (issuer?.api !== api.name || !issuer.enabled || claims.issuedAt < issuer.tokensValidFrom) return false
  const isPerson = claims.sid !== null && !isVisitorId(claims.subject)
  const [isInSession, user, revokedBefore] = await Promise.all([
    claims.sid === null || isCurrent(claims, { sid: claims.sid, now: context.now }, services),
    isPerson ? users.findById(claims.subject) : null,
    cutoffs.findBefore('jti', claims.jti),
  ])
  const isOfPerson = !isPerson || (user !== null && isOf(user, claims))
  return isInSession && isOfPerson && claims.issuedAt >= revokedBefore
}

/** Of a session that was kept through a sign-out, the refresh token lives on; its access tokens died with the others. */
function isOf(user: User, { seq, sid, issuedAt }: TokenClaims): boolean {
  return user.enabled && !isSignedOut(user, { sid: seq === null ? null : sid, issuedAt })
}

/** An access token lives while its session has not ended; a refresh token while it is the session's current one. */
async function isCurrent(
  { seq }: TokenClaims,
  { sid, now }: { sid: string; now: number },
  { shards, config }: Services,
): Promise<boolean> {
  const sessions = shards.find(sid)
  if (sessions === null) return false
  const row = await sessions.find(sid)
  if (row?.endedAt) return false
  if (seq === null) return true
  return row === null ? seq === 0 : seq === row.seq && endOfSession(row, config.sessionLifetimeSeconds) > now
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
