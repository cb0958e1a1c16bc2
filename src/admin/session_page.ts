import type { SignIn } from '../audit/audit_query_store.ts'
import { type PageQuery, type Place, type Slice, type Total, toTotal } from '../lib/list_page.ts'
import type { ManagementServices } from '../services/management_services.ts'
import type { SessionOwner, StoredSession } from '../sessions/session_list_store.ts'
import { type KnownSession, ownerOf, startOf } from './session_view.ts'

type Sources = Pick<ManagementServices, 'shards' | 'auditTrail' | 'clock'>

/** The maximum of a counted total: a count reads the ids of all these sessions. */
export const MAX_COUNTED_SESSIONS = 1000

/** The place of a session in the list: its start and its id. */
export function placeOfSession(session: KnownSession): Place {
  return [startOf(session), ownerOf(session).sid]
}

/**
 * Reads a page from two kinds of sources: the rows of each shard, and the sign-ins in the audit trail. The row, or the sign-in
 * of a session without a row, gives the start, so each session is on exactly one page. Sessions beyond the last item of a source
 * with more items are on the next page. Without a user and a client, only the sign-ins are read, because rows have no index by
 * time.
 *
 * @throws StorageUnavailable, CorruptRecord
 */
export async function findSessions(
  owner: SessionOwner,
  page: PageQuery,
  { shards, auditTrail, clock }: Sources,
): Promise<Slice<KnownSession>> {
  const [signIns, ...lists] = await Promise.all([
    auditTrail.listSignIns(owner, page),
    ...shards.all().map(({ list }) => list.list(owner, page, clock.now())),
  ])
  const rowsOfSignIns = await findRows(signIns, { shards })
  const rows = new Map([...lists.flat(), ...rowsOfSignIns].map((row) => [row.sid, row]))
  const known: KnownSession[] = [
    ...[...rows.values()].map((row) => ({ row, signIn: null })),
    ...signIns.filter(({ sid }) => !rows.has(sid)).map((signIn) => ({ row: null, signIn })),
  ]
  const places = [
    signIns.map(({ at, sid }): Place => [at, sid]),
    ...lists.map((list) => list.map(({ startedAt, sid }): Place => [startedAt, sid])),
  ]
  const ends = places.filter((source) => source.length > page.limit).flatMap((source) => source.slice(-1))
  return cutPage(known, ends, page)
}

/** Counts the sessions of a user or a client, in all sources. @throws StorageUnavailable, CorruptRecord */
export async function countSessions(owner: SessionOwner, { shards, auditTrail }: Sources): Promise<Total> {
  const limit = MAX_COUNTED_SESSIONS + 1
  const sids = await Promise.all([
    auditTrail.listSids(owner, limit),
    ...shards.all().map(({ list }) => list.listSids(owner, limit)),
  ])
  return toTotal(new Set(sids.flat()).size, MAX_COUNTED_SESSIONS)
}

function findRows(
  signIns: readonly SignIn[],
  { shards }: Pick<ManagementServices, 'shards'>,
): Promise<StoredSession[]> {
  const found = shards.all().map((group) => {
    const sids = signIns.map(({ sid }) => sid).filter((sid) => group.has(sid))
    return group.list.findMany(sids)
  })
  return Promise.all(found).then((lists) => lists.flat())
}

/** @param ends The last place of each source with more items. */
function cutPage(
  known: readonly KnownSession[],
  ends: readonly Place[],
  { from, limit, isDescending, isBackwards }: PageQuery,
): Slice<KnownSession> {
  const inOrder = isDescending !== isBackwards ? newestFirst : oldestFirst
  const nearestEnd = [...ends].sort(inOrder)[0] ?? null
  const sorted = known
    .map((session) => ({ session, place: placeOfSession(session) }))
    .filter(({ place }) => from === null || inOrder(from, place) < 0)
    .filter(({ place }) => nearestEnd === null || inOrder(place, nearestEnd) <= 0)
    .sort((a, b) => inOrder(a.place, b.place))
  const shown = sorted.slice(0, limit)
  const isCut = sorted.length > limit
  const last = isCut ? (shown.at(-1)?.place ?? null) : (nearestEnd ?? shown.at(-1)?.place ?? null)
  const rows = shown.map(({ session }) => session)
  return { rows: isBackwards ? rows.reverse() : rows, hasMore: isCut || nearestEnd !== null, readTo: last }
}

/** Negative if `a` is newer. */
function newestFirst(a: Place, b: Place): number {
  return oldestFirst(b, a)
}

/** Negative if `a` is older. Sessions of one second are in the order of their ids. */
function oldestFirst([atA = 0, sidA = '']: Place, [atB = 0, sidB = '']: Place): number {
  return Number(atA) - Number(atB) || (sidA < sidB ? -1 : sidA > sidB ? 1 : 0)
}
