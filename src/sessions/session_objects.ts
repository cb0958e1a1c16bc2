import type { Location, Market } from '../lib/market.ts'
import { marketOf } from '../lib/market.ts'
import { ObjectGroup } from './object_group.ts'
import { chooseObject, marketOfObject } from './object_name.ts'
import type { SessionGroup, SessionStores } from './session_group.ts'
import type { SessionIndexStore } from './session_index_store.ts'

interface Dependencies {
  /** The objects of each market that get new sessions; 0: new sessions go to the shards. */
  perMarket: number
  index: SessionIndexStore
  /** Creates the stores of an object. Cloudflare creates the object near the market. */
  open(place: { name: string; market: Market }): SessionStores
}

/** The session objects near the markets. The sid of a session names its object, so an object needs no binding of its own. */
export class SessionObjects {
  /** The sessions of all objects. */
  readonly group: SessionGroup
  readonly #dependencies: Dependencies
  /** The stores of the objects that this isolate has used. There are at most 2304 names. */
  readonly #opened = new Map<string, SessionStores>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.group = new ObjectGroup({ index: dependencies.index, findObject: (name) => this.find(name) })
  }

  /** The name of an object for a new session; null if new sessions go to the shards. */
  choose(location: Location): string | null {
    const { perMarket } = this.#dependencies
    return perMarket === 0 ? null : chooseObject(marketOf(location), perMarket)
  }

  /** The stores of the object with a name; null if no object can have the name. */
  find(name: string): SessionStores | null {
    const opened = this.#opened.get(name)
    if (opened) return opened
    const market = marketOfObject(name)
    if (market === null) return null
    const stores = this.#dependencies.open({ name, market })
    this.#opened.set(name, stores)
    return stores
  }
}
