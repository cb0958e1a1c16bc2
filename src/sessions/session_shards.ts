import type { ShardConfig } from '../config/session_schema.ts'
import type { SessionEndingStore } from './session_ending_store.ts'
import type { SessionErasureStore } from './session_erasure_store.ts'
import type { SessionListStore } from './session_list_store.ts'
import type { SessionOpeningStore } from './session_opening_store.ts'
import type { SessionStore } from './session_store.ts'
import { generateSid, shardNameOf } from './sid.ts'

export interface Shard extends ShardConfig {
  sessions: SessionStore
  /** Opens the same sessions for authorization codes. */
  openings: SessionOpeningStore
  /** Ends the same sessions by their origin. */
  endings: SessionEndingStore
  /** Lists the same sessions for operators. */
  list: SessionListStore
  /** Erases users from the same sessions. */
  erasure: SessionErasureStore
}

/** The databases of sessions. The sid of a session names its database. */
export class SessionShards {
  readonly #shards: readonly [Shard, ...Shard[]]

  constructor([first, ...rest]: readonly Shard[]) {
    if (!first) throw new Error('config.yml has no session shard')
    this.#shards = [first, ...rest]
  }

  /** A session id for a new session, in the shard nearest to the caller. */
  newSid(continent: string | null): string {
    const nearest = this.#shards.find((shard) => continent !== null && shard.continents.includes(continent))
    return generateSid((nearest ?? this.#shards[0]).name)
  }

  /** The sessions of the shard that a sid names; null if the shard is unknown. */
  find(sid: string): SessionStore | null {
    const name = shardNameOf(sid)
    return this.#shards.find((shard) => shard.name === name)?.sessions ?? null
  }

  /** The openings of the shard that a sid names; null if the shard is unknown. */
  findOpenings(sid: string): SessionOpeningStore | null {
    const name = shardNameOf(sid)
    return this.#shards.find((shard) => shard.name === name)?.openings ?? null
  }

  /** The list of the shard that a sid names; null if the shard is unknown. */
  findList(sid: string): SessionListStore | null {
    const name = shardNameOf(sid)
    return this.#shards.find((shard) => shard.name === name)?.list ?? null
  }

  /** The endings of the shard that a sid names; null if the shard is unknown. */
  findEndings(sid: string): SessionEndingStore | null {
    const name = shardNameOf(sid)
    return this.#shards.find((shard) => shard.name === name)?.endings ?? null
  }

  all(): readonly Shard[] {
    return this.#shards
  }
}
