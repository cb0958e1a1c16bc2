import type * as z from 'zod/mini'
import { statisticsSchema } from '../admin/statistics.ts'
import { formatQuery } from './admin_client.ts'
import { eventsSchema } from './audit_page.tsx'
import { Chart } from './chart.tsx'
import { CONSOLE_PATH } from './console_path.ts'
import { EventTable } from './events.tsx'
import { formatSpan } from './format.ts'
import type { Page } from './page.ts'
import { Empty, Heading, Link, Moment, Section, Table } from './parts.tsx'

type Statistics = z.output<typeof statisticsSchema>

/** How far back one may look. */
const SPANS = [
  ['60', 'Hour'],
  ['360', '6 hours'],
  ['1440', 'Day'],
] as const

const RECENT = 12

/** Those of tokens share one scale, so that their heights can be compared. */
const GRANTS = [
  ['password', 'Sign-ins'],
  ['guest', 'Guests'],
  ['refresh_token', 'Refreshes'],
  ['client_credentials', 'Machines'],
] as const

/** Shown where config.yml says whom to ask. */
const BREACHES = [
  ['breached_passwords', 'Breached passwords'],
  ['unchecked_passwords', 'Unchecked passwords'],
] as const

const NAMES = [
  ...GRANTS,
  ['active_sessions', 'Active sessions'],
  ['failures', 'Failures'],
  ...BREACHES,
] as const
const COUNTED = NAMES.map(([, title]) => title)

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
                As of <Moment at={now} /> UTC. Load the page again for newer figures.
              </>
            }
          />
          <FullDatabases databases={statistics.databases} />
          <MergedRevocations feed={statistics.revocation_feed} />
          <Spans minutes={minutes} />
          <Charts statistics={statistics} breaches={config.breachedPasswords === null ? [] : BREACHES} />
          <Section id="recent" title="What just happened" aside={<Link to="/audit">All events</Link>}>
            {recent.items.length === 0 ? (
              <Empty title="Nothing yet">The first token will be here.</Empty>
            ) : (
              <EventTable events={recent.items} caption="The newest events. Times are in UTC" />
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
        The database {name} is {Math.round(((bytes ?? 0) / limit) * 100)} % full. It takes no writes once it
        is full: keep fewer audit events, or add a shard for sessions.
      </p>
    ))
}

function MergedRevocations({ feed }: { feed: Statistics['revocation_feed'] }) {
  if (feed === null || feed.merged.length === 0) return null
  return (
    <div class="note warn">
      <p>
        The revocation feed lists {feed.entries} of {feed.max_entries} entries, and the oldest ones were
        merged. APIs refuse access tokens that were issued
      </p>
      <ul>
        {feed.merged.map(({ client_id: clientId, before }) => (
          <li>
            {clientId === null ? 'to any client' : `to the client ${clientId}`} before <Moment at={before} />{' '}
            UTC
          </li>
        ))}
      </ul>
      <p>Live sessions get a new access token at their next refresh.</p>
    </div>
  )
}

function Spans({ minutes }: { minutes: string }) {
  return (
    <nav class="tabs" aria-label="How far back">
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
  statistics: Statistics
  breaches: readonly (typeof BREACHES)[number][]
}

function Charts({ statistics, breaches }: ChartsProps) {
  const { total, buckets, bucket_seconds: bucketSeconds } = statistics
  const times = buckets.map(({ at }) => at)
  const valuesOf = (name: keyof typeof total) => buckets.map((bucket) => bucket[name])
  const most = Math.max(1, ...GRANTS.flatMap(([name]) => valuesOf(name)))
  return (
    <Section
      id="tokens"
      title={`Tokens, by ${bucketSeconds === 60 ? 'the minute' : formatSpan(bucketSeconds)}`}
    >
      <div class="charts">
        {GRANTS.map(([name, title]) => (
          <Chart
            title={title}
            unit="token"
            total={total[name]}
            values={valuesOf(name)}
            times={times}
            max={most}
            tone="plain"
          />
        ))}
        <Chart
          title="Active sessions"
          unit="session"
          total={total.active_sessions}
          times={times}
          values={valuesOf('active_sessions')}
          max={Math.max(1, ...valuesOf('active_sessions'))}
          tone="plain"
        />
        <Chart
          title="Failures"
          unit="refusal"
          total={total.failures}
          times={times}
          values={valuesOf('failures')}
          max={Math.max(1, ...valuesOf('failures'))}
          tone="bad"
        />
        {breaches.map(([name, title]) => (
          <Chart
            title={title}
            unit="password"
            total={total[name]}
            values={valuesOf(name)}
            times={times}
            max={Math.max(1, ...valuesOf(name))}
            tone="bad"
          />
        ))}
      </div>
      <Figures statistics={statistics} />
    </Section>
  )
}

/** What the charts show, for whoever would rather read it. */
function Figures({ statistics: { buckets } }: { statistics: Statistics }) {
  const busy = buckets.filter(({ at: _at, ...counts }) => Object.values(counts).some((count) => count > 0))
  return (
    <details class="figures">
      <summary>The figures</summary>
      <Table
        caption="Figures by time, in UTC; times without an event are left out"
        columns={['From (UTC)', ...COUNTED]}
        numbers={COUNTED}
        rows={busy.map((bucket) => [<Moment at={bucket.at} />, ...NAMES.map(([name]) => bucket[name])])}
      />
    </details>
  )
}
