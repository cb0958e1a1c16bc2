/** The markets of shoppers: the location hints of Cloudflare for Durable Objects. */
export const MARKETS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const
export type Market = (typeof MARKETS)[number]

/** The market of a caller whose continent is not known. */
export const DEFAULT_MARKET: Market = 'enam'

/** The facts of Cloudflare about the location of a caller (`request.cf`). `longitude` is in degrees, east is positive. */
export interface Location {
  continent: string | null
  longitude: number | null
}

/** A continent: its market, and another market west of a longitude in degrees. */
type Division = readonly [market: Market, west?: { of: number; market: Market }]

const CONTINENTS: Readonly<Record<string, Division>> = {
  AF: ['afr'],
  AS: ['apac', { of: 60, market: 'me' }],
  EU: ['weur'],
  NA: ['enam', { of: -100, market: 'wnam' }],
  OC: ['oc'],
  SA: ['sam'],
}

/** Europe has its second market in the east. */
const EASTERN_EUROPE_DEGREES = 20

/** The market of a caller. Without a longitude, it is the market of the continent. */
export function marketOf({ continent, longitude }: Location): Market {
  if (continent === 'EU' && longitude !== null && longitude >= EASTERN_EUROPE_DEGREES) return 'eeur'
  const [market, west] = CONTINENTS[continent ?? ''] ?? [DEFAULT_MARKET]
  return west && longitude !== null && longitude < west.of ? west.market : market
}
