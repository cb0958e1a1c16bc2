import { RECORD_MARGIN_SECONDS } from '../storage/copy_ages.ts'
import type { NewRevocation, StoredRevocation } from './revocation_store.ts'

/** The reason of a coarse revocation that replaced finer ones. */
export const MERGED = 'merged'

/** The share of the limit that a merge leaves, so that the next revocations do not cause another merge at once. */
const KEPT_SHARE = 0.75

/** The maximum number of clients that one merge revokes, because each needs a statement in one transaction. */
const MAX_CLIENTS = 20

/** Coarse revocations, and the ids of the revocations that they replace. */
export interface Merge {
  additions: NewRevocation[]
  removedIds: number[]
}

/**
 * Plans the merge of a list that is longer than its limit; null if nothing can be merged. First, a revocation of the client
 * with the most entries replaces its oldest entries. If that is not enough, one revocation of all tokens that were issued before
 * a given second replaces the oldest remaining entries.
 *
 * A coarse revocation includes the tokens of the finer ones. Its `before` has passed on every clock, so it includes no token
 * that is issued later.
 *
 * @param revocations Oldest first.
 */
export function planMerge(
  revocations: readonly StoredRevocation[],
  { now, limit }: { now: number; limit: number },
): Merge | null {
  if (revocations.length <= limit) return null
  const excess = revocations.length - Math.floor(limit * KEPT_SHARE)
  const passed = revocations.filter(
    ({ kind, before }) => kind !== 'all' && before <= now - RECORD_MARGIN_SECONDS,
  )
  const ofClients = mergeClients(passed, excess)
  const remaining = revocations.length - ofClients.removedIds.length + ofClients.additions.length
  const merge = remaining > limit ? mergeRest(passed, ofClients, excess) : ofClients
  return merge.removedIds.length === 0 ? null : merge
}

/** Merges by client until the list is shorter by `excess`. The client with the most entries is first. */
function mergeClients(passed: readonly StoredRevocation[], excess: number): Merge {
  const merge: Merge = { additions: [], removedIds: [] }
  let left = excess
  for (const [clientId, entries] of groupByClient(passed).slice(0, MAX_CLIENTS)) {
    if (left <= 0 || entries.length < 2) break
    const oldest = entries.slice(0, left + 1)
    merge.additions.push({ kind: 'client_id', value: clientId, clientId, ...coverOf(oldest) })
    merge.removedIds.push(...oldest.map(({ id }) => id))
    left -= oldest.length - 1
  }
  return merge
}

/** Extends a merge by client: one revocation of all tokens replaces the oldest remaining entries. */
function mergeRest(
  passed: readonly StoredRevocation[],
  { additions, removedIds }: Merge,
  excess: number,
): Merge {
  const removed = new Set(removedIds)
  const oldest = passed
    .filter(({ id }) => !removed.has(id))
    .slice(0, excess - removed.size + additions.length + 1)
  if (oldest.length === 0) return { additions, removedIds }
  return {
    additions: [...additions, { kind: 'all', value: '', clientId: null, ...coverOf(oldest) }],
    removedIds: [...removedIds, ...oldest.map(({ id }) => id)],
  }
}

/** Groups the revocations of sessions and tokens by client. The longest list is first. */
function groupByClient(revocations: readonly StoredRevocation[]): [string, StoredRevocation[]][] {
  const groups = new Map<string, StoredRevocation[]>()
  for (const revocation of revocations) {
    if (revocation.clientId === null || revocation.kind === 'client_id') continue
    const group = groups.get(revocation.clientId)
    if (group) group.push(revocation)
    else groups.set(revocation.clientId, [revocation])
  }
  return [...groups].sort(([, a], [, b]) => b.length - a.length)
}

/** The members of a revocation that includes the tokens of these revocations. */
function coverOf(revocations: readonly StoredRevocation[]): {
  before: number
  expiresAt: number
  reason: string
} {
  let before = 0
  let expiresAt = 0
  for (const revocation of revocations) {
    before = Math.max(before, revocation.before)
    expiresAt = Math.max(expiresAt, revocation.expiresAt)
  }
  return { before, expiresAt, reason: MERGED }
}
