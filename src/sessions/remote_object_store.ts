import type { Market } from '../lib/market.ts'
import { callStore } from '../lib/storage_error.ts'
import type { HolderQuery } from './holder_conditions.ts'
import type { ObjectAnswer, ObjectBatch } from './object_tables_store.ts'
import type { SessionObject } from './session_object.ts'
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
   * The rotations of the sessions in the object. Each is one call, and the object checks the holder.
   *
   * @param bindingOf The binding of the further database with a user; null if the user is in the main database.
   */
  rotations(
    { refreshRetryWindowSeconds }: TokenLifetimes,
    bindingOf: (subject: string) => string | null,
  ): SessionRotations {
    const use = (rotation: Rotation, query: HolderQuery): Promise<RotationResult> => {
      const userBinding = query.subject === null ? null : bindingOf(query.subject)
      const located = userBinding === null ? query : { ...query, userBinding }
      return callStore('session object', () =>
        this.#stub().refresh({ rotation, query: located, refreshRetryWindowSeconds }),
      )
    }
    return { use, prepare: (now) => callStore('session object', () => this.#stub().prepare(now)) }
  }

  /** After some errors a stub works no more, so each call gets its own. */
  #stub() {
    return this.#objects.getByName(this.#name, { locationHint: this.#market })
  }
}
