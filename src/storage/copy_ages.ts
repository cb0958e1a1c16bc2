// The greatest age of each copy that the server uses to issue tokens. Only this file computes the margins of revocations from
// these ages (docs/decisions/0026). All values are seconds.

/** KV is eventually consistent. After this time, every reader gets a written value. */
export const KV_LAG_SECONDS = 60

/** The list of changed records, in an isolate. After `refreshAfter`, the isolate reads the list in the background. After `max`,
 * requests for tokens wait for the read. */
export const CHANGE_LIST_SECONDS = { refreshAfter: 3, max: 5 } as const

/** A client, in an isolate. After `refreshAfter`, the isolate reads the client in the background. After `max`, requests wait. */
export const CLIENT_COPY_SECONDS = { refreshAfter: 30, max: 90 } as const

/** An isolate keeps the information that a client id is unknown for this time. */
export const UNKNOWN_CLIENT_SECONDS = 30

/** The signing keys, in an isolate. After `refreshAfter`, the isolate reads the keys in the background. After `max`, requests
 * wait. */
export const KEY_COPY_SECONDS = { refreshAfter: 60, max: 120 } as const

/**
 * The copies of clients and users in a session object. After `rewriteAfter`, a read of D1 writes the copy again. After `max`, the
 * object does not use the copy.
 */
export const HOLDER_COPY_SECONDS = { rewriteAfter: 43_200, max: 86_400 } as const

/**
 * The knowledge of a session object about its copies. After `refreshAfter`, the object reads the list of changed records in the
 * background. A refresh whose knowledge is older than `max` waits for a read of its client and its user.
 */
export const HOLDER_KNOWLEDGE_SECONDS = { refreshAfter: 5, max: 30 } as const

/** D1 lists a change of a user for this time. No copy is so old. */
export const USER_CHANGE_SECONDS = 2 * HOLDER_COPY_SECONDS.max

/**
 * The sum of the longest time from a request to its write in D1, and the greatest difference between the clocks of two
 * isolates.
 */
export const UNDER_WAY_SECONDS = 2

/**
 * The margin of a revocation if each request reads the record from D1. A concurrent request may have read the record before
 * the revocation.
 */
export const RECORD_MARGIN_SECONDS = UNDER_WAY_SECONDS

/**
 * The margin of a revocation of a client. Before the server uses a copy of a client, it checks that the change list has no newer
 * change of the client. So the age of the list counts, and the age of the copy does not.
 */
export const CLIENT_MARGIN_SECONDS = CHANGE_LIST_SECONDS.max + UNDER_WAY_SECONDS
