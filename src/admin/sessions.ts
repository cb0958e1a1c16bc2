import * as z from 'zod/mini'
import type { AuditEvent } from '../audit/audit_event.ts'
import type { SignInSearch } from '../audit/audit_query_store.ts'
import { flag, text } from '../lib/input_schemas.ts'
import type { Total } from '../lib/list_page.ts'
import type { ManagementServices } from '../services/management_services.ts'
import { type EndByCaller, type EndReason, issuesOf, type SessionIdentity } from '../sessions/session.ts'
import type { SessionOwner, StoredSession } from '../sessions/session_list_store.ts'
import { spendSearch } from './caller_budget.ts'
import { adminEvent } from './change.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { type ListOrder, readPage, showPage, sortParameter } from './paging.ts'
import { hiddenApiOf, requirePermission, viewerOf } from './permissions.ts'
import { notFound, operatorOnly } from './problem.ts'
import { paging } from './schemas.ts'
import { describeSession, describeSessions } from './session_end.ts'
import { countSessions, findSessions, MAX_COUNTED_SESSIONS, placeOfSession } from './session_page.ts'
import {
  findOwners,
  type KnownSession,
  ownerOf,
  type ShownSession,
  sessionSchema,
  sessionsSchema,
  showSession,
  startOf,
  type Viewer,
} from './session_view.ts'

const ORDER: ListOrder<KnownSession> = {
  placeOf: placeOfSession,
  place: z.tuple([z.int(), z.string()]),
}

const listSessions = operation({
  id: 'listSessions',
  method: 'GET',
  path: '/sessions',
  summary:
    'Lists sessions, including those without a refresh: the live sessions, or all sessions of a user, a guest or a client',
  tag: 'sessions',
  role: 'support',
  scope: 'sessions:read',
  query: z.strictObject({
    ...paging,
    sort: sortParameter(['started']),
    subject: z.optional(text(200)),
    client_id: z.optional(text(64)),
    live: z.optional(flag),
  }),
  // Batches of audit events have no index for clients.
  isSearch: ({ query, services: { config } }) =>
    query.subject === undefined && (query.client_id === undefined || config.auditArchive !== null),
  status: 200,
  response: sessionsSchema,
  async handle(call) {
    const { query, services } = call
    const { subject = null, client_id: clientId = null } = query
    const hasOwner = subject !== null || clientId !== null
    const { live: isLiveOnly = !hasOwner } = query
    const { page, total: known } = readPage(query, { started: ORDER }, '-started')
    const owner = { subject, clientId, hiddenApi: hiddenApiOf(call) }
    const count = () => (isLiveOnly ? countLive(owner, call) : countSessions(owner, services))
    const [slice, total] = await Promise.all([
      findSessions(owner, page, services),
      hasOwner ? (known ?? count()) : null,
    ])
    const items = isLiveOnly
      ? await showLive(slice.rows, viewerOf(call))
      : await showAll(slice.rows, viewerOf(call))
    return { body: { ...showPage(slice, { page, total }, { ...ORDER, show: ownerOf }), items } }
  },
})

/** Shows the live sessions. @throws StorageUnavailable, CorruptRecord */
export async function showLive(sessions: readonly KnownSession[], viewer: Viewer): Promise<ShownSession[]> {
  const owners = await findOwners(sessions, viewer)
  return sessions
    .map((session) => showSession(session, owners, viewer))
    .filter(({ state }) => state === 'live')
}

async function showAll(sessions: readonly KnownSession[], viewer: Viewer): Promise<ShownSession[]> {
  return (await describeSessions(sessions, viewer)).map(({ session }) => session)
}

/** Counts the live sessions among the newest sessions of a user or a client. @throws StorageUnavailable, CorruptRecord */
async function countLive(owner: SessionOwner, call: Call): Promise<Total> {
  const newest = {
    sort: 'started',
    from: null,
    limit: MAX_COUNTED_SESSIONS,
    isDescending: true,
    isBackwards: false,
  }
  const { rows, hasMore } = await findSessions(owner, newest, call.services)
  const live = await showLive(rows, viewerOf(call))
  return { total: live.length, isExact: !hasMore }
}

const readSession = operation({
  id: 'readSession',
  method: 'GET',
  path: '/sessions/{sid}',
  summary: 'Returns a session',
  tag: 'sessions',
  role: 'support',
  scope: 'sessions:read',
  status: 200,
  response: sessionSchema,
  async handle(call) {
    const known = await requireReadableSession(call.params.sid ?? '', call)
    const { session } = await describeSession(known, viewerOf(call))
    return { body: session }
  },
})

const endSession = operation({
  id: 'endSession',
  method: 'DELETE',
  path: '/sessions/{sid}',
  summary:
    'Ends a session. Refreshes are refused at once, access tokens after an API has read the revocation feed',
  tag: 'sessions',
  role: 'support',
  scope: 'sessions:end',
  status: 204,
  async handle(call) {
    const { params } = call
    const session = await requireSession(params.sid ?? '', call)
    const { sid, subject, clientId, api } = ownerOf(session)
    requirePermission({ sessionOf: api }, call)
    const reason: EndByCaller = `ended by ${call.caller.kind === 'operator' ? 'an operator' : 'a service account'}`
    const about = { subject, clientId, api, sid, change: { operation: 'endSession' } }
    const event = { ...adminEvent(call, reason, about), kind: 'revoke', sid } as const
    await endKnownSession(session, { reason, event }, call)
    return { body: undefined }
  },
})

export const SESSION_OPERATIONS: readonly Operation[] = [listSessions, readSession, endSession]

/**
 * Ends a session, and adds the audit event once.
 *
 * @throws StorageUnavailable, CorruptRecord
 */
export async function endKnownSession(
  session: KnownSession,
  { reason, event }: { reason: EndReason; event: AuditEvent & { sid: string } },
  { services, context }: Pick<Call, 'services' | 'context'>,
): Promise<void> {
  const { sid } = ownerOf(session)
  const sessions = services.shards.find(sid)
  const isFirst = await sessions?.end(await identify(session, services, context.now), reason, context.now)
  // The row and the audit trail can be in two databases. If the write of the audit event fails, a repeated call writes it.
  if (isFirst || (await findStoredSession(sid, services))?.endReason === reason)
    await services.audit.addOnceForSession(event, context)
}

/** Finds a session by its row, or by its sign-in without a row. Batches have no index for sessions. @throws Problem 404, 429 */
async function requireSession(sid: string, call: Call): Promise<KnownSession> {
  const beforeSearch = () => {
    if (call.services.config.auditArchive !== null) spendSearch(call)
  }
  const session = await findSession(sid, { subject: null, beforeSearch }, call.services)
  if (session === null) throw notFound('session')
  return session
}

/** Finds a session that the caller may read. Service accounts do not see sessions of operators. @throws Problem 403, 404 */
export async function requireReadableSession(sid: string, call: Call): Promise<KnownSession> {
  const session = await requireSession(sid, call)
  if (ownerOf(session).api !== hiddenApiOf(call)) return session
  throw operatorOnly('Service accounts cannot read the sessions of operators.')
}

/** Finds a session like `requireSession`; null if there is no such session. @throws StorageUnavailable, CorruptRecord */
export async function findSession(
  sid: string,
  search: SignInSearch,
  services: Pick<ManagementServices, 'shards' | 'auditTrail'>,
): Promise<KnownSession | null> {
  const row = await findStoredSession(sid, services)
  if (row !== null) return { row, signIn: null }
  const signIn = services.shards.find(sid) === null ? null : await services.auditTrail.findSignIn(sid, search)
  return signIn && { row, signIn }
}

/** The row of a session; null without one. @throws StorageUnavailable, CorruptRecord */
export async function findStoredSession(
  sid: string,
  { shards }: Pick<ManagementServices, 'shards'>,
): Promise<StoredSession | null> {
  return (await shards.findList(sid)?.find(sid)) ?? null
}

/**
 * The values of the row that ends a session without a row. The row must outlive every token of the session.
 *
 * @throws StorageUnavailable, CorruptRecord
 */
async function identify(
  session: KnownSession,
  { config, clientAdmin }: ManagementServices,
  now: number,
): Promise<SessionIdentity> {
  const owner = ownerOf(session)
  const lifetimes = [...config.apis.values()].map((api) => api.refreshTokenLifetimeSeconds)
  const expiresAt = now + (config.apis.get(owner.api)?.refreshTokenLifetimeSeconds ?? Math.max(...lifetimes))
  const { sid, subject, clientId, api } = owner
  const times = { startedAt: startOf(session), expiresAt, tokenExpiresAt: expiresAt }
  const client = session.row === null ? await clientAdmin.find(clientId) : null
  return { sid, subject, clientId, api, ...times, ...issuesOf(client?.refreshPolicy ?? 'rotate', expiresAt) }
}
