import { describeError, log } from '../lib/log.ts'
import { callStore } from '../lib/storage_error.ts'

/** Checks each store with a small read. */
export class ReadinessStore {
  readonly #probes: Record<string, () => Promise<unknown>>

  constructor(databases: Iterable<D1Database>, kv: KVNamespace) {
    this.#probes = {
      database: () =>
        Promise.all([...databases].map((db) => db.prepare('SELECT 1 FROM sessions LIMIT 1').first())),
      kv: () => kv.get('readiness'),
    }
  }

  /** The names of the stores that do not respond. The log has the cause. */
  async findFailing(): Promise<string[]> {
    const failing = await Promise.all(
      Object.entries(this.#probes).map(async ([name, probe]) => {
        try {
          await callStore(name, probe)
          return []
        } catch (error) {
          log('error', 'not_ready', { dependency: name, cause: describeError(error) })
          return [name]
        }
      }),
    )
    return failing.flat()
  }
}
