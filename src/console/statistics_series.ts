import type * as z from 'zod/mini'
import type { statisticsSchema } from '../admin/statistics.ts'
import type { ChartProps } from './chart.tsx'

export type Statistics = z.output<typeof statisticsSchema>

/** The dashboard shows these series if config.yml names a service for known breaches. */
const BREACHES = [
  ['breached_passwords', 'Breached passwords'],
  ['unchecked_passwords', 'Unchecked passwords'],
] as const

/**
 * The series of the dashboard: the tokens of each grant, then the other counts. The grants share one scale, so that a reader
 * can compare their charts.
 */
export function seriesOf(statistics: Statistics, hasBreaches: boolean): ChartProps[] {
  return [
    ...grantSeriesOf(statistics),
    countSeriesOf(statistics, 'active_sessions', {
      title: 'Active sessions',
      unit: 'session',
      tone: 'plain',
    }),
    countSeriesOf(statistics, 'failures', { title: 'Failures', unit: 'refusal', tone: 'bad' }),
    ...(hasBreaches ? BREACHES : []).map(([name, title]) =>
      countSeriesOf(statistics, name, { title, unit: 'password', tone: 'bad' }),
    ),
  ]
}

function grantSeriesOf({ total, buckets }: Statistics): ChartProps[] {
  const valuesOf = (grant: string) => buckets.map(({ tokens }) => tokens[grant] ?? 0)
  const grants = Object.entries(total.tokens)
  const max = Math.max(1, ...grants.flatMap(([grant]) => valuesOf(grant)))
  return grants.map(([grant, count]) => ({
    title: formatGrant(grant),
    unit: 'token',
    tone: 'plain',
    total: count,
    values: valuesOf(grant),
    times: buckets.map(({ at }) => at),
    max,
  }))
}

function countSeriesOf(
  { total, buckets }: Statistics,
  name: Exclude<keyof Statistics['total'], 'tokens' | 'failures_by_cause'>,
  labels: Pick<ChartProps, 'title' | 'unit' | 'tone'>,
): ChartProps {
  const values = buckets.map((bucket) => bucket[name])
  const times = buckets.map(({ at }) => at)
  return { ...labels, total: total[name], values, times, max: Math.max(1, ...values) }
}

/** `Client credentials` for `client_credentials`. */
function formatGrant(grant: string): string {
  const words = grant.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
