import type * as z from 'zod/mini'
import type { statisticsSchema } from '../admin/statistics.ts'
import type { Query } from './admin_client.ts'

export type Statistics = z.output<typeof statisticsSchema>

/** One count over time. */
export interface Series {
  title: string
  /** The counted thing, such as `token`. */
  unit: string
  total: number
  /** The number in the previous period; null if it was not counted. */
  previous: number | null
  /** One value for each bucket, the newest last. */
  values: readonly number[]
  /** The start of each bucket, in Unix seconds. */
  times: readonly number[]
  bucketSeconds: number
  /** The value of the highest column. Charts in one row share it. */
  max: number
  tone: 'plain' | 'bad'
  /** The filter of the audit events that the series counts. */
  filter: Query
}

type CountName = Exclude<keyof Statistics['total'], 'tokens' | 'failures_by_cause' | 'thefts'>
type Labels = Pick<Series, 'title' | 'unit' | 'tone' | 'filter'>

const ACTIVE = { title: 'Active sessions', unit: 'session', tone: 'plain', filter: {} } as const
const FAILURES = { title: 'Failures', unit: 'failure', tone: 'bad', filter: { outcome: 'refused' } } as const

/** The dashboard shows these series if config.yml names a service for known breaches. */
const BREACHES = [
  ['breached_passwords', 'Breached passwords', 'breached_password'],
  ['unchecked_passwords', 'Unchecked passwords', 'unchecked_password'],
] as const

/**
 * The series of the dashboard: the tokens of each grant, then the other counts. The grants share one scale, so that a reader
 * can compare their charts.
 */
export function seriesOf(statistics: Statistics, hasBreaches: boolean): Series[] {
  return [
    ...grantSeriesOf(statistics),
    countSeriesOf(statistics, 'active_sessions', ACTIVE),
    countSeriesOf(statistics, 'failures', FAILURES),
    ...(hasBreaches ? BREACHES : []).map(([name, title, kind]) =>
      countSeriesOf(statistics, name, { title, unit: 'password', tone: 'bad', filter: { kind } }),
    ),
  ]
}

/** Whether all of the previous period was counted. */
export function hasPrevious({ counted_since: since, previous }: Statistics): boolean {
  return since !== null && since <= previous.from
}

function grantSeriesOf(statistics: Statistics): Series[] {
  const { total, buckets, previous } = statistics
  const valuesOf = (grant: string) => buckets.map(({ tokens }) => tokens[grant] ?? 0)
  const grants = Object.keys(total.tokens)
  const max = Math.max(1, ...grants.flatMap(valuesOf))
  return grants.map((grant) => ({
    ...timesOf(statistics),
    title: formatName(grant),
    unit: 'token',
    tone: 'plain',
    filter: { grant, outcome: 'ok' },
    total: total.tokens[grant] ?? 0,
    previous: hasPrevious(statistics) ? (previous.total.tokens[grant] ?? 0) : null,
    values: valuesOf(grant),
    max,
  }))
}

function countSeriesOf(statistics: Statistics, name: CountName, labels: Labels): Series {
  const { total, buckets, previous } = statistics
  const values = buckets.map((bucket) => bucket[name])
  return {
    ...timesOf(statistics),
    ...labels,
    total: total[name],
    previous: hasPrevious(statistics) ? previous.total[name] : null,
    values,
    max: Math.max(1, ...values),
  }
}

function timesOf({ buckets, bucket_seconds: bucketSeconds }: Statistics) {
  return { times: buckets.map(({ at }) => at), bucketSeconds }
}

/** `Client credentials` for `client_credentials`. */
export function formatName(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
