import type { AuditStore } from '../audit/audit_store.ts'
import { auditSuccess } from '../audit/audit_success.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import { type RefreshRules, refreshRulesOf } from '../clients/refresh_rules.ts'
import type { Config } from '../config/config.ts'
import { runToEnd } from '../lib/request_context.ts'
import type { Notifier } from '../mail/news.ts'
import { sessionFactsOf } from '../tokens/claims.ts'
import type { SessionState } from '../tokens/issue_tokens.ts'
import type { RefreshTokenClaims } from '../tokens/refresh_token.ts'
import type { StoredUser } from '../users/user.ts'
import { causeOf, describeExchange, requireRepeatable } from './exchange_holder.ts'
import { identifySession } from './identify_session.ts'
import type { RotationOutcome } from './judge_rotation.ts'
import { refuseRefresh } from './refuse_refresh.ts'
import type { SessionIdentity } from './session.ts'
import type { Rotation } from './session_rotation_store.ts'
import type { SessionShards } from './session_shards.ts'
import type { SessionStore } from './session_store.ts'

interface Dependencies {
  config: Pick<Config, 'refreshRetryWindowSeconds' | 'sessionLifetimeSeconds'>
  shards: SessionShards
  audit: AuditStore
  notifications: Notifier
}

/** A session after a refresh. */
export interface RotatedSession {
  session: SessionState
  /** Null for a guest. */
  user: StoredUser | null
  /** The time at which the rights of the new tokens were known to be up to date, in Unix seconds. It is their `iat`. */
  knownAt: number
}

/**
 * Exchanges a refresh token for its successor, after a check of its client and its user. One call to the main database or to a
 * session object checks and rotates. A session in another shard needs two.
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
  const [sessions, rotations] = [shards.find(claims.sid), shards.findRotations(claims.sid)]
  if (sessions === null || rotations === null)
    throw refuseRefresh('invalid_token', 'its session names an unknown shard', claims)
  const rules = refreshRulesOf(request.client, claims, config)
  const identity = identify(claims, request, { capSeconds: config.sessionLifetimeSeconds, rules })
  if (identity.expiresAt <= now)
    throw refuseRefresh('expired_token', 'the session has reached its maximum lifetime', claims)
  const rotation = {
    ...identity,
    ...rules,
    seq: claims.seq,
    now,
    sessionLifetimeSeconds: config.sessionLifetimeSeconds,
  }
  const { holder, outcome, knownAt } = await rotations.use(
    rotation,
    describeExchange(claims, request),
    request.context,
  )
  if (outcome === null) {
    requireRepeatable(holder, request)
    const { problem } = holder
    throw refuseRefresh(causeOf(problem), problem ?? 'its holder may not refresh', claims)
  }
  if (outcome.kind === 'refused') throw refuseRefresh(outcome.cause, outcome.reason, claims)
  if (outcome.kind === 'replayed') throw await endForTheft(claims, rotation, sessions, { request, services })
  auditUse(claims, outcome, request, services)
  const { seq, expiresAt } = outcome
  const session = {
    facts: sessionFactsOf(claims),
    seq,
    scope: claims.scope,
    expiresAt,
    hasRefreshToken: true,
    keptRefreshToken: outcome.kind === 'kept' ? request.parameters.require('refresh_token') : null,
  }
  return { session, user: holder.user, knownAt }
}

/** Records a use of a refresh token. The `iat` of a token that stays valid is not the time of the last use. */
function auditUse(
  { sid, subject, seq: used, issuedAt }: RefreshTokenClaims,
  { kind, seq }: RotationOutcome & { seq: number },
  request: ClientRequest,
  services: Dependencies,
): void {
  const common = { subject, sid, grant: 'refresh_token' }
  const exchange = {
    ...common,
    reason: `token ${used} was exchanged for token ${seq}`,
    previousTokenAt: issuedAt,
  }
  if (kind === 'kept')
    auditSuccess(
      { ...common, kind: 'refresh', reason: `token ${used} was used and stays valid` },
      request,
      services,
    )
  else auditSuccess({ ...exchange, kind: kind === 'rotated' ? 'refresh' : 'retry' }, request, services)
}

/**
 * The identity of a session. For token 0, the session starts at the `iat` of the token. For later tokens, the row has the start
 * of the session.
 */
function identify(
  claims: RefreshTokenClaims,
  request: ClientRequest,
  { capSeconds, rules }: { capSeconds: number | null; rules: RefreshRules },
): SessionIdentity {
  const { client, api, context } = request
  const idleEnd = context.now + lifetimesOf(client, api).refreshTokenSeconds
  const end = rules.policy === 'fixed' ? claims.expiresAt : idleEnd
  const cap = claims.seq === 0 && capSeconds !== null ? claims.issuedAt + capSeconds : Infinity
  return identifySession(claims, { api: api.name, expiresAt: Math.min(end, cap) })
}

/** Ends a session whose refresh token was copied (RFC 9700 §4.14.2). @returns the refusal */
async function endForTheft(
  claims: RefreshTokenClaims,
  rotation: Rotation,
  sessions: SessionStore,
  { request, services }: { request: ClientRequest; services: Dependencies },
) {
  const { sid, subject, seq } = claims
  const ofSuccessor = rotation.policy === 'rotate' ? '' : ' of its successor'
  const reason = `token ${seq} was used again after the retry window${ofSuccessor}`
  const { context } = request
  // The end must not depend on the caller, who may disconnect. The response waits for it, because a faster response would
  // tell a thief that the token was valid.
  const isFirst = await runToEnd(context, sessions.end(rotation, 'replayed refresh token', context.now))
  if (isFirst) {
    auditSuccess({ kind: 'theft', reason, subject, sid }, request, services)
    const concerned = { subject, sid, api: request.api.name, clientId: request.client.id }
    services.notifications.send(concerned, { kind: 'token_theft' }, context)
  }
  return refuseRefresh('replayed_token', reason, claims)
}
