import { isConfidential, type StoredClient } from '../clients/client.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { DeferredPart, DeferredWriteStore } from '../storage/deferred_write_store.ts'
import type { KnownOriginStore, OriginReference, OriginState, SeenOrigin } from './known_origin_store.ts'

/** The origin of a sign-in. Its device and its network are those of the request. */
export interface SignInOrigin {
  subject: string
  client: Pick<StoredClient, 'id' | 'authentication'>
  /** The id of the browser (`BrowserCookies.device`); null for a sign-in without a page. */
  browserId: string | null
}

/** Continues with the state of an origin before a sign-in. The context keeps the Worker alive for its work. */
type AfterRemembering = (state: OriginState, context: RequestContext) => void

interface Pending extends SeenOrigin {
  context: RequestContext
  after: AfterRemembering
}

interface Dependencies {
  store: KnownOriginStore
  /** One for each sealing key, so that a change of `SEALING_KEY` does not make every origin new. */
  names: readonly [KeyedHash, ...KeyedHash[]]
  deferred: DeferredWriteStore
}

/**
 * The origins from which users have signed in (docs/decisions/0069). An origin is a browser or a device in the network of one
 * provider. A sign-in through a back end has the back end as its origin, because the request has the device and network of the back
 * end.
 */
export class KnownOrigins {
  readonly #store: KnownOriginStore
  readonly #names: Dependencies['names']
  readonly #deferred: DeferredWriteStore
  readonly #pending: Pending[] = []

  constructor({ store, names, deferred }: Dependencies) {
    this.#store = store
    this.#names = names
    this.#deferred = deferred
    deferred.join({ take: () => this.#take() })
  }

  /** Remembers the origin of a finished sign-in, in one call with other deferred writes. */
  async remember(signIn: SignInOrigin, context: RequestContext, after: AfterRemembering): Promise<void> {
    const reference = await this.#referenceTo(signIn, context)
    this.#pending.push({ ...reference, now: context.now, context, after })
    this.#deferred.schedule(context)
  }

  async #take(): Promise<DeferredPart | null> {
    const pending = this.#pending.splice(0)
    if (pending.length === 0) return null
    return {
      what: `known_origins (${pending.length})`,
      statements: this.#store.remembering(pending),
      finish: (results, waitUntil) => {
        for (const [i, state] of this.#store.readStates(pending, results).entries()) {
          const one = pending[i]
          one?.after(state, { ...one.context, waitUntil })
        }
      },
    }
  }

  /** The state of the origin of a sign-in that is not finished. @throws StorageUnavailable */
  async find(signIn: SignInOrigin, context: RequestContext): Promise<OriginState> {
    return this.#store.find(await this.#referenceTo(signIn, context))
  }

  async #referenceTo(signIn: SignInOrigin, context: RequestContext): Promise<OriginReference> {
    const { subject } = signIn
    const parts = [subject, ...partsOf(signIn, context)]
    const [first, ...others] = this.#names
    const [origin, ...older] = await Promise.all([
      first.name(...parts),
      ...others.map((names) => names.name(...parts)),
    ])
    return { subject, origins: [origin, ...older] }
  }
}

/** Whether the request comes from a back end, so that it has neither the device nor the network of the user. */
export function isFromBackEnd({ client, browserId }: SignInOrigin): boolean {
  return browserId === null && isConfidential(client)
}

function partsOf(signIn: SignInOrigin, context: RequestContext): string[] {
  if (isFromBackEnd(signIn)) return ['client', signIn.client.id]
  const { browserId } = signIn
  const device = browserId === null ? ['device', context.device ?? ''] : ['browser', browserId]
  return [...device, networkOf(context)]
}

/** The network of a provider in one country. A provider gives its customers new IP addresses, but keeps its number. */
function networkOf({ asn, country, addressPrefix }: RequestContext): string {
  return asn === null ? (addressPrefix ?? country ?? '') : `AS${asn} ${country ?? ''}`
}
