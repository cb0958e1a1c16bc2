// What is assumed of a shop. Put in your own and run the bench: docs/cost.md follows.

/** How often in a month, by the names of the operations. */
export type Habits = Readonly<Record<string, number>>

export interface Shop {
  visitors: number
  /** Instances of its APIs, each with a verifier that polls the feed, and of the services that call them. */
  instances: number
  /** Isolates of the Worker that run at any moment, in all locations. */
  isolates: number
}

/** What a visitor does. A browser asks by a preflight before each. */
export const VISITOR: Habits = {
  'guest token': 1,
  'first refresh': 0.5,
  refresh: 1.4,
  'sign-in of a guest': 0.1,
  'failed sign-in': 0.02,
  revocation: 0.03,
}

/** What an instance of an API does: the feed every ten seconds, the keys every five minutes, a token every hour. */
export const INSTANCE: Habits = { 'revocation feed, read anew': 259_200, JWKS: 8640, 'machine token': 720 }

/** What gives somebody a token. */
export const TOKENS = ['machine token', 'guest token', 'first refresh', 'refresh', 'sign-in of a guest']

/** What ends a session. */
export const ENDINGS = ['sign-in of a guest', 'revocation']

/** What the feed lists for as long as an access token lives: guests are not listed. */
export const LISTED = ['revocation']

/** The most that the feed lists. */
export const MAX_FEED_ENTRIES = 10_000

/** The part of the list that a poll reads: what was added in ten seconds of an hour, and all of it each quarter of an hour. */
export const FEED_READ_SHARE = 10 / 3600 + 10 / 900

export const SHOPS: readonly Shop[] = [
  { visitors: 10_000, instances: 3, isolates: 10 },
  { visitors: 1_000_000, instances: 20, isolates: 100 },
  { visitors: 100_000_000, instances: 300, isolates: 1000 },
]

/** How much more a second than on average there is in the busiest hour of the month. */
export const PEAK = 10

/** Accounts to each visitor of a month. */
export const ACCOUNTS = 0.3

export const AUDIT_DAYS = 90
export const ACCESS_TOKEN_SECONDS = 3600
export const MONTH_SECONDS = 30 * 86_400

/** How long D1 is busy with a call that writes, and with one that reads: what Cloudflare says of them, in milliseconds. */
export const WRITE_MS = 5
export const READ_MS = 1

/** Of an entry of the feed, in the text of the JWT: `npm run bench -- feed`. */
export const FEED_ENTRY_BYTES = 75
