import type { Context } from 'hono'
import { auditSuccess } from '../audit/audit_success.ts'
import { isConfidential } from '../clients/client.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { refreshRulesOf } from '../clients/refresh_rules.ts'
import { requireUnchangedClient } from '../clients/require_current_client.ts'
import type { Responses } from '../http/responses.ts'
import { runAsClient } from '../http/run_as_client.ts'
import { foreignToken } from '../oauth/errors.ts'
import type { Services } from '../services/services.ts'
import { identifySession } from '../sessions/identify_session.ts'
import { revocationTime, sessionRevocationTime } from '../sessions/revocation_store.ts'
import type { TokenClaims } from '../tokens/claims.ts'
import { isVisitorId } from '../users/visitor.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'
import { findTokenApi, readTokenInQuestion } from './token_in_question.ts'

const REASON = 'revoked by its client'

/** The revocation endpoint (RFC 7009). A token of a session ends the session. For a machine token, only that token is revoked. */
export const revokeEndpoint: Endpoint = {
  path: '/oauth2-token/revoke',
  format: JSON_FORMAT,
  methods: { POST: (services, responses) => (c) => handleRevocation(c, services, responses) },
}

async function handleRevocation(c: Context, services: Services, responses: Responses): Promise<Response> {
  const run = (request: ClientRequest) => revokeToken(request, services)
  await runAsClient(c, services, { required: 'token', acceptsOldKeys: () => true, run })
  return responses.private({})
}

/** @throws OAuthError if another client owns the token or the budget is used up; ClientChanged */
async function revokeToken(request: ClientRequest, services: Services): Promise<void> {
  const { client, parameters, context } = request
  const claims = await readTokenInQuestion(parameters.require('token'), services, context)
  // An unknown or expired token needs no revocation (RFC 7009 §2.2).
  if (claims === null) return
  await requireUnchangedClient(request, services)
  if (claims.clientId !== client.id)
    throw foreignToken(`${client.id} tried to revoke a token of ${claims.clientId}`)
  await spendBudgets(claims, request, services)
  const api = findTokenApi(claims, client.api, services.config) ?? request.api
  await revoke(claims, { ...request, api }, services)
}

/**
 * Uses the budgets of a revocation. A public client does not authenticate, so each IP address has a budget. A revocation that the
 * feed lists also uses the budget of the client. A confidential client authenticates, so only its own requests use its budget.
 *
 * @throws OAuthError temporarily_unavailable if a budget is used up. The token stays valid.
 */
async function spendBudgets(
  { subject }: TokenClaims,
  { client, context }: ClientRequest,
  { bursts }: Services,
): Promise<void> {
  if (!isConfidential(client)) await bursts.spend('revocations', client.id, context)
  const isOfClient = isConfidential(client) || !isVisitorId(subject)
  if (isOfClient) await bursts.spendOfClient('client_revocations', client.id)
}

async function revoke(claims: TokenClaims, request: ClientRequest, services: Services): Promise<void> {
  const { subject, sid } = claims
  const isFirst =
    sid === null
      ? await endToken(claims, request, services)
      : await endSession({ ...claims, sid }, request, services)
  if (isFirst) auditSuccess({ kind: 'revoke', reason: REASON, subject, sid }, request, services)
}

/** Revokes a machine token by its `jti`, because it has no session. @returns whether this call revoked it */
async function endToken(
  { jti, clientId, expiresAt }: TokenClaims,
  { context: { now } }: ClientRequest,
  { revocations }: Services,
): Promise<boolean> {
  const revocation = { kind: 'jti', value: jti, before: revocationTime(now), reason: REASON } as const
  return revocations.add({ ...revocation, clientId, expiresAt }, now)
}

/** @returns whether this call ended the session */
async function endSession(
  claims: TokenClaims & { sid: string },
  { client, api, context: { now } }: ClientRequest,
  { config, shards, revocations }: Services,
): Promise<boolean> {
  const { sid } = claims
  const sessions = shards.find(sid)
  if (sessions === null) {
    // config.yml no longer lists the shard. The session cannot be refreshed, but its access tokens are still valid.
    const revocation = {
      kind: 'sid',
      value: sid,
      before: sessionRevocationTime(now),
      reason: REASON,
    } as const
    const expiresAt = now + api.accessTokenLifetimeSeconds
    return revocations.add({ ...revocation, clientId: claims.clientId, expiresAt }, now)
  }
  const expiresAt = now + api.refreshTokenLifetimeSeconds
  const { policy } = refreshRulesOf(client, claims, config)
  return sessions.end(identifySession(claims, { api: api.name, expiresAt, policy }), REASON, now)
}
