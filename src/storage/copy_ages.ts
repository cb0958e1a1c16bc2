// How old each copy may be while it still issues tokens. The margins of revocations are computed from these ages, here and
// nowhere else (docs/decisions/0026). All values are seconds.

/** KV is eventually consistent: readers may see a written value only after this time. */
export const KV_LAG_SECONDS = 60

/** The list of changed records, in an isolate. From `refreshAfter` on, it is read again in the background. Past
 * `max`, requests wait for it before they issue. */
export const CHANGE_LIST_SECONDS = { refreshAfter: 3, max: 5 } as const

/** A client, in an isolate. From `refreshAfter` on, it is read again in the background. Past `max`, requests wait. */
export const CLIENT_COPY_SECONDS = { refreshAfter: 30, max: 90 } as const

/** How long an isolate remembers that an id has no client. */
export const UNKNOWN_CLIENT_SECONDS = 30

/** The signing keys, in an isolate. From `refreshAfter` on, they are read again in the background. Past `max`,
 * requests wait. */
export const KEY_COPY_SECONDS = { refreshAfter: 60, max: 120 } as const

/**
 * The sum of two times: how long a change may take from its request until D1 has it, and how far the clocks of two isolates
 * may be apart.
 */
const UNDER_WAY_SECONDS = 2

/**
 * The margin of a revocation whose subject is read from D1 itself. A request that is under way meanwhile may have read the
 * state before it.
 */
export const RECORD_MARGIN_SECONDS = UNDER_WAY_SECONDS

/**
 * The margin of a revocation of a client. A copy of a client issues tokens only where the change list does not name the client,
 * so no copy that issues is older than the list: the age of the copy itself does not count.
 */
export const CLIENT_MARGIN_SECONDS = CHANGE_LIST_SECONDS.max + UNDER_WAY_SECONDS
