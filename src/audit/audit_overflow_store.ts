import { randomId } from '../lib/bytes.ts'
import { callStore } from '../lib/storage_error.ts'
import type { Swept } from '../storage/sweep.ts'
import { batchesOf, insertBatchesSql } from './audit_batch_store.ts'
import { toBatched } from './audit_message.ts'
import { IS_OF_SECURITY, IS_ORDINARY } from './audit_store.ts'
import { decodeEvents, type StoredAuditEvent } from './stored_event.ts'

/**
 * The event of a merge stays, because an erasure finds the guests of a user by it. So does an event of a user whose erasure is not
 * finished.
 */
const SELECT = `
  SELECT * FROM audit_events
  WHERE ((id <= (SELECT max(id) FROM audit_events) - ?1 AND ${IS_ORDINARY})
      OR (id <= (SELECT max(id) FROM audit_events) - 2 * ?1 AND ${IS_OF_SECURITY}))
    AND id > ?3 AND kind <> 'merge' AND NOT EXISTS (SELECT 1 FROM erasures WHERE erasures.subject = audit_events.subject)
  ORDER BY id LIMIT ?2`

/** Batches are inserted only if all rows still exist. */
const INSERT = insertBatchesSql(
  'json_array_length(?2) = (SELECT count(*) FROM audit_events WHERE id IN (SELECT value FROM json_each(?2)))',
)

const REMOVE = 'DELETE FROM audit_events WHERE changes() > 0 AND id IN (SELECT value FROM json_each(?))'

/** One run of the cron trigger. It has moved or kept all rows up to the id `after`. */
export interface OverflowRun {
  after: number
}

/** Moves rows of `audit_events` above a maximum to batches, whose next place is the archive. */
export class AuditOverflowStore {
  readonly #db: D1Database
  readonly #partitions: number

  constructor(db: D1Database, partitions: number) {
    this.#db = db
    this.#partitions = partitions
  }

  /**
   * Moves up to `limit` of the oldest events if there are more than `maxEvents`, as `AuditStore.sweepBeyond` removes them. A theft, a
   * revocation or a lock stays until `2 * maxEvents` newer events follow.
   *
   * @returns also the errors of corrupt events, which stay
   * @throws StorageUnavailable
   */
  async moveBeyond(maxEvents: number, limit: number, run: OverflowRun = { after: 0 }): Promise<Swept> {
    const select = this.#db.prepare(SELECT).bind(maxEvents, limit, run.after)
    const { results } = await callStore('D1 audit_events', () => select.all<{ id: number }>())
    const { events, failures } = decodeEach(results)
    const hasMore = results.length === limit
    run.after = results.at(-1)?.id ?? run.after
    if (events.length === 0) return { removed: 0, hasMore, failures }
    const ids = JSON.stringify(events.map(({ id }) => id))
    const batches = batchesOf(events.map(toRow), this.#partitions, randomId(9))
    const insert = this.#db.prepare(INSERT).bind(batches, ids)
    const remove = this.#db.prepare(REMOVE).bind(ids)
    const [, removed] = await callStore('D1 audit_batches', () => this.#db.batch([insert, remove]))
    return { removed: removed?.meta.changes ?? 0, hasMore, failures }
  }
}

function decodeEach(results: readonly unknown[]): { events: StoredAuditEvent[]; failures: unknown[] } {
  const failures: unknown[] = []
  const events = results.flatMap((row) => {
    try {
      return decodeEvents([row])
    } catch (error) {
      failures.push(error)
      return []
    }
  })
  return { events, failures }
}

function toRow(event: StoredAuditEvent) {
  const { id, at, kind, outcome, reason, api, clientId, subject, sid, addressPrefix } = event
  const { device, country, actor, actorClient, grant, change } = event
  const row = { kind, outcome, reason, api, client_id: clientId, subject, sid, address_prefix: addressPrefix }
  const rest = { device, country, actor, actor_client: actorClient, grant }
  return toBatched({ id, at, ...row, ...rest, change: change === null ? null : JSON.stringify(change) })
}
