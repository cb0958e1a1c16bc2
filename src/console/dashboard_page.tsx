import { statisticsSchema } from '../admin/statistics.ts'
import { formatQuery } from './admin_client.ts'
import { eventsSchema } from './audit_page.tsx'
import { Chart, type ChartProps } from './chart.tsx'
import { CONSOLE_PATH } from './console_path.ts'
import { EventTable } from './events.tsx'
import { formatSpan } from './format.ts'
import type { Page } from './page.ts'
import { Empty, Heading, Link, Moment, Section, Table } from './parts.tsx'
import { type Statistics, seriesOf } from './statistics_series.ts'

/** The intervals of the dashboard, in minutes. */
const SPANS = [
  ['60', 'Hour'],
  ['360', '6 hours'],
  ['1440', 'Day'],
] as const

const RECENT = 12

export const dashboardPage: Page = {
  method: 'GET',
  path: '/',
  role: 'support',
  async handle({ admin, query, now, config }) {
    const [[first]] = SPANS
    const minutes = SPANS.find(([value]) => value === query.text('minutes'))?.[0] ?? first
    const [statistics, recent] = await Promise.all([
      admin.read('/statistics', statisticsSchema, { minutes }),
      admin.read('/audit', eventsSchema, { limit: RECENT }),
    ])
    return {
      title: 'Dashboard',
      body: (
        <>
          <Heading
            title="Dashboard"
            lead={
              <>
                As of <Moment at={now} />. Reload the page for new numbers.
              </>
            }
          />
          <FullDatabases databases={statistics.databases} />
          <MergedRevocations feed={statistics.revocation_feed} />
          <Spans minutes={minutes} />
          <Charts
            series={seriesOf(statistics, config.breachedPasswords !== null)}
            bucketSeconds={statistics.bucket_seconds}
          />
          <Section id="recent" title="Recent events" aside={<Link to="/audit">All events</Link>}>
            {recent.items.length === 0 ? (
              <Empty title="No events">The first token appears here.</Empty>
            ) : (
              <EventTable events={recent.items} caption="The newest events" />
            )}
          </Section>
        </>
      ),
    }
  },
}

function FullDatabases({ databases }: Pick<Statistics, 'databases'>) {
  return databases
    .filter((database) => database.nearly_full)
    .map(({ name, bytes, limit_bytes: limit }) => (
      <p class="note warn">
        The database {name} is {Math.round(((bytes ?? 0) / limit) * 100)} % full. A full database refuses
        writes. Lower audit_max_events, or add a session shard.
      </p>
    ))
}

function MergedRevocations({ feed }: { feed: Statistics['revocation_feed'] }) {
  if (feed === null || feed.merged.length === 0) return null
  return (
    <div class="note warn">
      <p>
        The revocation feed lists {feed.entries} of {feed.max_entries} entries, and its oldest entries were
        merged. APIs refuse these access tokens:
      </p>
      <ul>
        {feed.merged.map(({ client_id: clientId, before }) => (
          <li>
            {clientId === null ? 'issued to any client' : `issued to the client ${clientId}`} before{' '}
            <Moment at={before} />
          </li>
        ))}
      </ul>
      <p>Live sessions get a new access token at their next refresh.</p>
    </div>
  )
}

function Spans({ minutes }: { minutes: string }) {
  return (
    <nav class="tabs" aria-label="Time range">
      {SPANS.map(([value, name]) => (
        <a
          class="tab"
          href={`${CONSOLE_PATH}${formatQuery({ minutes: value })}`}
          {...(value === minutes ? { 'aria-current': 'true' } : {})}
        >
          {name}
        </a>
      ))}
    </nav>
  )
}

interface ChartsProps {
  series: readonly ChartProps[]
  bucketSeconds: number
}

function Charts({ series, bucketSeconds }: ChartsProps) {
  return (
    <Section id="tokens" title={`Tokens per ${bucketSeconds === 60 ? 'minute' : formatSpan(bucketSeconds)}`}>
      <div class="charts">
        {series.map((chart) => (
          <Chart {...chart} />
        ))}
      </div>
      <Figures series={series} />
    </Section>
  )
}

/** The numbers of the charts as a table. */
function Figures({ series }: Pick<ChartsProps, 'series'>) {
  const titles = series.map(({ title }) => title)
  const times = series[0]?.times ?? []
  const rows = times.map((at, i) => ({ at, counts: series.map(({ values }) => values[i] ?? 0) }))
  const busy = rows.filter(({ counts }) => counts.some((count) => count > 0))
  return (
    <details class="figures">
      <summary>Show as a table</summary>
      <Table
        caption="Numbers by time. Intervals without events are omitted"
        columns={['From', ...titles]}
        numbers={titles}
        rows={busy.map(({ at, counts }) => [<Moment at={at} />, ...counts])}
      />
    </details>
  )
}
