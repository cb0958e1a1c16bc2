import { CallBatches } from '../lib/call_batches.ts'
import type { Market } from '../lib/market.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { callStore } from '../lib/storage_error.ts'
import type { HolderQuery } from './holder_conditions.ts'
import type { ObjectAnswer, ObjectBatch } from './object_tables_store.ts'
import type { ObjectRefresh, SessionObject } from './session_object.ts'
import type { Rotation, RotationResult, SessionRotations } from './session_rotation_store.ts'
import type { TokenLifetimes } from './session_store.ts'

export type SessionObjectNamespace = DurableObjectNamespace<SessionObject>

/** A session object, as an isolate calls it. */
export class RemoteObject {
  readonly #objects: SessionObjectNamespace
  readonly #name: string
  readonly #market: Market

  /** @param place The name of the object, and the market near which Cloudflare creates it. */
  constructor(objects: SessionObjectNamespace, { name, market }: { name: string; market: Market }) {
    this.#objects = objects
    this.#name = name
    this.#market = market
  }

  run(batch: ObjectBatch): Promise<ObjectAnswer> {
    return this.#stub().run(batch)
  }

  /**
   * The rotations of the sessions in the object, where the object checks the holder. Parallel rotations of this isolate share calls.
   *
   * @param bindingOf The binding of the further database with a user; null if the user is in the main database.
   */
  rotations(
    { refreshRetryWindowSeconds }: TokenLifetimes,
    bindingOf: (subject: string) => string | null,
  ): SessionRotations {
    const batches = new CallBatches<ObjectRefresh, RotationResult>({
      one: (refresh) => this.#stub().refresh(refresh),
      many: (refreshes) => this.#refreshAll(refreshes),
    })
    const use = (rotation: Rotation, query: HolderQuery, context: Pick<RequestContext, 'waitUntil'>) => {
      const userBinding = query.subject === null ? null : bindingOf(query.subject)
      const located = userBinding === null ? query : { ...query, userBinding }
      return callStore('session object', () =>
        batches.run({ rotation, query: located, refreshRetryWindowSeconds }, context),
      )
    }
    return { use, prepare: (now) => callStore('session object', () => this.#stub().prepare(now)) }
  }

  async #refreshAll(refreshes: ObjectRefresh[]): Promise<(RotationResult | null)[]> {
    try {
      return await this.#stub().refreshAll(refreshes)
    } catch (error) {
      // During a deployment, the object can have an older version without this method.
      if (error instanceof TypeError) return refreshes.map(() => null)
      throw error
    }
  }

  /** After some errors a stub works no more, so each call gets its own. */
  #stub() {
    return this.#objects.getByName(this.#name, { locationHint: this.#market })
  }
}
