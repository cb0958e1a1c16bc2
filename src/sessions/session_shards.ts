import type { ShardConfig } from '../config/session_schema.ts'
import type { Location } from '../lib/market.ts'
import type { SessionEndingStore } from './session_ending_store.ts'
import type { SessionGroup, SessionStores } from './session_group.ts'
import type { SessionListStore } from './session_list_store.ts'
import type { SessionObjects } from './session_objects.ts'
import type { SessionOpeningStore } from './session_opening_store.ts'
import type { SessionRotations } from './session_rotation_store.ts'
import type { SessionStore } from './session_store.ts'
import { generateSid, shardNameOf } from './sid.ts'

export interface Shard extends ShardConfig, SessionStores {}

/** The databases and the objects of sessions. The sid of a session names its database or its object. */
export class SessionShards {
  readonly #shards: readonly [Shard, ...Shard[]]
  readonly #objects: SessionObjects | null
  readonly #groups: readonly SessionGroup[]

  /** @param objects Null if config.yml has no `session_objects`. */
  constructor([first, ...rest]: readonly Shard[], objects: SessionObjects | null) {
    if (!first) throw new Error('config.yml has no session shard')
    this.#shards = [first, ...rest]
    this.#objects = objects
    const groups = this.#shards.map((shard) => ({
      ...shard,
      has: (sid: string) => shardNameOf(sid) === shard.name,
    }))
    this.#groups = objects === null ? groups : [...groups, objects.group]
  }

  /** A session id for a new session: in an object near the caller, or in the shard nearest to the caller. */
  newSid(location: Location): string {
    const { continent } = location
    const nearest = this.#shards.find((shard) => continent !== null && shard.continents.includes(continent))
    return generateSid(this.#objects?.choose(location) ?? (nearest ?? this.#shards[0]).name)
  }

  /** The sessions of the shard or object that a sid names; null if it is unknown. */
  find(sid: string): SessionStore | null {
    return this.#stores(sid)?.sessions ?? null
  }

  /** The rotations of the shard or object that a sid names; null if it is unknown. */
  findRotations(sid: string): SessionRotations | null {
    return this.#stores(sid)?.rotations ?? null
  }

  /** The openings of the shard or object that a sid names; null if it is unknown. */
  findOpenings(sid: string): SessionOpeningStore | null {
    return this.#stores(sid)?.openings ?? null
  }

  /** The list of the shard or object that a sid names; null if it is unknown. */
  findList(sid: string): SessionListStore | null {
    return this.#stores(sid)?.list ?? null
  }

  /** The endings of the shard or object that a sid names; null if it is unknown. */
  findEndings(sid: string): SessionEndingStore | null {
    return this.#stores(sid)?.endings ?? null
  }

  /** Every session: a group for each shard, and one for all session objects. */
  all(): readonly SessionGroup[] {
    return this.#groups
  }

  /** The shards, which are databases. A session object removes its expired sessions itself. */
  databases(): readonly Shard[] {
    return this.#shards
  }

  #stores(sid: string): SessionStores | null {
    const name = shardNameOf(sid)
    return this.#shards.find((shard) => shard.name === name) ?? this.#objects?.find(name) ?? null
  }
}
