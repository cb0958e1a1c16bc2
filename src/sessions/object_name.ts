import { MARKETS, type Market } from '../lib/market.ts'

/** The most session objects of one market. The number in the name of an object is below it. */
export const MAX_OBJECTS_PER_MARKET = 256

/** The name of a session object: its market and its number. No name in `session_shards` has a hyphen. */
const OBJECT_NAME = new RegExp(`^(?:${MARKETS.join('|')})-(?:0|[1-9]\\d{0,2})$`)

/** The name of one of the objects of a market, by chance. @param perMarket from 1 to MAX_OBJECTS_PER_MARKET */
export function chooseObject(market: Market, perMarket: number): string {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1))
  return `${market}-${random % perMarket}`
}

/** Whether a session object can have this name. A larger or smaller `per_market` changes no name. */
export function isObjectName(name: string): boolean {
  return OBJECT_NAME.test(name) && Number(name.slice(name.indexOf('-') + 1)) < MAX_OBJECTS_PER_MARKET
}

/** The market in the name of an object; null for another name. */
export function marketOfObject(name: string): Market | null {
  return isObjectName(name) ? (MARKETS.find((market) => name.startsWith(`${market}-`)) ?? null) : null
}
