import { base64url } from 'jose'
import * as z from 'zod/mini'
import { sha256 } from '../../lib/bytes.ts'
import { ExpiringCache } from '../../lib/expiring_cache.ts'
import { freshSecondsOf } from '../../lib/freshness.ts'
import { log } from '../../lib/log.ts'
import { FetchFailed, type Outbound } from '../../lib/outbound.ts'
import { type RequestContext, runLater } from '../../lib/request_context.ts'
import { SingleFlight } from '../../lib/single_flight.ts'
import { CorruptRecord } from '../../lib/storage_error.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'
import type { ReadCopyStore } from '../../storage/read_copy_store.ts'
import { findKeyProblem, type Jwk, storedKeysSchema } from './public_keys.ts'

const ISOLATE_ENTRIES = 500

/** A request waits for a document for this time at most. */
const LIMITS = { maxBytes: 64 * 1024, timeoutMs: 2000 }

/** A document is fresh for the time of its HTTP headers, within these limits. */
const FRESH_SECONDS = { min: 60, usual: 600, max: 3600 }

/** In this time after its freshness, a document is used while it is fetched again. Later, requests wait for the new document. */
const GRACE_SECONDS = 300

/** While its server fails, a document is used until this age. A key that was removed meanwhile also works so long. */
export const OLDEST_KEYS_SECONDS = 86_400

/** The time between a fetch that failed or that an unknown key caused, and the next one. */
export const COOLDOWN_SECONDS = 30

/** The most keys of a document that the server keeps. */
const MAX_KEYS = 20

/** The usable keys of a document. Times are Unix seconds. */
const documentSchema = z.object({
  ...storedKeysSchema.shape,
  fetchedAt: z.int(),
  freshUntil: z.int(),
})
type KeyDocument = z.output<typeof documentSchema>

interface Dependencies {
  copies: ReadCopyStore
  outbound: Outbound
}

/**
 * The public keys at the `jwks_uri` of clients (RFC 7591 §2), in the memory of the isolate and in KV. A URI whose server hangs delays
 * only requests of its own clients, and only until the cooldown begins.
 */
export class RemoteKeys {
  readonly #dependencies: Dependencies
  readonly #documents = new ExpiringCache<KeyDocument>(ISOLATE_ENTRIES)
  readonly #cooldowns = new ExpiringCache<true>(ISOLATE_ENTRIES)
  readonly #flights = new SingleFlight<KeyDocument | null>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** The keys of a document. @throws OAuthError temporarily_unavailable if there is no document and its server fails */
  async find(uri: string, context: RequestContext): Promise<readonly Jwk[]> {
    const known = this.#documents.get(uri, context.now)
    if (known !== null && known.freshUntil > context.now) return known.keys
    if (known !== null && known.freshUntil + GRACE_SECONDS > context.now) {
      runLater(context, 'fetch the keys of a client', () => this.#renew(uri, context))
      return known.keys
    }
    const renewed = (await this.#renew(uri, context)) ?? known
    if (renewed === null)
      throw temporarilyUnavailable('the keys of the client cannot be fetched', COOLDOWN_SECONDS)
    return renewed.keys
  }

  /**
   * Fetches a document because it has no key for an assertion. Anyone can send an assertion with an unknown key, so this happens once
   * in COOLDOWN_SECONDS.
   *
   * @returns null if the document was fetched or tried a moment ago, or cannot be fetched
   */
  async findNewer(uri: string, context: RequestContext): Promise<readonly Jwk[] | null> {
    const known = this.#documents.get(uri, context.now)
    const isNew = known !== null && known.fetchedAt + COOLDOWN_SECONDS > context.now
    if (isNew || this.#cooldowns.get(uri, context.now)) return null
    this.#coolDown(uri, context)
    const document = await this.#flights.run(uri, context, () => this.#fetch(uri, context))
    return document?.keys ?? null
  }

  /** The copy of another isolate, or a new document; null while the server of the document fails. */
  #renew(uri: string, context: RequestContext): Promise<KeyDocument | null> {
    return this.#flights.run(uri, context, async () => {
      const copy = await this.#findCopy(uri, context)
      if (copy !== null && copy.freshUntil > context.now) return copy
      return this.#cooldowns.get(uri, context.now) ? copy : ((await this.#fetch(uri, context)) ?? copy)
    })
  }

  /** Null if the fetch fails. Then the next one waits for the cooldown. */
  async #fetch(uri: string, context: RequestContext): Promise<KeyDocument | null> {
    const { copies, outbound } = this.#dependencies
    try {
      const { object, headers } = await outbound.fetchObject(uri, LIMITS)
      const document = readDocument(object, headers, context.now)
      this.#documents.set(uri, document, document.fetchedAt + OLDEST_KEYS_SECONDS)
      const settings = { now: context.now, ttlSeconds: OLDEST_KEYS_SECONDS }
      runLater(context, 'write the copy of keys', async () =>
        copies.save(await copyKeyOf(uri), document, settings),
      )
      return document
    } catch (error) {
      if (!(error instanceof FetchFailed)) throw error
      this.#coolDown(uri, context)
      log('warn', 'client_keys_not_fetched', { jwks_uri: uri, cause: error.message })
      return null
    }
  }

  /** The copy in KV, if it is not older than the document in memory; null without one. */
  async #findCopy(uri: string, { now }: RequestContext): Promise<KeyDocument | null> {
    try {
      const { data } = documentSchema.safeParse(await this.#dependencies.copies.find(await copyKeyOf(uri)))
      const known = this.#documents.get(uri, now)
      if (data === undefined || data.fetchedAt + OLDEST_KEYS_SECONDS <= now) return known
      if (known !== null && known.fetchedAt >= data.fetchedAt) return known
      this.#documents.set(uri, data, data.fetchedAt + OLDEST_KEYS_SECONDS)
      return data
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error
      return null
    }
  }

  #coolDown(uri: string, { now }: RequestContext): void {
    this.#cooldowns.set(uri, true, now + COOLDOWN_SECONDS)
  }
}

/** The key of the copy of a document. A URI can be longer than a key of KV. */
async function copyKeyOf(uri: string): Promise<string> {
  return `jwks:${base64url.encode(await sha256(uri))}`
}

/** @throws FetchFailed if the object is not a JSON Web Key Set */
function readDocument(object: object, headers: Headers, now: number): KeyDocument {
  const { data } = storedKeysSchema.safeParse(object)
  if (data === undefined) throw new FetchFailed('content', 'not a JSON Web Key Set')
  const keys = data.keys.filter((key) => findKeyProblem(key) === null).slice(0, MAX_KEYS)
  const { min, usual, max } = FRESH_SECONDS
  const freshSeconds = Math.min(Math.max(freshSecondsOf(headers) ?? usual, min), max)
  return { keys, fetchedAt: now, freshUntil: now + freshSeconds }
}
