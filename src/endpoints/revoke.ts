import type { Context } from 'hono'
import { auditSuccess } from '../grants/audit_success.ts'
import type { ClientRequest } from '../grants/grant.ts'
import { readClientRequest } from '../http/client_request.ts'
import { respondPrivately } from '../http/respond.ts'
import { foreignToken } from '../oauth/errors.ts'
import type { Services } from '../services.ts'
import type { TokenClaims } from '../tokens/verify_token.ts'
import type { Endpoint } from './endpoint.ts'
import { readTokenInQuestion } from './token_in_question.ts'

const REASON = 'revoked by its client'

/** The revocation endpoint (RFC 7009): a token of a session ends that session, a client's own token dies alone. */
export const revokeEndpoint: Endpoint = {
  method: 'POST',
  path: '/oauth2-token/revoke',
  handler: (services) => (c) => answerRevocation(c, services),
}

async function answerRevocation(c: Context, services: Services): Promise<Response> {
  const request = await readClientRequest(c, services, 'token')
  const { client, parameters, context } = request
  const claims = await readTokenInQuestion(parameters.require('token'), services, context)
  // A token that is not ours or has expired is as dead as its owner wants it (RFC 7009 §2.2).
  if (claims === null) return respondPrivately(c, {})
  if (claims.clientId !== client.id)
    throw foreignToken(`${client.id} asked to revoke a token of ${claims.clientId}`)
  await revoke(claims, request, services)
  return respondPrivately(c, {})
}

async function revoke(claims: TokenClaims, request: ClientRequest, services: Services): Promise<void> {
  const { subject, sid, jti } = claims
  const { now } = request.context
  if (sid === null) await services.cutoffs.add('jti', jti, REASON, now)
  else await endSession(sid, claims, request, services)
  auditSuccess({ kind: 'revoke', reason: REASON, subject, sid }, request, services)
}

async function endSession(
  sid: string,
  claims: TokenClaims,
  request: ClientRequest,
  services: Services,
): Promise<void> {
  const { client, api, context } = request
  const expiresAt = context.now + api.refreshTokenLifetimeSeconds
  const identity = {
    sid,
    subject: claims.subject,
    clientId: client.id,
    api: api.name,
    startedAt: claims.issuedAt,
  }
  const tokenExpiresAt = Math.max(expiresAt, claims.expiresAt)
  const sessions = services.shards.find(sid)
  // A shard that is no longer configured: nobody can refresh the session, but its access tokens live.
  if (sessions === null) await services.cutoffs.add('sid', sid, REASON, context.now)
  else await sessions.end({ ...identity, expiresAt, tokenExpiresAt }, REASON, context.now)
}
