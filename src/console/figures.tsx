import { FAILURE_CAUSES, type FailureCause } from '../oauth/failure_cause.ts'
import type { Query } from './admin_client.ts'
import { auditPathOf } from './audit_path.ts'
import { intervalOf } from './chart.tsx'
import { formatComparison, formatCount } from './format.ts'
import { Link, Moment, Section } from './parts.tsx'
import { hasPrevious, type Series, type Statistics } from './statistics_series.ts'
import { Table } from './table.tsx'

/** The numbers of the charts as a table, with a link to the audit events of each number. */
export function Figures({ series }: { series: readonly Series[] }) {
  const titles = series.map(({ title }) => title)
  const [first] = series
  if (first === undefined) return null
  const busy = first.times.flatMap((at, i) => (series.some(({ values }) => values[i]) ? [{ at, i }] : []))
  return (
    <Table
      caption="Numbers by time. Intervals without events are omitted"
      columns={['From', ...titles]}
      numbers={titles}
      isScrolled
      rows={[
        ['Total', ...series.map(({ total }) => formatCount(total))],
        ...(first.previous === null
          ? []
          : [['Previous period', ...series.map(({ previous }) => formatCount(previous ?? 0))]]),
        ...busy.map(({ at, i }) => [
          <Link to={auditPathOf({}, intervalOf(first, i))}>
            <Moment at={at} />
          </Link>,
          ...series.map((one) => <Figure series={one} index={i} />),
        ]),
      ]}
    />
  )
}

function Figure({ series, index }: { series: Series; index: number }) {
  const value = series.values[index] ?? 0
  if (value === 0) return <>0</>
  return <Link to={auditPathOf(series.filter, intervalOf(series, index))}>{formatCount(value)}</Link>
}

const SIGN_IN: Query = { kind: 'sign_in_failure' }
const REFRESH: Query = { kind: 'refresh_refused' }
const BOTH: Query = { outcome: 'refused' }

/** The title of each cause, and the filter of its audit events. */
const CAUSES: Readonly<Record<FailureCause, readonly [title: string, filter: Query]>> = {
  unknown_user: ['Unknown or deleted user', BOTH],
  wrong_password: ['Wrong password', SIGN_IN],
  locked_user: ['Locked account', SIGN_IN],
  disabled_user: ['Disabled user', BOTH],
  malformed_credentials: ['Malformed username or password', SIGN_IN],
  expired_token: ['Expired refresh token or code', BOTH],
  ended_session: ['Session had already ended', REFRESH],
  replayed_token: ['Refresh token or code used again (theft)', BOTH],
  foreign_token: ['Refresh token or code of another client', BOTH],
  invalid_token: ['Invalid refresh token or code', BOTH],
  other: ['Another cause', BOTH],
}

/** The failures of the period by cause, the most frequent cause first. */
export function FailureCauses({ statistics }: { statistics: Statistics }) {
  const { from, to, total, previous } = statistics
  const isCompared = hasPrevious(statistics)
  const causes = FAILURE_CAUSES.map((cause) => ({
    cause,
    total: countOf(total, cause),
    previous: isCompared ? countOf(previous.total, cause) : null,
  }))
  const seen = causes.filter((count) => count.total > 0 || (count.previous ?? 0) > 0)
  return (
    <Section id="causes" title="Failures by cause">
      {seen.length === 0 ? <p class="soft">No failures.</p> : null}
      <ol class="causes">
        {seen
          .sort((a, b) => b.total - a.total)
          .map(({ cause, ...count }) => {
            const [title, filter] = CAUSES[cause]
            return (
              <li>
                <Link to={auditPathOf(filter, { from, to })}>{title}</Link>
                <strong>{formatCount(count.total)}</strong>
                <span class="soft">{formatComparison(count)}</span>
              </li>
            )
          })}
      </ol>
    </Section>
  )
}

/** The failures of a cause. Failures that an older version counted without a cause count as `other`. */
function countOf({ failures, failures_by_cause: byCause }: Statistics['total'], cause: FailureCause): number {
  const count = byCause[cause] ?? 0
  if (cause !== 'other') return count
  return count + failures - Object.values(byCause).reduce((sum, known) => sum + known, 0)
}
