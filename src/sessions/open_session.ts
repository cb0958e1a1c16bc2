import type { ClientRequest } from '../clients/client_request.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import { requireNoActiveRevocation } from '../clients/require_current_client.ts'
import type { Config } from '../config/config.ts'
import { runToEnd } from '../lib/request_context.ts'
import { invalidClient, invalidCode, type OAuthError } from '../oauth/errors.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import { issueTimeOf, type User } from '../users/user.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { Holder, HolderQuery } from './holder_store.ts'
import type { SessionIdentity } from './session.ts'
import type { SessionShards } from './session_shards.ts'

/** The session that an authorization code names. Times are Unix seconds. */
export interface CodeSession {
  sid: string
  subject: string
  clientId: string
  api: string
  /** When the code was issued. A later revocation of the user, the client or the consent refuses it. */
  issuedAt: number
  browserId: string | null
  consentId: string | null
}

interface Dependencies {
  config: Pick<Config, 'sessionLifetimeSeconds'>
  shards: SessionShards
}

/** A session whose code was exchanged. `user` is null for a visitor. Times are Unix seconds. */
export interface OpenedSession {
  user: User | null
  /** The `iat` of the first tokens. */
  issuedAt: number
  expiresAt: number
}

/**
 * Opens the session of an authorization code: one transaction checks its client, user, browser session and consent, and inserts
 * the row. The row is the single use of the code. A second use ends the session (RFC 6749 §4.1.2).
 *
 * @returns null if the code was used before; the session has then ended
 * @throws OAuthError invalid_grant, invalid_client for a retired secret, temporarily_unavailable; StorageUnavailable, CorruptRecord
 */
export async function openSession(
  session: CodeSession,
  alongside: Statements,
  request: ClientRequest,
  services: Dependencies,
): Promise<OpenedSession | null> {
  const { context } = request
  const identity = identify(session, request, services)
  const openings = requireOpenings(session, services)
  const query = describeCode(session, request)
  // The exchange must not stop half-way if the caller disconnects: a second use must find the row.
  const opening = { ...identity, browserId: session.browserId, consentId: session.consentId }
  const { holder, isFirst } = await runToEnd(context, openings.open(opening, query, alongside))
  if (holder.problem !== null) throw refuseHolder(holder, session, context.now)
  if (isFirst) {
    const issuedAt = holder.user === null ? context.now : issueTimeOf(holder.user, context.now)
    return { user: holder.user, issuedAt, expiresAt: identity.expiresAt }
  }
  await runToEnd(context, endReplayed(identity, request, services))
  return null
}

/**
 * Makes a code useless after a wrong verifier, redirect URI or client: inserts the row of its session as ended. A code that was
 * exchanged before is then used for the second time, so its session ends, if `endsSession`.
 *
 * @throws StorageUnavailable
 */
export async function closeSession(
  session: CodeSession,
  { reason, endsSession }: { reason: string; endsSession: boolean },
  request: ClientRequest,
  services: Dependencies,
): Promise<void> {
  const { context } = request
  const identity = identify(session, request, services)
  const openings = requireOpenings(session, services)
  await runToEnd(context, closeOrEnd())

  async function closeOrEnd(): Promise<void> {
    const isFirst = await openings.close(identity, reason, context.now)
    if (!isFirst && endsSession) await endReplayed(identity, request, services)
  }
}

async function endReplayed(
  identity: SessionIdentity,
  { context }: ClientRequest,
  { shards }: Dependencies,
): Promise<void> {
  await shards.find(identity.sid)?.end(identity, 'replayed authorization code', context.now)
}

function requireOpenings({ sid, subject }: CodeSession, { shards }: Dependencies) {
  const openings = shards.findOpenings(sid)
  if (openings === null)
    throw invalidCode('its session names an unknown shard', { subject, sid, cause: 'invalid_token' })
  return openings
}

function identify(
  { sid, subject, clientId, api: apiName }: CodeSession,
  { client, api, context: { now } }: ClientRequest,
  { config }: Dependencies,
): SessionIdentity {
  const { refreshTokenSeconds, accessTokenSeconds } = lifetimesOf(client, api)
  const capSeconds = config.sessionLifetimeSeconds ?? Number.POSITIVE_INFINITY
  const expiresAt = now + Math.min(refreshTokenSeconds, capSeconds)
  const tokenExpiresAt = Math.max(expiresAt, now + accessTokenSeconds)
  return { sid, subject, clientId, api: apiName, startedAt: now, expiresAt, tokenExpiresAt }
}

function describeCode(
  { subject, issuedAt, browserId, consentId }: CodeSession,
  { client, secretHash, api, context: { now } }: ClientRequest,
): HolderQuery {
  return {
    clientId: client.id,
    api: api.name,
    pool: api.userPool,
    secretHash,
    jti: null,
    issuedAt,
    now,
    kind: 'used refresh',
    subject: isVisitorId(subject) ? null : subject,
    browserId,
    consentId,
  }
}

function refuseHolder(
  { problem, user, clientValidFrom }: Holder,
  session: CodeSession,
  now: number,
): OAuthError {
  if (problem === 'the sign-out time is in the future' && user !== null) issueTimeOf(user, now)
  if (problem === 'the client lost a scope or a grant seconds ago')
    requireNoActiveRevocation(session.clientId, clientValidFrom, now)
  if (problem === 'the client secret was retired') return invalidClient(problem)
  const { subject, sid } = session
  return invalidCode(problem ?? 'its holder may not use it', { subject, sid, cause: 'other' })
}
