import type { AuditStore } from '../audit/audit_store.ts'
import { auditSuccess } from '../audit/audit_success.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import { refreshRulesOf } from '../clients/refresh_rules.ts'
import type { Config } from '../config/config.ts'
import { randomId } from '../lib/bytes.ts'
import { runToEnd } from '../lib/request_context.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { invalidCode, type OAuthError } from '../oauth/errors.ts'
import { issueTimeOf, type StoredUser } from '../users/user.ts'
import { auditCodeMerge, type Visitor } from './end_guest_session.ts'
import { causeOf, describeExchange, requireRepeatable } from './exchange_holder.ts'
import type { Holder } from './holder_check.ts'
import { issuesOf, type SessionIdentity } from './session.ts'
import type { Companions, Opening, SessionOpening } from './session_opening_store.ts'
import type { SessionShards } from './session_shards.ts'
import { shardNameOf } from './sid.ts'

/** The reason of a refused second use, in the audit trail. */
export const REPLAYED = 'the code was used before'

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
  /** The guest whose session the exchange ends; null without a visitor token. */
  visitor: Visitor | null
}

interface Dependencies {
  config: Pick<Config, 'refreshTokensEnabled' | 'refreshRetryWindowSeconds' | 'sessionLifetimeSeconds'>
  shards: SessionShards
  audit: AuditStore
}

/** A session whose code was exchanged. `user` is null for a guest. Times are Unix seconds. */
export interface OpenedSession {
  user: StoredUser | null
  /** The `iat` of the first tokens. */
  issuedAt: number
  expiresAt: number
  hasRefreshToken: boolean
  /** The subject of the guest whose session this exchange ended; null without one. */
  visitorId: string | null
}

/**
 * Opens the session of an authorization code: one transaction checks its client, user, browser session and consent, and inserts
 * the row. The row is the single use of the code. A second use ends the session (RFC 6749 §4.1.2).
 *
 * @param writes Statements of the same transaction.
 * @returns null if the code was used before; the session has then ended
 * @throws OAuthError invalid_grant, invalid_client for a retired secret, temporarily_unavailable; StorageUnavailable, CorruptRecord
 */
export async function openSession(
  session: CodeSession,
  writes: Pick<Companions, 'before' | 'alongside'>,
  request: ClientRequest,
  services: Dependencies,
): Promise<OpenedSession | null> {
  const { context } = request
  const identity = identify(session, request, services)
  // The exchange must not stop half-way if the caller disconnects: a second use must find the row.
  const opening = runToEnd(context, openSafely(session, identity, { writes, request, services }))
  const { holder, isFirst, isMerged } = await opening
  if (holder.problem !== null) throw await refuseHolder(holder, session, request, services)
  if (!isFirst) {
    await runToEnd(context, endReplayed(identity, request, services))
    return null
  }
  const { visitor, subject } = session
  if (visitor !== null) auditCodeMerge({ visitor, isMerged }, subject, request, services)
  return {
    user: holder.user,
    issuedAt: holder.user === null ? identity.startedAt : issueTimeOf(holder.user, identity.startedAt),
    expiresAt: identity.expiresAt,
    hasRefreshToken: hasRefreshToken(request, services),
    visitorId: visitor !== null && isMerged ? visitor.subject : null,
  }
}

interface OpeningContext {
  writes: Pick<Companions, 'before' | 'alongside'>
  request: ClientRequest
  services: Dependencies
}

/**
 * Opens the session. After a failure it repeats the writes once. They accept the row of the first attempt. If they fail again, it
 * removes the row, so that a failure of D1 does not use up the code.
 */
async function openSafely(
  session: CodeSession,
  identity: SessionIdentity,
  { writes, request, services }: OpeningContext,
): Promise<Opening> {
  const openings = requireOpenings(session, services)
  const { browserId, consentId } = session
  const opening = { ...identity, browserId, consentId, openingId: randomId(16) }
  const query = { ...describeExchange(session, request), browserId, consentId }
  const companions = { ...writes, ...guestOf(session, opening, request, services) }
  const open = () => openings.open(opening, query, companions)
  try {
    return await retryOnce(open)
  } catch (error) {
    if (error instanceof StorageUnavailable) await openings.forget(opening).catch(() => {})
    throw error
  }
}

async function retryOnce<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StorageUnavailable)) throw error
    return work()
  }
}

/** The end of the guest's session: in the shard of the opened session, or in another shard. */
function guestOf(
  { visitor, sid }: CodeSession,
  opening: SessionOpening,
  { api, context: { now } }: ClientRequest,
  { shards }: Dependencies,
): Pick<Companions, 'guest' | 'endGuestElsewhere'> {
  if (visitor === null) return { guest: null, endGuestElsewhere: async () => false }
  const guest = { ...visitor, endedAt: now, expiresAt: now + api.refreshTokenLifetimeSeconds }
  const isNear = shardNameOf(visitor.sid) === shardNameOf(sid)
  const openings = shards.findOpenings(visitor.sid)
  return {
    guest: isNear ? guest : null,
    endGuestElsewhere: async () => (await openings?.endGuest(guest, opening)) ?? false,
  }
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
  request: ClientRequest,
  services: Dependencies,
): Promise<void> {
  const { sid, subject } = identity
  const reason = 'replayed authorization code'
  const isFirst = await services.shards.find(sid)?.end(identity, reason, request.context.now)
  if (isFirst) auditSuccess({ kind: 'theft', reason: REPLAYED, subject, sid }, request, services)
}

function requireOpenings({ sid, subject }: CodeSession, { shards }: Dependencies) {
  const openings = shards.findOpenings(sid)
  if (openings === null)
    throw invalidCode('its session names an unknown shard', { subject, sid, cause: 'invalid_token' })
  return openings
}

/**
 * The session of a code. It starts now, or at the `iat` of the code if this is still some seconds ahead, after a revocation of the
 * user. Without refresh tokens, it ends with its access token.
 */
function identify(
  { sid, subject, clientId, api: apiName, issuedAt }: CodeSession,
  request: ClientRequest,
  services: Dependencies,
): SessionIdentity {
  const { client, api, context } = request
  const { refreshTokenSeconds, accessTokenSeconds } = lifetimesOf(client, api)
  const capSeconds = services.config.sessionLifetimeSeconds ?? Number.POSITIVE_INFINITY
  const lifetimeSeconds = hasRefreshToken(request, services) ? refreshTokenSeconds : accessTokenSeconds
  const startedAt = Math.max(context.now, issuedAt)
  const expiresAt = startedAt + Math.min(lifetimeSeconds, capSeconds)
  const tokenExpiresAt = Math.max(expiresAt, startedAt + accessTokenSeconds)
  const token = { keyThumbprint: request.proofKey, isBoundLater: false }
  const { policy } = refreshRulesOf(client, token, services.config)
  const times = { startedAt, expiresAt, tokenExpiresAt, ...issuesOf(policy, expiresAt) }
  return { sid, subject, clientId, api: apiName, ...times }
}

function hasRefreshToken({ client }: ClientRequest, { config }: Dependencies): boolean {
  return client.grants.includes('refresh_token') && config.refreshTokensEnabled
}

/** Makes the error for a holder with a problem. A refused code no longer works. If it was used before, its session ends. */
async function refuseHolder(
  holder: Holder,
  session: CodeSession,
  request: ClientRequest,
  services: Dependencies,
): Promise<OAuthError> {
  requireRepeatable(holder, request)
  const { subject, sid } = session
  await closeSession(session, { reason: 'its code was refused', endsSession: true }, request, services)
  const { problem } = holder
  return invalidCode(problem ?? 'its holder may not use it', { subject, sid, cause: causeOf(problem) })
}
