import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import type { KeySource } from './key_source.ts'
import type { Moment } from './shared_flight.ts'

const WHOLE_TYPE = 'revocations+jwt'
const DELTA_TYPE = 'revocations-delta+jwt'

/** A revocation: the name, such as `sid s1.x`, and a time in Unix seconds. Tokens of that name issued before it are revoked. */
export type RevocationEntry = [name: string, before: number]

/** A signed list of revocations, or the changes of a list. Times are Unix seconds. */
export interface FeedDocument {
  /** The cursor before the first entry; null for a whole list. */
  since: string | null
  /** The cursor after the last entry; null if the issuer serves no changes. */
  until: string | null
  /** Grows with every revocation. */
  sequence: number
  /** The tokens of an entry have expired this many seconds after its `before`. Infinite if the document has no such value. */
  windowSeconds: number
  /** Infinite if the document has no such value. */
  expiresAt: number
  entries: RevocationEntry[]
}

interface Expected {
  issuer: string
  keys: KeySource
  leewaySeconds: number
}

/** @throws Error if the text is not signed by the issuer, has expired, or is not a list of revocations */
export async function verifyFeedDocument(
  token: string,
  { issuer, keys, leewaySeconds }: Expected,
  moment: Moment,
): Promise<FeedDocument> {
  const { kid, typ } = decodeProtectedHeader(token)
  const key = await keys.find(kid ?? '', moment)
  if (key === null) throw new Error('the feed is not signed by a key of the issuer')
  const { payload } = await jwtVerify(token, key.key, {
    algorithms: [key.alg],
    issuer,
    typ: typ === DELTA_TYPE ? DELTA_TYPE : WHOLE_TYPE,
    currentDate: new Date(moment.now * 1000),
    clockTolerance: leewaySeconds,
  })
  return decodeFeed(payload, typ === DELTA_TYPE)
}

function decodeFeed(payload: JWTPayload, isDelta: boolean): FeedDocument {
  const { sequence, revocations, window, until, since, exp } = payload
  const isFeed = typeof sequence === 'number' && Array.isArray(revocations)
  if (!isFeed || (isDelta && (typeof since !== 'string' || typeof until !== 'string'))) {
    throw new Error('the feed is not a list of revocations')
  }
  return {
    since: isDelta ? String(since) : null,
    until: typeof until === 'string' ? until : null,
    sequence,
    windowSeconds: typeof window === 'number' ? window : Number.POSITIVE_INFINITY,
    expiresAt: exp ?? Number.POSITIVE_INFINITY,
    entries: revocations.flatMap(decodeEntry),
  }
}

function decodeEntry(entry: unknown): RevocationEntry[] {
  const { before, ...names } = (entry ?? {}) as Record<string, unknown>
  if (typeof before !== 'number') throw new Error('the feed has an entry without a time')
  return Object.entries(names).map(([name, value]) => [`${name} ${value}`, before])
}
