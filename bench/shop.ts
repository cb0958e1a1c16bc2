// The assumptions about a shop. Change them and run the benchmark to update docs/cost.md.

/** The number of requests in a month, by operation. */
export type Habits = Readonly<Record<string, number>>

/** The settings of `session_objects` and `audit_archive`. */
export interface LargeStores {
  /** All session objects: `per_market` in each market. */
  objects: number
  partitions: number
  hotHours: number
  /** `audit_databases`; 0: the events are in the main database. */
  databases: number
  /** `index_databases`; 0: the index of the sessions is in the main database. */
  indexDatabases: number
}

export interface Shop {
  visitors: number
  /** Instances of the APIs, each with a verifier that polls the feed, and of the services that call them. */
  instances: number
  /** Isolates of the Worker at any moment, in all locations. */
  isolates: number
  accessTokenSeconds: number
  /** The number of accounts for each visitor of a month. */
  accounts: number
  /** The requests of a visitor in a month. */
  visitor: Habits
  /** Null for a shop with one database. */
  large: LargeStores | null
}

/** The requests of a visitor. A browser sends a preflight before each. */
const VISITOR: Habits = {
  'guest token': 1,
  'first refresh': 0.5,
  refresh: 1.4,
  'sign-in of a guest': 0.1,
  'failed sign-in': 0.02,
  revocation: 0.03,
}

/** The requests of a visitor if an access token lives ten minutes. */
const VISITOR_WITH_SHORT_TOKENS: Habits = { ...VISITOR, 'first refresh': 0.7, refresh: 2.5 }

/** The requests of an API instance: the feed every ten seconds, the keys every five minutes, a token every hour. */
export const INSTANCE: Habits = { 'revocation feed, read anew': 259_200, JWKS: 8640, 'machine token': 720 }

/** The operations that issue a token. */
export const TOKENS = ['machine token', 'guest token', 'first refresh', 'refresh', 'sign-in of a guest']

/** The operations that end a session. */
export const ENDINGS = ['sign-in of a guest', 'revocation']

/** The operations that add a feed entry. Guests are not listed. */
export const LISTED = ['revocation']

/** The maximum number of feed entries. */
export const MAX_FEED_ENTRIES = 10_000

/** The fraction of the list that a poll reads: the entries of ten seconds, and the whole list each quarter of an hour. */
export const FEED_READ_SHARE = 10 / 3600 + 10 / 900

const MIDDLE = {
  visitors: 1_000_000,
  instances: 20,
  isolates: 100,
  accounts: 0.3,
  accessTokenSeconds: 3600,
  visitor: VISITOR,
}

export const SHOPS: readonly Shop[] = [
  { ...MIDDLE, visitors: 10_000, instances: 3, isolates: 10, large: null },
  { ...MIDDLE, large: null },
  { ...MIDDLE, large: { objects: 4, partitions: 1, hotHours: 72, databases: 0, indexDatabases: 0 } },
  {
    ...MIDDLE,
    visitors: 10_000_000,
    instances: 60,
    isolates: 300,
    large: { objects: 8, partitions: 16, hotHours: 24, databases: 0, indexDatabases: 0 },
  },
  {
    visitors: 100_000_000,
    instances: 300,
    isolates: 1000,
    accounts: 0.15,
    accessTokenSeconds: 600,
    visitor: VISITOR_WITH_SHORT_TOKENS,
    large: { objects: 32, partitions: 16, hotHours: 2, databases: 4, indexDatabases: 5 },
  },
]

/** The sizes of the counted deliveries of audit events. A delivery has at most 100 messages. */
export const DELIVERIES = [1, 5, 10, 50, 100]

/** The bytes of a block of an object in R2, and of its entry in `audit_archives`: a subject and an offset. */
export const BLOCK_BYTES = 65_536
export const BLOCK_ENTRY_BYTES = 60

/** The most events of an object in R2. */
export const EVENTS_OF_AN_OBJECT = 20_000

/** The time between two runs of the alarm of a session object that has new sessions. */
export const ALARM_SECONDS = 5

/** `max_batch_timeout` of the queue in wrangler.toml. */
export const DELIVERY_SECONDS = 5

/** The rate of the busiest hour of the month, divided by the average. */
export const PEAK = 10

export const AUDIT_DAYS = 90
export const MONTH_SECONDS = 30 * 86_400

/** The time that D1 needs for a call that writes, and for one that reads, as Cloudflare states, in milliseconds. */
export const WRITE_MS = 5
export const READ_MS = 1

/** The bytes of a feed entry in the JWT, measured by `npm run bench -- feed`. */
export const FEED_ENTRY_BYTES = 75
