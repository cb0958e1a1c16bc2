import * as z from 'zod/mini'
import type { SignIn } from '../audit/audit_query_store.ts'
import { text } from '../lib/input_schemas.ts'
import type { Services } from '../services/services.ts'
import type { SessionIdentity } from '../sessions/session.ts'
import type { SessionOwner, SessionPosition, StoredSession } from '../sessions/session_list_store.ts'
import { shardNameOf } from '../sessions/sid.ts'
import { adminEvent } from './change.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { notFound, Problem } from './problem.ts'
import { DEFAULT_LIMIT, formatCursor, pageOf, paging, parseCursor } from './schemas.ts'
import {
  findOwners,
  type KnownSession,
  ownerOf,
  sessionSchema,
  showSession,
  startOf,
} from './session_view.ts'

const positionSchema = z.object({ startedAt: z.int(), sid: z.string() })

const listSessions = operation({
  id: 'listSessions',
  method: 'GET',
  path: '/sessions',
  summary:
    'Lists sessions of a user, a guest or a client, newest first, including sessions without a refresh',
  tag: 'sessions',
  role: 'support',
  query: z.strictObject({ ...paging, subject: z.optional(text(200)), client_id: z.optional(text(64)) }).check(
    z.refine(({ subject, client_id }) => subject !== undefined || client_id !== undefined, {
      message: 'is needed, or client_id',
      path: ['subject'],
    }),
  ),
  status: 200,
  response: pageOf('Sessions', sessionSchema),
  async handle({ query, services, context }) {
    const { subject = null, client_id: clientId = null, limit = DEFAULT_LIMIT } = query
    const after = parseCursor(positionSchema, query.cursor)
    const { sessions, next } = await findPage({ subject, clientId }, { after, limit }, services)
    const owners = await findOwners(sessions, services)
    return {
      body: {
        items: sessions.map((session) => showSession(session, owners, services, context.now)),
        next_cursor: next === null ? null : formatCursor(next),
      },
    }
  },
})

const readSession = operation({
  id: 'readSession',
  method: 'GET',
  path: '/sessions/{sid}',
  summary: 'Returns a session',
  tag: 'sessions',
  role: 'support',
  status: 200,
  response: sessionSchema,
  async handle({ params, services, context }) {
    const session = await requireSession(params.sid ?? '', services)
    const owners = await findOwners([session], services)
    return { body: showSession(session, owners, services, context.now) }
  },
})

const endSession = operation({
  id: 'endSession',
  method: 'DELETE',
  path: '/sessions/{sid}',
  summary:
    'Ends a session: refreshes are refused at once, access tokens when APIs have read the revocation feed',
  tag: 'sessions',
  role: 'support',
  status: 204,
  async handle(call) {
    const { params, services, context } = call
    const session = await requireSession(params.sid ?? '', services)
    const { sid, subject, clientId, api } = ownerOf(session)
    await checkReach(api, call)
    const reason = 'ended by an operator'
    const sessions = services.shards.find(sid)
    const isFirst = await sessions?.end(identify(session, services, context.now), reason, context.now)
    // The row and the audit trail can be in two databases. If the second write fails, a repeated call writes it.
    if (isFirst || (await requireSession(sid, services)).row?.endReason === reason) {
      const about = { subject, clientId, api, sid, change: { operation: 'endSession' } }
      const event = { ...adminEvent(call, reason, about), kind: 'revoke', sid } as const
      await services.audit.addOnceForSession(event, context)
    }
    return { body: undefined }
  },
})

export const SESSION_OPERATIONS: readonly Operation[] = [listSessions, readSession, endSession]

/** Finds a session by its row, or by its sign-in without a row. @throws Problem 404 */
export async function requireSession(sid: string, { shards, auditTrail }: Services): Promise<KnownSession> {
  const row = (await shards.findList(sid)?.find(sid)) ?? null
  if (row !== null) return { row, signIn: null }
  const signIn = shards.find(sid) === null ? null : await auditTrail.findSignIn(sid)
  if (signIn === null) throw notFound('session')
  return { row, signIn }
}

/** Support cannot change operators. @throws Problem 403 */
async function checkReach(api: string, { operator, services }: Call): Promise<void> {
  if (!operator.isAdmin && api === services.config.adminApi?.name) {
    throw new Problem('role-missing', { detail: 'Sessions of operators take the role admin.' })
  }
}

/** The values of a new row for a session without one. The row must outlive every token of the session. */
function identify(session: KnownSession, { config }: Services, now: number): SessionIdentity {
  const owner = ownerOf(session)
  const lifetimes = [...config.apis.values()].map((api) => api.refreshTokenLifetimeSeconds)
  const expiresAt = now + (config.apis.get(owner.api)?.refreshTokenLifetimeSeconds ?? Math.max(...lifetimes))
  const { sid, subject, clientId, api } = owner
  return { sid, subject, clientId, api, startedAt: startOf(session), expiresAt, tokenExpiresAt: expiresAt }
}

interface PageRequest {
  after: SessionPosition | null
  limit: number
}

/**
 * Reads a page from two kinds of sources: the rows of each shard, and the sign-ins in the audit trail. The row, or the sign-in
 * of a session without a row, gives the start, so each session is on exactly one page. Sessions older than the last item of a
 * source with more items are on the next page.
 */
async function findPage(
  owner: SessionOwner,
  { after, limit }: PageRequest,
  { shards, auditTrail }: Services,
): Promise<{ sessions: KnownSession[]; next: SessionPosition | null }> {
  const place = after === null ? null : { at: after.startedAt, sid: after.sid }
  const [signIns, ...lists] = await Promise.all([
    auditTrail.listSignIns(owner, place, limit + 1),
    ...shards.all().map(({ list }) => list.list(owner, after, limit + 1)),
  ])
  const rowsOfSignIns = await findRows(signIns, { shards })
  const rows = new Map([...lists.flat(), ...rowsOfSignIns].map((row) => [row.sid, row]))
  const known: KnownSession[] = [
    ...[...rows.values()].map((row) => ({ row, signIn: null })),
    ...signIns.filter(({ sid }) => !rows.has(sid)).map((signIn) => ({ row: null, signIn })),
  ]
  const ends = [signIns.map(({ at, sid }) => ({ startedAt: at, sid })), ...lists]
    .filter((source) => source.length > limit)
    .flatMap((source) => source.slice(-1))
  return cutPage(known, { after, ends, limit })
}

function findRows(
  signIns: readonly SignIn[],
  { shards }: Pick<Services, 'shards'>,
): Promise<StoredSession[]> {
  const found = shards.all().map(({ name, list }) => {
    const sids = signIns.map(({ sid }) => sid).filter((sid) => shardNameOf(sid) === name)
    return list.findMany(sids)
  })
  return Promise.all(found).then((lists) => lists.flat())
}

/** @param bounds.ends The last item of each source with more items. */
function cutPage(
  known: readonly KnownSession[],
  { after, ends, limit }: PageRequest & { ends: readonly SessionPosition[] },
): { sessions: KnownSession[]; next: SessionPosition | null } {
  const positionOf = (session: KnownSession) => ({ startedAt: startOf(session), sid: ownerOf(session).sid })
  const newestEnd = [...ends].sort(newestFirst)[0] ?? null
  const sorted = known
    .map((session) => ({ session, position: positionOf(session) }))
    .filter(({ position }) => after === null || newestFirst(after, position) < 0)
    .filter(({ position }) => newestEnd === null || newestFirst(position, newestEnd) <= 0)
    .sort((a, b) => newestFirst(a.position, b.position))
  const page = sorted.slice(0, limit)
  const next = sorted.length > limit ? (page.at(-1)?.position ?? null) : newestEnd
  return { sessions: page.map(({ session }) => session), next }
}

/** Negative if `a` is newer. */
function newestFirst(a: SessionPosition, b: SessionPosition): number {
  return b.startedAt - a.startedAt || (a.sid < b.sid ? 1 : a.sid > b.sid ? -1 : 0)
}
