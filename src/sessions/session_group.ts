import type { PageQuery } from '../lib/list_page.ts'
import type { Erasure } from '../users/erasure_store.ts'
import type { SessionEndingStore } from './session_ending_store.ts'
import type { SessionErasureStore } from './session_erasure_store.ts'
import type { SessionListStore, SessionOwner, StoredSession } from './session_list_store.ts'
import type { SessionOpeningStore } from './session_opening_store.ts'
import type { SessionRotations } from './session_rotation_store.ts'
import type { SessionStore } from './session_store.ts'

/** The stores of the sessions in one database. */
export interface SessionStores {
  sessions: SessionStore
  /** Uses the refresh tokens of the same sessions. */
  rotations: SessionRotations
  /** Opens the same sessions for authorization codes. */
  openings: SessionOpeningStore
  /** Ends those of the same sessions that began in a browser session or with a consent. */
  endings: SessionEndingStore
  /** Lists the same sessions for operators. */
  list: SessionListStore
  /** Erases users from the same sessions. */
  erasure: SessionErasureStore
}

/** The sessions of one shard, or of all session objects. */
export interface SessionGroup {
  /** Whether the group can have a session with this sid. */
  has(sid: string): boolean
  list: Pick<SessionListStore, 'findMany' | 'listSids'> & {
    /** As `SessionListStore.list`. The group of all objects also removes old index rows of sessions that no longer exist. */
    list(owner: SessionOwner, page: PageQuery, now: number): Promise<StoredSession[]>
  }
  endings: Pick<SessionEndingStore, 'endBegun'>
  erasure: {
    /**
     * As `SessionErasureStore.erase`. The group of all objects leaves out the objects that have failed.
     *
     * @param failed The errors of objects in this run, by the name of the object. The call adds to it.
     */
    erase(erasures: readonly Erasure[], limit: number, failed: Map<string, unknown>): Promise<number>
  }
}
