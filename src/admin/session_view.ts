import * as z from 'zod/mini'
import type { Origin, SignIn } from '../audit/audit_query_store.ts'
import type { ClientRecord } from '../clients/client_record.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import type { KeyEntry } from '../keys/key_life.ts'
import { findKeyRevocation, type KeyRevocation } from '../keys/key_revocation.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { REFRESH_POLICIES } from '../oauth/refresh_policy.ts'
import type { ManagementServices } from '../services/management_services.ts'
import { endOfSession } from '../sessions/session.ts'
import type { StoredSession } from '../sessions/session_list_store.ts'
import { RECORD_MARGIN_SECONDS } from '../storage/copy_ages.ts'
import type { User } from '../users/user.ts'
import { isVisitorId } from '../users/visitor.ts'
import { named, pageOf } from './schemas.ts'

/** The request for which sessions are described. */
export interface Viewer {
  services: ManagementServices
  context: RequestContext
  /** The pool whose users the caller does not see; null for a caller who sees all users. */
  hiddenPool: string | null
}

/** A session with a row, or a session that only the audit trail contains. */
export type KnownSession = { row: StoredSession; signIn: null } | { row: null; signIn: SignIn }

export const sessionSchema = named(
  'Session',
  z.strictObject({
    sid: z.string(),
    subject: z.string(),
    /** The username; null for a guest and for a deleted user. */
    subject_name: z.nullable(z.string()),
    client_id: z.string(),
    client_name: z.nullable(z.string()),
    api: z.string(),
    /** `live`; `ended` by an event; `expired` without one; `cut_off` by a revocation of its user, client or signing key. */
    state: z.enum(['live', 'ended', 'expired', 'cut_off']),
    started_at: z.int(),
    /** The refresh policy of the client now. With `fixed`, a refresh changes no member of the session. */
    refresh_policy: z.enum(REFRESH_POLICIES),
    refreshes: z.int(),
    last_refreshed_at: z.nullable(z.int()),
    expires_at: z.int(),
    ended_at: z.nullable(z.int()),
    end_reason: z.nullable(z.string()),
    /** The browser and the system of the sign-in, such as "Chrome on Android". */
    device: z.nullable(z.string()),
    /** The country of the sign-in: two letters. */
    country: z.nullable(z.string()),
  }),
)
export const sessionsSchema = pageOf('Sessions', sessionSchema)
export type ShownSession = z.output<typeof sessionSchema>

/** The users and clients that decide the state of sessions, and the origins of their sign-ins. */
export interface Owners {
  users: ReadonlyMap<string, User>
  clients: ReadonlyMap<string, ClientRecord>
  /** By the sids of the sessions. */
  origins: ReadonlyMap<string, Origin>
  /** The signing keys, also retired keys. */
  keys: readonly KeyEntry[]
}

/** The reason of the end of a session whose refresh tokens a compromised key signed. */
export const KEY_REVOKED = 'its signing key was revoked'

/** Reads the users, clients and keys of sessions in one call each. @throws StorageUnavailable, CorruptRecord */
export async function findOwners(
  sessions: readonly KnownSession[],
  { services, context }: Viewer,
): Promise<Owners> {
  const { userAdmin, clientAdmin, auditTrail, keyLife } = services
  const owners = sessions.map(ownerOf)
  const clientIds = [...new Set(owners.map(({ clientId }) => clientId))]
  const userIds = [...new Set(owners.map(({ subject }) => subject))].filter((id) => !isVisitorId(id))
  const [users, clients, origins, keys] = await Promise.all([
    userAdmin.findMany(userIds),
    clientAdmin.findMany(clientIds),
    auditTrail.findOrigins(sessions.map((session) => ({ ...ownerOf(session), startedAt: startOf(session) }))),
    keyLife.list(context),
  ])
  return {
    users: new Map(users.map((user) => [user.id, user])),
    clients: new Map(clients.map((client) => [client.id, client])),
    origins,
    keys,
  }
}

export function ownerOf({ row, signIn }: KnownSession): {
  sid: string
  subject: string
  clientId: string
  api: string
} {
  return row ?? signIn
}

/** The start of a session, which orders the lists. Unix seconds. */
export function startOf({ row, signIn }: KnownSession): number {
  return row?.startedAt ?? signIn?.at ?? 0
}

/** A session in its JSON form, with its state at a time. */
export function showSession(
  session: KnownSession,
  owners: Owners,
  { services, hiddenPool, context: { now } }: Viewer,
): ShownSession {
  const { row } = session
  const { sid, subject, clientId, api } = ownerOf(session)
  const user = owners.users.get(subject)
  const client = owners.clients.get(clientId)
  const origin = owners.origins.get(sid)
  const expiresAt = expiryOf(session, owners, services)
  const isEnded = row !== null && row.endedAt !== null
  const isExpired = expiresAt <= now
  const revocation = findRevocationOfKey(session, owners, services)
  const isCutOff = revocation !== null || isRevoked(session, owners)
  const state = isEnded ? 'ended' : isCutOff ? 'cut_off' : isExpired ? 'expired' : 'live'
  return {
    sid,
    subject,
    subject_name: user === undefined || user.pool === hiddenPool ? null : user.username,
    client_id: clientId,
    client_name: client?.name ?? null,
    api,
    state,
    started_at: startOf(session),
    refresh_policy: client?.refreshPolicy ?? 'rotate',
    refreshes: row?.seq ?? 0,
    last_refreshed_at: row !== null && row.seq > 0 ? row.rotatedAt : null,
    expires_at: expiresAt,
    ended_at: row?.endedAt ?? revocation?.at ?? null,
    end_reason: isEnded ? row.endReason : revocation === null ? null : KEY_REVOKED,
    device: origin?.device ?? null,
    country: origin?.country ?? null,
  }
}

/** The revocation of the key of the refresh token; null if the session ended or expired before. */
export function findRevocationOfKey(
  session: KnownSession,
  owners: Owners,
  services: ManagementServices,
): KeyRevocation | null {
  if (session.row !== null && session.row.endedAt !== null) return null
  const revocation = findKeyRevocation(owners.keys, services.config, lastIssueOf(session))
  return revocation !== null && revocation.at < expiryOf(session, owners, services) ? revocation : null
}

/** A session without a refresh ends with its first token, by the current lifetimes. */
function expiryOf(
  { row, signIn }: KnownSession,
  { clients }: Owners,
  { config }: ManagementServices,
): number {
  const { sessionLifetimeSeconds } = config
  if (row !== null) return endOfSession(row, sessionLifetimeSeconds)
  const api = config.apis.get(signIn.api)
  const client = clients.get(signIn.clientId)
  const idleSeconds = api && client ? lifetimesOf(client, api).refreshTokenSeconds : 0
  return signIn.at + Math.min(idleSeconds, sessionLifetimeSeconds ?? Infinity)
}

/** Whether a revocation of the user or client includes the session. */
function isRevoked(session: KnownSession, { users, clients }: Owners): boolean {
  const { subject, clientId } = ownerOf(session)
  const client = clients.get(clientId)
  const issuedAt = lastIssueOf(session)
  if (!client?.enabled || issuedAt < client.tokensValidFrom) return true
  if (isVisitorId(subject)) return false
  const user = users.get(subject)
  if (!user?.enabled) return true
  // If a refresh follows a revocation directly, the tokens have its `before` as `iat`. The row has the time of the request.
  return issuedAt + RECORD_MARGIN_SECONDS < user.tokensValidFrom
}

/** The approximate time when the current refresh token was issued. Unix seconds. */
function lastIssueOf({ row, signIn }: KnownSession): number {
  return row === null ? signIn.at : Math.max(row.startedAt, row.rotatedAt)
}
