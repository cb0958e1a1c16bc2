import { FAILURE_CAUSES, type FailureCause } from '../oauth/failure_cause.ts'
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

/** The title of each cause. The audit trail stores no causes, so the titles are no links. */
const CAUSES: Readonly<Record<FailureCause, string>> = {
  unknown_user: 'Unknown or deleted user',
  wrong_password: 'Wrong password',
  locked_user: 'Locked account',
  disabled_user: 'Disabled user',
  malformed_credentials: 'Malformed username or password',
  expired_token: 'Expired refresh token or code',
  ended_session: 'Session had already ended',
  replayed_token: 'Refresh token or code used again (theft)',
  foreign_token: 'Refresh token or code of another client',
  invalid_token: 'Invalid refresh token or code',
  other: 'Another cause',
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
    <Section
      id="causes"
      title="Failures by cause"
      aside={<Link to={auditPathOf({ outcome: 'refused' }, { from, to })}>All failures</Link>}
    >
      {seen.length === 0 ? <p class="soft">No failures.</p> : null}
      <ol class="causes">
        {seen
          .sort((a, b) => b.total - a.total)
          .map(({ cause, ...count }) => (
            <li>
              {CAUSES[cause]}
              <strong>{formatCount(count.total)}</strong>
              <span class="soft">{formatComparison(count)}</span>
            </li>
          ))}
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
