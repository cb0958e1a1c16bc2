/**
 * The assumptions of the model of places: where the shoppers and the stores are, and how long a call takes. All times are
 * milliseconds. `p99` is the 99th percentile.
 */

export interface Delay {
  p50: number
  p99: number
}

/** A place of shoppers. The Worker runs in the same place. All round trips are in milliseconds. */
export interface Market {
  name: string
  /** Cloudflare's `request.cf.continent`. */
  continent: string
  /** From the Worker to the primary in Frankfurt. */
  toPrimaryMs: number
  /** From the Worker to the nearest place that has D1 databases and Durable Objects. */
  toNearestMs: number
  /** From that place to the primary. */
  nearestToPrimaryMs: number
}

/** A market with databases and objects in the same place. */
const equipped = (name: string, continent: string, toPrimaryMs: number): Market => ({
  name,
  continent,
  toPrimaryMs,
  toNearestMs: 0,
  nearestToPrimaryMs: toPrimaryMs,
})

const NEW_YORK = equipped('New York', 'NA', 97)

export const MARKETS: readonly Market[] = [
  equipped('Frankfurt', 'EU', 0),
  NEW_YORK,
  // South America has no D1 databases and no Durable Objects. Those of its shoppers are in Eastern North America.
  {
    name: 'São Paulo',
    continent: 'SA',
    toPrimaryMs: 201,
    toNearestMs: 121,
    nearestToPrimaryMs: NEW_YORK.toPrimaryMs,
  },
  equipped('Singapore', 'AS', 179),
  equipped('Sydney', 'OC', 291),
]

/** The p99 of a round trip between two places, as a multiple of its p50. */
export const TRIP_TAIL = 1.2

/** A call of a D1 database or of an object in the same place, without the confirmation of a write. */
export const CALL: Delay = { p50: 15, p99: 60 }

/** The confirmation that a write is stored on several machines. A call that writes waits for it. */
export const CONFIRMATION: Delay = { p50: 12, p99: 40 }

/** A read of KV by an isolate that has no copy. */
export const KV_READ: Delay = { p50: 30, p99: 250 }

/** The mean interval between two requests at one isolate, in seconds. Requests arrive at random (a Poisson process). */
export const TRAFFIC = { busy: 2, quiet: 60 } as const

export type Traffic = keyof typeof TRAFFIC

/** The share of requests that reach a new isolate, in addition to those after a long pause. */
export const NEW_ISOLATES = 0.01

/**
 * The states of an isolate, by the pause since its last request. `afterSeconds`: the state begins after this pause
 * (src/storage/copy_ages.ts). `pauseSeconds`: the pause in the model.
 */
export const ISOLATE_STATES = {
  /** It uses its copies. */
  warm: { afterSeconds: 0, pauseSeconds: 1 },
  /** It waits for the list of changed records. */
  paused: { afterSeconds: 5, pauseSeconds: 6 },
  /** The lists of a session object are outdated too. It reads them at the same time. */
  resting: { afterSeconds: 30, pauseSeconds: 40 },
  /** It is new, or it has no copy that it may use. The model uses a new isolate. */
  cold: { afterSeconds: 90, pauseSeconds: 40 },
} as const

export type IsolateState = keyof typeof ISOLATE_STATES

/** The share of requests for each state of their isolate. */
export function sharesOf(traffic: Traffic): Record<IsolateState, number> {
  const { paused, resting, cold } = ISOLATE_STATES
  const atLeast = ({ afterSeconds }: { afterSeconds: number }) =>
    (1 - NEW_ISOLATES) * Math.exp(-afterSeconds / TRAFFIC[traffic])
  return {
    warm: 1 - NEW_ISOLATES - atLeast(paused),
    paused: atLeast(paused) - atLeast(resting),
    resting: atLeast(resting) - atLeast(cold),
    cold: atLeast(cold) + NEW_ISOLATES,
  }
}

/** A page that has the figure of an assumption, or from which it follows. */
const SOURCES = {
  trips: 'https://learn.microsoft.com/en-us/azure/networking/azure-network-latency',
  hints: 'https://developers.cloudflare.com/durable-objects/reference/data-location/',
  d1Hints: 'https://developers.cloudflare.com/d1/configuration/data-location/',
  replicas: 'https://developers.cloudflare.com/d1/best-practices/read-replication/',
  call: 'https://github.com/jldec/getcolo-do',
  confirmation: 'https://lumenize.com/blog/what-i-got-wrong-about-do-throughput',
  kv: 'https://developers.cloudflare.com/kv/concepts/how-kv-works/',
  isolates: 'https://blog.cloudflare.com/eliminating-cold-starts-2-shard-and-conquer/',
} as const

/** The table of docs/performance.md: the assumption, its value, its basis. */
export function assumptionRows(): string[][] {
  const delay = ({ p50, p99 }: Delay) => `${p50}, p99 ${p99}`
  const trips = MARKETS.filter(({ toPrimaryMs }) => toPrimaryMs > 0)
  const farthest = MARKETS.find(({ toNearestMs }) => toNearestMs > 0)
  return [
    ...trips.map(({ name, toPrimaryMs }) => [
      `round trip from ${name} to Frankfurt`,
      `${toPrimaryMs}`,
      `measured: [p95 between Azure regions](${SOURCES.trips})`,
    ]),
    [
      `round trip from ${farthest?.name} to the nearest objects and databases`,
      `${farthest?.toNearestMs}`,
      `measured, as above; none is in South America ([objects](${SOURCES.hints}), [D1](${SOURCES.d1Hints}))`,
    ],
    ['p99 of a round trip', `${TRIP_TAIL} times the p50`, 'assumed'],
    [
      'a call of an object or of a D1 database in the same place',
      delay(CALL),
      `p50 measured: [10 to 27 ms in four places](${SOURCES.call}); p99 assumed`,
    ],
    [
      'the confirmation of a write',
      delay(CONFIRMATION),
      `p50 measured: [10 to 13 ms](${SOURCES.confirmation}); p99 assumed`,
    ],
    ['a D1 replica', 'in each place with D1', `documented: [one in each region](${SOURCES.replicas})`],
    ['a read of KV', delay(KV_READ), `assumed: [the place may have to ask another](${SOURCES.kv})`],
    [
      'requests at a new isolate',
      `${100 * NEW_ISOLATES} %`,
      `assumed; Cloudflare reports [0.01 %](${SOURCES.isolates}) for large customers`,
    ],
    [
      'seconds between requests at one isolate',
      `${TRAFFIC.busy} if busy, ${TRAFFIC.quiet} if quiet`,
      'assumed',
    ],
  ]
}
