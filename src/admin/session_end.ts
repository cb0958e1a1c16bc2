import * as z from 'zod/mini'
import type { StoredAuditEvent } from '../audit/stored_event.ts'
import { reasonOfRevocation } from '../keys/audit_key.ts'
import { REPLAYED } from '../sessions/open_session.ts'
import { named } from './schemas.ts'
import {
  findOwners,
  findRevocationOfKey,
  KEY_REVOKED,
  type KnownSession,
  type Owners,
  type ShownSession,
  showSession,
  type Viewer,
} from './session_view.ts'

/** The event that ended a session before its expiry. */
export const sessionEndSchema = named(
  'SessionEnd',
  z.strictObject({
    at: z.int(),
    reason: z.string(),
    /** The operator who ended the session. */
    actor: z.nullable(z.string()),
    actor_name: z.nullable(z.string()),
  }),
)

/** A session with the time and the reason of its end, and the event that ended it. */
export interface DescribedSession {
  session: ShownSession
  /** Null if the session is live or expired, or if the audit trail has no such event. */
  event: StoredAuditEvent | null
}

/** Describes a session. @throws StorageUnavailable, CorruptRecord */
export async function describeSession(known: KnownSession, viewer: Viewer): Promise<DescribedSession> {
  const owners = await findOwners([known], viewer)
  const session = showSession(known, owners, viewer)
  const ends = await findEnds([session], viewer)
  const described = describe(session, { owners, ends }, viewer)
  const revocation = findRevocationOfKey(known, owners, viewer.services)
  if (revocation === null || described.event !== null) return described
  const keyEvent = { at: revocation.at, reason: reasonOfRevocation(revocation.kid) }
  return { session, event: await viewer.services.sessionEvents.findKeyEvent(keyEvent) }
}

/** Describes sessions, in their order. @throws StorageUnavailable, CorruptRecord */
export async function describeSessions(
  sessions: readonly KnownSession[],
  viewer: Viewer,
): Promise<DescribedSession[]> {
  const owners = await findOwners(sessions, viewer)
  const shown = sessions.map((session) => showSession(session, owners, viewer))
  const ends = await findEnds(shown, viewer)
  return shown.map((session) => describe(session, { owners, ends }, viewer))
}

/** The ends by the ids of the sessions. A live session has none. */
type Ends = ReadonlyMap<string, StoredAuditEvent>

function findEnds(sessions: readonly ShownSession[], { services, context }: Viewer): Promise<Ends> {
  const over = sessions.filter(({ state }) => state !== 'live')
  return services.sessionEvents.findEnds(over.map((session) => periodOf(session, context.now)))
}

function describe(
  session: ShownSession,
  { owners, ends }: { owners: Owners; ends: Ends },
  viewer: Viewer,
): DescribedSession {
  const event = ends.get(session.sid) ?? null
  return {
    session: event === null ? withoutEvent(session, owners, viewer) : withEvent(session, event),
    event,
  }
}

/** The time in which a revocation of the user or client ends a session: from its last use to its end, in Unix seconds. */
export function periodOf(session: ShownSession, now: number) {
  const { sid, subject, client_id: clientId } = session
  const from = session.last_refreshed_at ?? session.started_at
  return { sid, subject, clientId, from, to: session.ended_at ?? Math.min(session.expires_at - 1, now) }
}

/**
 * The row of a session has the time and the reason if the event ended only this session. A revocation of its user or client
 * changes no row, and the sweep removes the row of an expired session.
 */
function withEvent(session: ShownSession, event: StoredAuditEvent): ShownSession {
  if (event.sid === null)
    return { ...session, state: 'cut_off', ended_at: event.at, end_reason: event.reason }
  const { ended_at: endedAt, end_reason: reason } = session
  return { ...session, state: 'ended', ended_at: endedAt ?? event.at, end_reason: reason ?? reasonOf(event) }
}

/** If the audit trail has the sign-in and no revocation, the session expired before a revocation of its user or client. */
function withoutEvent(
  session: ShownSession,
  { origins }: Owners,
  { context: { now } }: Viewer,
): ShownSession {
  const hasExpired =
    session.expires_at <= now && origins.has(session.sid) && session.end_reason !== KEY_REVOKED
  return session.state === 'cut_off' && hasExpired ? { ...session, state: 'expired' } : session
}

/** The reason in the row of a session, from the event. */
function reasonOf({ kind, reason }: StoredAuditEvent): string {
  if (kind === 'merge') return 'merged into a customer'
  if (kind !== 'theft') return reason
  return reason === REPLAYED ? 'replayed authorization code' : 'replayed refresh token'
}
