import { log } from '../../lib/log.ts'
import { FetchFailed, type Outbound } from '../../lib/outbound.ts'
import { type RequestContext, runLater } from '../../lib/request_context.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'
import { type DocumentKind, FetchedDocuments } from '../../storage/fetched_documents.ts'
import type { ReadCopyStore } from '../../storage/read_copy_store.ts'
import { findKeyProblem, type Jwk, type KeySet, storedKeysSchema } from './public_keys.ts'

/** In this time after its freshness, a document is used while it is fetched again. Later, requests wait for the new document. */
const GRACE_SECONDS = 300

/** While its server fails, a document is used until this age. A key that was removed meanwhile also works so long. */
export const OLDEST_KEYS_SECONDS = 86_400

/** The time between a fetch that failed or that an unknown key caused, and the next one. */
export const COOLDOWN_SECONDS = 30

/** The most keys of a document that the server keeps. */
const MAX_KEYS = 20

const KEY_SETS: DocumentKind<KeySet> = {
  name: 'jwks',
  // A request waits for a document for this time at most.
  limits: { maxBytes: 64 * 1024, timeoutMs: 2000 },
  freshSeconds: { min: 60, usual: 600, max: 3600 },
  oldestSeconds: OLDEST_KEYS_SECONDS,
  cooldownSeconds: COOLDOWN_SECONDS,
  keepsLastAfter: () => true,
  valuesSchema: storedKeysSchema,
  read: (_url, object) => ({ keys: readUsableKeys(object) }),
  logFailure: (uri, { message }) => log('warn', 'client_keys_not_fetched', { jwks_uri: uri, cause: message }),
}

/** @throws FetchFailed if the object is not a JSON Web Key Set */
function readUsableKeys(object: object): Jwk[] {
  const { data } = storedKeysSchema.safeParse(object)
  if (data === undefined) throw new FetchFailed('content', 'not a JSON Web Key Set')
  return data.keys.filter((key) => findKeyProblem(key) === null).slice(0, MAX_KEYS)
}

/**
 * The public keys at the `jwks_uri` of clients (RFC 7591 §2). A URI whose server hangs delays only requests of its own clients, and only
 * until the cooldown begins.
 */
export class RemoteKeys {
  readonly #documents: FetchedDocuments<KeySet>

  constructor(dependencies: { copies: ReadCopyStore; outbound: Outbound }) {
    this.#documents = new FetchedDocuments(KEY_SETS, dependencies)
  }

  /** The keys of a document. @throws OAuthError temporarily_unavailable if there is no document and its server fails */
  async find(uri: string, context: RequestContext): Promise<readonly Jwk[]> {
    const known = this.#documents.known(uri, context)
    if (known === null || known.freshUntil + GRACE_SECONDS <= context.now) {
      const keys = await keysOf(this.#documents.findFresh(uri, context))
      if (keys !== null) return keys
      throw temporarilyUnavailable('the keys of the client cannot be fetched', COOLDOWN_SECONDS)
    }
    if (known.freshUntil <= context.now)
      runLater(context, 'fetch the keys of a client', () => this.#documents.findFresh(uri, context))
    return known.keys
  }

  /**
   * Fetches a document because it has no key for an assertion. Anyone can send an assertion with an unknown key, so this happens once
   * in COOLDOWN_SECONDS.
   *
   * @returns null if the document was fetched or tried a moment ago, or cannot be fetched
   */
  async findNewer(uri: string, context: RequestContext): Promise<readonly Jwk[] | null> {
    const known = this.#documents.known(uri, context)
    const isNew = known !== null && known.fetchedAt + COOLDOWN_SECONDS > context.now
    return isNew ? null : keysOf(this.#documents.fetch(uri, context))
  }
}

/** The keys of a document; null if it cannot be fetched, or could not be fetched a moment ago. */
async function keysOf(finding: Promise<KeySet>): Promise<readonly Jwk[] | null> {
  try {
    return (await finding).keys
  } catch (error) {
    if (!(error instanceof FetchFailed)) throw error
    return null
  }
}
