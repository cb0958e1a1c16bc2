import type { ApiConfig, Config } from '../config/config.ts'
import type { RefreshPolicy } from '../oauth/refresh_policy.ts'
import { CLIENT_MARGIN_SECONDS } from '../storage/copy_ages.ts'
import type { TokenClaims } from '../tokens/claims.ts'
import type { StoredUser } from '../users/user.ts'
import { isVisitorId } from '../users/visitor.ts'
import type { HolderQuery } from './holder_conditions.ts'
import type { HolderStore } from './holder_store.ts'
import { endOfSession, type SessionRow } from './session.ts'
import type { SessionShards } from './session_shards.ts'

interface Dependencies {
  config: Pick<Config, 'sessionLifetimeSeconds'>
  holders: HolderStore
  shards: SessionShards
}

/** Where and when a token is used. `now` is in Unix seconds. */
interface Use {
  /** The API of the caller. */
  api: ApiConfig
  now: number
  /** The policy of a refresh token. The default is `rotate`. */
  policy?: RefreshPolicy
}

/** The holder of a live token. `user` is null for a guest or a client. */
export interface LiveHolder {
  user: StoredUser | null
  /** The current scopes of the client in D1. */
  clientScopes: readonly string[]
}

/**
 * Finds the holder of a verified token in D1; null if the token is revoked or its holder may not use it.
 *
 * @throws StorageUnavailable, CorruptRecord
 */
export async function findHolder(
  claims: TokenClaims,
  { api, now, policy = 'rotate' }: Use,
  { config, holders, shards }: Dependencies,
): Promise<LiveHolder | null> {
  // The audience names the API of an access token. Its client may belong to another API now.
  if (claims.seq === null && claims.audience !== api.audience) return null
  const query = describeToken(claims, { api, now })
  if (claims.sid === null) {
    const { problem, ...holder } = await holders.find(query)
    return problem === null ? holder : null
  }
  const found = await shards.find(claims.sid)?.findWithHolder(claims.sid, query)
  if (found === undefined || found.holder.problem !== null) return null
  const { sessionLifetimeSeconds } = config
  return isCurrent(claims, found.row, { now, policy, sessionLifetimeSeconds }) ? found.holder : null
}

/**
 * Finds the client of a verified token that has no session; null if the token is revoked. The end of a secret of the client
 * and the removal of a key also revoke the tokens of before, because a token does not name its secret or key. The tokens of the next
 * seconds are revoked too, because an old copy of the client may still have accepted the secret or the key.
 *
 * @throws StorageUnavailable, CorruptRecord
 */
export async function findMachine(
  claims: TokenClaims,
  where: Use,
  { holders }: Pick<Dependencies, 'holders'>,
): Promise<LiveHolder | null> {
  const credentialsSince = claims.issuedAt - CLIENT_MARGIN_SECONDS
  const { problem, ...holder } = await holders.find({ ...describeToken(claims, where), credentialsSince })
  return problem === null ? holder : null
}

function describeToken(
  { clientId, subject, sid, seq, jti, issuedAt }: TokenClaims,
  { api, now }: Use,
): HolderQuery {
  return {
    clientId,
    api: api.name,
    pool: api.userPool,
    secretHash: null,
    clientKey: null,
    issuedAt,
    now,
    jti: sid === null ? jti : null,
    subject: sid === null || isVisitorId(subject) ? null : subject,
    kind: seq === null ? 'access' : 'refresh',
  }
}

/**
 * An access token is live until its session ends. A refresh token is live while it is the current token of its session. If its policy
 * is not `rotate`, it is also live until its successor is used.
 */
function isCurrent(
  { seq }: TokenClaims,
  row: SessionRow | null,
  {
    now,
    policy,
    sessionLifetimeSeconds,
  }: Required<Omit<Use, 'api'>> & Pick<Config, 'sessionLifetimeSeconds'>,
): boolean {
  if (row?.endedAt) return false
  if (seq === null) return true
  if (row === null) return seq === 0
  const isLast = seq === row.seq || (policy !== 'rotate' && seq === row.seq - 1)
  return isLast && endOfSession(row, sessionLifetimeSeconds) > now
}
