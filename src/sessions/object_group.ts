import type { PageQuery } from '../lib/list_page.ts'
import type { Erasure } from '../users/erasure_store.ts'
import type { IndexPlace } from './index_database_store.ts'
import type { SessionEndingStore } from './session_ending_store.ts'
import type { SessionGroup, SessionStores } from './session_group.ts'
import type { SessionIndexStore } from './session_index_store.ts'
import type { SessionOwner, StoredSession } from './session_list_store.ts'
import { shardNameOf } from './sid.ts'

/** The most pairs of an object and an erased user that one call erases. */
const MAX_ERASED = 100

/** An index row without a session is removed from this age on, in seconds. Its code expired minutes ago, so no retry opens the session. */
const OPENED_AGAIN_SECONDS = 600

type EndBegun = Parameters<SessionEndingStore['endBegun']>

interface Dependencies {
  index: SessionIndexStore
  /** The stores of the object with a name; null if no object can have the name. */
  findObject(name: string): SessionStores | null
}

/** The sessions of all session objects as one group. The index in D1 names the objects, and each object reads its own rows. */
export class ObjectGroup implements SessionGroup {
  readonly list = {
    findMany: (sids: readonly string[]) => this.#findMany(sids),
    list: (owner: SessionOwner, page: PageQuery, now: number) => this.#list(owner, page, now),
    listSids: (owner: SessionOwner, limit: number) => this.#dependencies.index.listSids(owner, limit),
  }
  readonly endings = { endBegun: (...ending: EndBegun) => this.#endBegun(...ending) }
  readonly erasure = {
    erase: (erasures: readonly Erasure[], limit: number, failed: Map<string, unknown>) =>
      this.#erase(erasures, limit, failed),
  }
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  has(sid: string): boolean {
    return this.#dependencies.findObject(shardNameOf(sid)) !== null
  }

  async #findMany(sids: readonly string[]): Promise<StoredSession[]> {
    const byObject = Map.groupBy(sids, shardNameOf)
    const found = [...byObject].map(
      ([name, own]) => this.#dependencies.findObject(name)?.list.findMany(own) ?? [],
    )
    return (await Promise.all(found)).flat()
  }

  /**
   * Reads until it has enough sessions, because the index can have a session that its object no longer has. It removes such rows,
   * but not a new one: a retry of a failed exchange may open its session at this moment.
   */
  async #list(owner: SessionOwner, page: PageQuery, now: number): Promise<StoredSession[]> {
    const { index } = this.#dependencies
    const listed: StoredSession[] = []
    let next: PageQuery | null = page
    while (next !== null) {
      const places = await index.list(owner, next)
      const rows = new Map((await this.#findMany(places.map(({ sid }) => sid))).map((row) => [row.sid, row]))
      listed.push(...places.flatMap(({ sid }) => rows.get(sid) ?? []))
      const isStale = ({ sid, startedAt }: IndexPlace) =>
        !rows.has(sid) && startedAt + OPENED_AGAIN_SECONDS <= now
      await index.change({ added: [], removed: places.filter(isStale).map(({ sid }) => sid) })
      const last = places.at(-1)
      const isComplete = places.length <= page.limit || listed.length > page.limit
      next = isComplete || !last ? null : { ...page, from: [last.startedAt, last.sid] }
    }
    return listed.slice(0, page.limit + 1)
  }

  async #endBegun(...[origin, ending, now]: EndBegun): Promise<string[]> {
    const { index, findObject } = this.#dependencies
    const objects = (await index.findObjects(origin)).map((name) => findObject(name))
    const ended = objects.map((stores) => stores?.endings.endBegun(origin, ending, now) ?? [])
    return (await Promise.all(ended)).flat()
  }

  /**
   * The index has the id of a user until every session of the user in the object has the pseudonym. Objects that fail are left out
   * of later calls, because their users could otherwise be all the users of each call.
   */
  async #erase(erasures: readonly Erasure[], limit: number, failed: Map<string, unknown>): Promise<number> {
    if (erasures.length === 0) return 0
    const { index, findObject } = this.#dependencies
    const places = await index.findErased({ erasures, without: [...failed.keys()] }, MAX_ERASED)
    const calls = [...Map.groupBy(places, ({ object }) => object)].map(async ([object, own]) => {
      try {
        const count = (await findObject(object)?.erasure.erase(own, limit)) ?? 0
        return { count, replaced: count < limit ? own : [] }
      } catch (error) {
        failed.set(object, error)
        return { count: 0, replaced: [] }
      }
    })
    const done = await Promise.all(calls)
    await index.erase(done.flatMap(({ replaced }) => replaced))
    const sum = done.reduce((total, { count }) => total + count, 0)
    return places.length === MAX_ERASED ? limit : sum
  }
}
