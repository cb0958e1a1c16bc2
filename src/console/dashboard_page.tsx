import { eventsSchema } from '../admin/audit.ts'
import { statisticsSchema } from '../admin/statistics.ts'
import { compact } from '../lib/compact.ts'
import { Chart } from './chart.tsx'
import { CONSOLE_PATH } from './console_path.ts'
import {
  type DashboardView,
  endOfRefresh,
  pathOfRefresh,
  pathOfView,
  RANGES,
  REFRESH_SECONDS,
  readView,
  refreshStateOf,
} from './dashboard_view.ts'
import { EventTable } from './events.tsx'
import { FailureCauses, Figures } from './figures.tsx'
import { formatSpan } from './format.ts'
import type { Page } from './page.ts'
import { Empty, Heading, Link, Moment, Section, ShortTime } from './parts.tsx'
import { hasPrevious, type Series, type Statistics, seriesOf } from './statistics_series.ts'
import { Tiles } from './tiles.tsx'

const RECENT = 12

export const dashboardPage: Page = {
  method: 'GET',
  path: '/',
  role: 'support',
  async handle({ admin, query, now, config }) {
    const view = readView(query, now)
    const [statistics, recent] = await Promise.all([
      admin.read('/statistics', statisticsSchema, { minutes: view.minutes }),
      admin.read('/audit', eventsSchema, { limit: RECENT }),
    ])
    const series = seriesOf(statistics, config.breachedPasswords !== null)
    const isRefreshing = refreshStateOf(view, now) === 'on'
    return compact({
      title: 'Dashboard',
      refresh: isRefreshing ? { seconds: REFRESH_SECONDS, path: pathOfRefresh(view) } : undefined,
      body: (
        <>
          <Heading
            title="Dashboard"
            lead={<Freshness view={view} now={now} />}
            actions={<RefreshLinks view={view} />}
          />
          <FullDatabases databases={statistics.databases} />
          <MergedRevocations feed={statistics.revocation_feed} />
          <Ranges view={view} />
          <Tiles statistics={statistics} now={now} />
          <CountedSince statistics={statistics} />
          <Counts series={series} view={view} />
          <FailureCauses statistics={statistics} />
          <Section id="recent" title="Recent events" aside={<Link to="/audit">All events</Link>}>
            {recent.items.length === 0 ? (
              <Empty title="No events">The event of the first token appears here.</Empty>
            ) : (
              <EventTable events={recent.items} caption="The newest events" />
            )}
          </Section>
        </>
      ),
    })
  },
}

/** The time of the numbers, and whether the page refreshes. */
function Freshness({ view, now }: { view: DashboardView; now: number }) {
  const refreshes = {
    on: (
      <>
        The page refreshes every {REFRESH_SECONDS} s until <ShortTime at={endOfRefresh(view)} form="clock" />.
      </>
    ),
    ended: (
      <>The refresh ended, because you have not loaded the page for {formatSpan(now - view.loadedAt)}.</>
    ),
    paused: <>The refresh is paused.</>,
    table: <>The table does not refresh.</>,
  }
  return (
    <>
      As of <Moment at={now} />. {refreshes[refreshStateOf(view, now)]}
    </>
  )
}

function RefreshLinks({ view }: { view: DashboardView }) {
  const toggle = pathOfView({ ...view, isPaused: !view.isPaused })
  return (
    <>
      <Link to={pathOfView(view)}>Load again</Link>
      {view.isTable ? null : <Link to={toggle}>{view.isPaused ? 'Resume refresh' : 'Pause refresh'}</Link>}
    </>
  )
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
        The revocation feed has {feed.entries} entries of at most {feed.max_entries}, and its oldest entries
        were merged. APIs refuse these access tokens:
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

function Ranges({ view }: { view: DashboardView }) {
  return (
    <nav class="tabs" aria-label="Time range">
      {RANGES.map(([minutes, name]) => (
        <a
          class="tab"
          href={CONSOLE_PATH + pathOfView({ ...view, minutes })}
          {...(minutes === view.minutes ? { 'aria-current': 'true' } : {})}
        >
          {name}
        </a>
      ))}
    </nav>
  )
}

/** Explains missing numbers. */
function CountedSince({ statistics }: { statistics: Statistics }) {
  const { counted_since: since } = statistics
  if (since === null || hasPrevious(statistics)) return null
  return (
    <p class="soft">
      Events are counted since <Moment at={since} />, so there is no whole previous period to compare with.
    </p>
  )
}

function Counts({ series, view }: { series: readonly Series[]; view: DashboardView }) {
  const seconds = series[0]?.bucketSeconds ?? 0
  const other = pathOfView({ ...view, isTable: !view.isTable })
  return (
    <Section
      id="tokens"
      title={`Tokens per ${seconds === 60 ? 'minute' : formatSpan(seconds)}`}
      aside={<Link to={other}>{view.isTable ? 'Show as charts' : 'Show as a table'}</Link>}
    >
      {view.isTable ? (
        <Figures series={series} />
      ) : (
        <div class="charts">
          {series.map((one) => (
            <Chart series={one} />
          ))}
        </div>
      )}
    </Section>
  )
}
