import type { ClientStore } from '../clients/client_store.ts'
import type { ApiConfig, Config } from '../config/config.ts'
import type { TokenClaims } from '../tokens/verify_token.ts'
import { isSignedOut, type User } from '../users/user.ts'
import type { UserStore } from '../users/user_store.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { CutoffStore } from './cutoff_store.ts'
import { endOfSession } from './session.ts'
import type { SessionShards } from './session_shards.ts'

interface Dependencies {
  config: Pick<Config, 'sessionLifetimeSeconds'>
  clients: Pick<ClientStore, 'findStanding'>
  users: Pick<UserStore, 'findById'>
  cutoffs: Pick<CutoffStore, 'findBefore'>
  shards: SessionShards
}

/** Whom a live token is for. */
export interface Holder {
  /** Null where that is a visitor or a client. */
  user: User | null
}

/**
 * Whom a verified token of an API is for; null where something has ended it. Asked of the database, not of a copy.
 *
 * @param where The API that asks, and the moment in Unix seconds.
 * @throws StorageUnavailable, CorruptRecord
 */
export async function findHolder(
  claims: TokenClaims,
  { api, now }: { api: ApiConfig; now: number },
  dependencies: Dependencies,
): Promise<Holder | null> {
  const { clients, users, cutoffs } = dependencies
  // The audience of an access token says which API it is for, even where its client was moved since.
  if (claims.seq === null && claims.audience !== api.audience) return null
  const issuer = await clients.findStanding(claims.clientId)
  if (issuer?.api !== api.name || !issuer.enabled || claims.issuedAt < issuer.tokensValidFrom) return null
  const isPerson = claims.sid !== null && !isVisitorId(claims.subject)
  const [isInSession, user, revokedBefore] = await Promise.all([
    claims.sid === null || isCurrent(claims, { sid: claims.sid, now }, dependencies),
    isPerson ? users.findById(claims.subject) : null,
    cutoffs.findBefore('jti', claims.jti),
  ])
  const isOfPerson = !isPerson || (user !== null && isOf(user, claims))
  return isInSession && isOfPerson && claims.issuedAt >= revokedBefore ? { user } : null
}

/** Of a session that was kept through a sign-out, the refresh token lives on; its access tokens died with the others. */
function isOf(user: User, { seq, sid, issuedAt }: TokenClaims): boolean {
  return user.enabled && !isSignedOut(user, { sid: seq === null ? null : sid, issuedAt })
}

/** An access token lives while its session has not ended; a refresh token while it is the session's current one. */
async function isCurrent(
  { seq }: TokenClaims,
  { sid, now }: { sid: string; now: number },
  { shards, config }: Dependencies,
): Promise<boolean> {
  const sessions = shards.find(sid)
  if (sessions === null) return false
  const row = await sessions.find(sid)
  if (row?.endedAt) return false
  if (seq === null) return true
  return row === null ? seq === 0 : seq === row.seq && endOfSession(row, config.sessionLifetimeSeconds) > now
}
