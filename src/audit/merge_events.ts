import type { PageQuery, Place, Slice } from '../lib/list_page.ts'
import type { StoredAuditEvent } from './stored_event.ts'

type Direction = Pick<PageQuery, 'isDescending' | 'isBackwards'>

/** Whether a page is read from newer to older events. */
export function isFalling({ isDescending, isBackwards }: Direction): boolean {
  return isDescending !== isBackwards
}

/** Negative if the first place is older. */
export function comparePlaces([at = 0, id = 0]: Place, [otherAt = 0, otherId = 0]: Place): number {
  return Number(at) - Number(otherAt) || (id < otherId ? -1 : id > otherId ? 1 : 0)
}

export function placeOf({ at, id }: Pick<StoredAuditEvent, 'at' | 'id'>): Place {
  return [at, id]
}

/**
 * Merges the slices of several sources to one slice of the page. An event that moves from one source to another can be in both:
 * it is listed once. Events beyond the `readTo` of a source are left for the next page.
 */
export function mergeSlices(
  slices: readonly Slice<StoredAuditEvent>[],
  page: PageQuery,
): Slice<StoredAuditEvent> {
  const sign = isFalling(page) ? -1 : 1
  const inOrder = (a: Place, b: Place) => sign * comparePlaces(a, b)
  const end = nearestEnd(slices, inOrder)
  const events = [...new Map(slices.flatMap(({ rows }) => rows).map((event) => [event.id, event])).values()]
  const read = events
    .filter((event) => end === null || inOrder(placeOf(event), end) <= 0)
    .sort((a, b) => inOrder(placeOf(a), placeOf(b)))
  const shown = read.slice(0, page.limit)
  const isCut = read.length > page.limit
  return {
    rows: page.isBackwards ? shown.reverse() : shown,
    hasMore: isCut || slices.some(({ hasMore }) => hasMore),
    readTo: isCut || slices.some(({ hasMore, readTo = null }) => hasMore && readTo === null) ? null : end,
  }
}

function nearestEnd(
  slices: readonly Slice<unknown>[],
  inOrder: (a: Place, b: Place) => number,
): Place | null {
  const ends = slices.flatMap(({ readTo = null }) => (readTo === null ? [] : [readTo]))
  return ends.sort(inOrder)[0] ?? null
}
