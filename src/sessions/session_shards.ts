import type { ShardConfig } from '../config/session_schema.ts'
import type { SessionListStore } from './session_list_store.ts'
import type { SessionStore } from './session_store.ts'
import { generateSid, shardNameOf } from './sid.ts'

export interface Shard extends ShardConfig {
  sessions: SessionStore
  /** The same, as operators list them. */
  list: SessionListStore
}

/** The databases that sessions are spread over. A session stays in the one that its sid names. */
export class SessionShards {
  readonly #shards: readonly [Shard, ...Shard[]]

  constructor([first, ...rest]: readonly Shard[]) {
    if (!first) throw new Error('there is no shard')
    this.#shards = [first, ...rest]
  }

  /** A sid for a new session of a caller on that continent. */
  newSid(continent: string | null): string {
    const nearest = this.#shards.find((shard) => continent !== null && shard.continents.includes(continent))
    return generateSid((nearest ?? this.#shards[0]).name)
  }

  /** The sessions of the shard that a sid names; null where there is no such shard. */
  find(sid: string): SessionStore | null {
    const name = shardNameOf(sid)
    return this.#shards.find((shard) => shard.name === name)?.sessions ?? null
  }

  /** The list of the shard that a sid names; null where there is no such shard. */
  findList(sid: string): SessionListStore | null {
    const name = shardNameOf(sid)
    return this.#shards.find((shard) => shard.name === name)?.list ?? null
  }

  all(): readonly Shard[] {
    return this.#shards
  }
}
