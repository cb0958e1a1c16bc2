import type { AuditStore } from '../audit/audit_store.ts'
import { auditSuccess } from '../audit/audit_success.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import type { Config } from '../config/config.ts'
import { runToEnd } from '../lib/request_context.ts'
import type { Notifier } from '../mail/news.ts'
import { sessionFactsOf } from '../tokens/claims.ts'
import type { SessionState } from '../tokens/issue_tokens.ts'
import type { RefreshTokenClaims } from '../tokens/refresh_token.ts'
import type { StoredUser } from '../users/user.ts'
import { causeOf, describeExchange, requireRepeatable } from './exchange_holder.ts'
import { identifySession } from './identify_session.ts'
import { refuseRefresh } from './refuse_refresh.ts'
import type { SessionIdentity } from './session.ts'
import type { SessionShards } from './session_shards.ts'
import type { SessionStore } from './session_store.ts'

interface Dependencies {
  config: Pick<Config, 'refreshRetryWindowSeconds' | 'sessionLifetimeSeconds'>
  shards: SessionShards
  audit: AuditStore
  notifications: Notifier
}

/** A session after a refresh. `user` is null for a guest. */
export interface RotatedSession {
  session: SessionState
  user: StoredUser | null
}

/**
 * Exchanges a refresh token for its successor, after D1 has checked its client and its user. If the session is in the main
 * database, one call to D1 checks and rotates.
 *
 * @throws OAuthError invalid_grant, or invalid_client for a retired secret, or temporarily_unavailable;
 *   StorageUnavailable
 */
export async function rotateSession(
  claims: RefreshTokenClaims,
  request: ClientRequest,
  services: Dependencies,
): Promise<RotatedSession> {
  const { config, shards } = services
  const { now } = request.context
  const sessions = shards.find(claims.sid)
  if (sessions === null) throw refuseRefresh('invalid_token', 'its session names an unknown shard', claims)
  const identity = identify(claims, request, config.sessionLifetimeSeconds)
  if (identity.expiresAt <= now)
    throw refuseRefresh('expired_token', 'the session has reached its maximum lifetime', claims)
  const rotation = {
    ...identity,
    seq: claims.seq,
    now,
    retryWindowSeconds: config.refreshRetryWindowSeconds,
    sessionLifetimeSeconds: config.sessionLifetimeSeconds,
  }
  const { holder, outcome } = await sessions.rotate(rotation, describeExchange(claims, request))
  if (outcome === null) {
    requireRepeatable(holder, request)
    const { problem } = holder
    throw refuseRefresh(causeOf(problem), problem ?? 'its holder may not refresh', claims)
  }
  if (outcome.kind === 'refused') throw refuseRefresh(outcome.cause, outcome.reason, claims)
  if (outcome.kind === 'replayed') throw await endForTheft(claims, identity, sessions, { request, services })
  const { sid, subject, scope } = claims
  const { seq, expiresAt } = outcome
  const kind = outcome.kind === 'rotated' ? 'refresh' : 'retry'
  const reason = `token ${claims.seq} was exchanged for token ${seq}`
  const event = { kind, reason, subject, sid, grant: 'refresh_token' } as const
  auditSuccess({ ...event, previousTokenAt: claims.issuedAt }, request, services)
  return {
    session: { facts: sessionFactsOf(claims), seq, scope, expiresAt, hasRefreshToken: true },
    user: holder.user,
  }
}

/**
 * The identity of a session. For token 0, the session starts at the `iat` of the token. For later tokens, the row has the start
 * of the session.
 */
function identify(
  claims: RefreshTokenClaims,
  request: ClientRequest,
  capSeconds: number | null,
): SessionIdentity {
  const { client, api, context } = request
  const idleEnd = context.now + lifetimesOf(client, api).refreshTokenSeconds
  const cap = claims.seq === 0 && capSeconds !== null ? claims.issuedAt + capSeconds : Infinity
  return identifySession(claims, { api: api.name, expiresAt: Math.min(idleEnd, cap) })
}

/** Ends a session whose refresh token was copied (RFC 9700 §4.14.2). @returns the refusal */
async function endForTheft(
  claims: RefreshTokenClaims,
  identity: SessionIdentity,
  sessions: SessionStore,
  { request, services }: { request: ClientRequest; services: Dependencies },
) {
  const { sid, subject, seq } = claims
  const reason = `token ${seq} was used again after the retry window`
  const { context } = request
  // The end must not depend on the caller, who may disconnect. The response waits for it, because a faster response would
  // tell a thief that the token was valid.
  const isFirst = await runToEnd(context, sessions.end(identity, 'replayed refresh token', context.now))
  if (isFirst) {
    auditSuccess({ kind: 'theft', reason, subject, sid }, request, services)
    const concerned = { subject, sid, api: request.api.name, clientId: request.client.id }
    services.notifications.send(concerned, { kind: 'token_theft' }, context)
  }
  return refuseRefresh('replayed_token', reason, claims)
}
