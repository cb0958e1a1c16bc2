import type { SigningKey } from '../keys/signing_key.ts'
import { etagOf } from '../lib/etag.ts'
import { issueRevocationsToken } from '../tokens/revocations_token.ts'
import { type FeedCursor, formatCursor, parseCursor } from './feed_cursor.ts'
import type { DatabaseList } from './listed_revocations.ts'
import type { Revocation } from './revocation_store.ts'

/** All isolates sign new lists at multiples of this period, so that the lists have the same `exp` and ETag. */
export const SIGNING_PERIOD_SECONDS = 900

/** How far the `before` of an entry can be in the future. */
const AHEAD_SECONDS = 120

/** The most entries of a delta. A longer delta costs more than the whole list, which an isolate signs once for all readers. */
const MAX_DELTA_ENTRIES = 1000

/** The most cached deltas of one snapshot. Readers with the same interval request the same deltas. */
const MAX_DELTAS = 64

/** One signed list. */
export interface FeedDocument {
  token: string
  etag: string
}

interface SnapshotParts {
  lists: readonly DatabaseList[]
  issuer: string
  /** The longest lifetime of an access token. */
  windowSeconds: number
  key: SigningKey
  /** When the lists were read, in Unix seconds. */
  asOf: number
}

/** The lists of one moment, and their signed documents. The first request for a document signs it. */
export class FeedSnapshot {
  /** When the lists were read, in Unix seconds. */
  readonly asOf: number
  readonly #parts: SnapshotParts
  readonly #cursor: FeedCursor
  readonly #windowSeconds: number
  readonly #documents = new Map<string, Promise<FeedDocument>>()

  constructor(parts: SnapshotParts) {
    this.asOf = parts.asOf
    this.#parts = parts
    this.#cursor = new Map(parts.lists.map(({ name, lastId }) => [name, lastId]))
    this.#windowSeconds = windowOf(parts)
  }

  /** A later snapshot of the same lists, with the signed documents of this one; null if the lists differ. */
  confirm(later: SnapshotParts): FeedSnapshot | null {
    const { key, asOf } = this.#parts
    const next = new FeedSnapshot(later)
    const isSame =
      formatCursor(next.#cursor) === formatCursor(this.#cursor) &&
      later.key.kid === key.kid &&
      periodOf(later.asOf) === periodOf(asOf)
    if (!isSame) return null
    for (const [since, document] of this.#documents) next.#documents.set(since, document)
    return next
  }

  /** The number of entries of the whole list. */
  get size(): number {
    return this.#parts.lists.reduce((sum, { revocations }) => sum + revocations.length, 0)
  }

  get lists(): readonly DatabaseList[] {
    return this.#parts.lists
  }

  /** Whether a cursor is ahead of this snapshot. */
  isBehind(since: string): boolean {
    const cursor = parseCursor(since, [...this.#cursor.keys()])
    return cursor !== null && this.#isAhead(cursor)
  }

  /** The whole list. */
  full(): Promise<FeedDocument> {
    return this.#once('', () => this.#sign(null))
  }

  /** The entries added since a cursor; the whole list if the cursor is unknown, ahead or too old. */
  since(text: string): Promise<FeedDocument> {
    const since = parseCursor(text, [...this.#cursor.keys()])
    if (since === null || this.#isAhead(since)) return this.full()
    const added = this.#addedSince(since)
    if (added.length > MAX_DELTA_ENTRIES) return this.full()
    return this.#once(formatCursor(since), () => this.#sign({ since, added }))
  }

  #isAhead(cursor: FeedCursor): boolean {
    return [...cursor].some(([name, id]) => id > (this.#cursor.get(name) ?? 0))
  }

  #addedSince(since: FeedCursor): Revocation[] {
    return this.#parts.lists.flatMap(({ name, revocations }) => {
      const last = since.get(name) ?? 0
      const first = revocations.findLastIndex(({ id }) => id <= last) + 1
      return revocations.slice(first)
    })
  }

  #once(since: string, sign: () => Promise<FeedDocument>): Promise<FeedDocument> {
    const known = this.#documents.get(since)
    if (known) return known
    const document = sign()
    if (this.#documents.size < MAX_DELTAS || since === '') this.#documents.set(since, document)
    document.catch(() => this.#documents.delete(since))
    return document
  }

  async #sign(delta: { since: FeedCursor; added: readonly Revocation[] } | null): Promise<FeedDocument> {
    const { lists, issuer, key, asOf } = this.#parts
    const revocations = delta?.added ?? lists.flatMap((list) => list.revocations)
    const since = delta === null ? null : formatCursor(delta.since)
    const until = formatCursor(this.#cursor)
    const claims = {
      issuer,
      since,
      until,
      windowSeconds: this.#windowSeconds,
      issuedAt: asOf,
      expiresAt: (periodOf(asOf) + 1) * SIGNING_PERIOD_SECONDS + this.#windowSeconds + AHEAD_SECONDS,
      sequence: lists.reduce((sum, { lastId }) => sum + lastId, 0),
      entries: revocations.map(toEntry),
    }
    // The ETag is weak, because each isolate signs the same list itself (RFC 9110 §8.8.1). It includes the key. After a change
    // of the key, readers get a list with the new signature and drop keys that are no longer in the JWKS.
    const etag = `W/${await etagOf(JSON.stringify([since, until, key.kid, periodOf(asOf)]))}`
    return { token: await issueRevocationsToken(claims, key), etag }
  }
}

function periodOf(now: number): number {
  return Math.floor(now / SIGNING_PERIOD_SECONDS)
}

/** The seconds from `before` until all tokens of an entry have expired. Earlier, longer lifetimes make it longer. */
function windowOf({ lists, windowSeconds }: SnapshotParts): number {
  let longest = windowSeconds
  for (const { revocations } of lists) {
    for (const { before, expiresAt } of revocations) longest = Math.max(longest, expiresAt - before)
  }
  return longest
}

/** The feed entry of a revocation. */
function toEntry({ kind, value, before }: Revocation): Record<string, string | number | boolean> {
  return { [kind]: kind === 'all' ? true : value, before }
}
