import { BATCH_ROWS, MAX_STATEMENTS } from '../src/storage/sweep.ts'
import type { OperationCost } from './count.ts'
import {
  type Bill,
  billOf,
  dollarsPerMillion,
  type Measures,
  type Strain,
  strainOf,
  usageOf,
} from './price_model.ts'
import { dollarsBeyond, PLAN_DOLLARS, PRICED_ON, PRICES, USAGE_NAMES } from './prices.ts'
import * as shop from './shop.ts'
import { formatTable } from './tables.ts'

/** The rows that the sweep can remove in a month: statements of a run, rows of a statement, a run every five minutes. */
const SWEPT_A_MONTH = MAX_STATEMENTS * BATCH_ROWS * 12 * 720

/** The maximum size of a D1 database. */
const DATABASE_GB = 10

/** The tables of docs/cost.md, by the names of their markers. */
export function priceSections(measures: Measures): Record<string, string> {
  return {
    prices: formatPrices(),
    operations: formatOperations(measures.costs, measures),
    large_operations: formatOperations(measures.largeCosts, measures),
    assumptions: formatAssumptions(),
    bills: formatBills(shop.SHOPS.map((one) => billOf(one, measures))),
    strains: formatStrains(
      shop.SHOPS.map((one) => strainOf(one, measures)),
      measures,
    ),
  }
}

function formatPrices(): string {
  const rows = USAGE_NAMES.map((name) => {
    const { title, unit, dollars, included, source, changed } = PRICES[name]
    const each = unit === 1 ? '' : ' a million'
    return [title, `[page](${source})`, changed, `$${dollars}${each}`, short(included)]
  })
  return [
    `Prices assumed on ${PRICED_ON}; the plan is $${PLAN_DOLLARS} a month.`,
    '',
    formatTable(['billed quantity', 'source', 'page changed', 'price', 'included a month'], rows, 3),
  ].join('\n')
}

function formatOperations(costs: readonly OperationCost[], measures: Measures): string {
  const titles = [
    'operation',
    'CPU ms',
    'log events',
    'D1 rows read',
    'D1 rows written',
    'object rows written',
    'queue operations',
    '$ a million',
  ]
  const rows = costs.flatMap((cost) => {
    const usage = usageOf(cost, measures)
    // docs/performance.md does not have the time of a new operation before the next whole run.
    if (Number.isNaN(usage.cpuMs)) return []
    const { logEvents, rowsRead, rowsWritten, objectRowsWritten, queueOperations } = usage
    const numbers = [logEvents, rowsRead, rowsWritten, objectRowsWritten, queueOperations].map(String)
    return [[cost.operation, usage.cpuMs.toFixed(2), ...numbers, dollarsPerMillion(usage).toFixed(2)]]
  })
  return formatTable(titles, rows, 1)
}

function formatAssumptions(): string {
  const habits = (of: shop.Habits) => Object.entries(of).map(([name, times]) => `${times} × ${name}`)
  const rows = [
    ['an instance of an API, in a month', habits(shop.INSTANCE).join(', '), ''],
    ['the busiest hour', `${shop.PEAK} times the average`, ''],
    ['`audit_retention_days`', String(shop.AUDIT_DAYS), 'the default'],
    ['D1 is busy with a call', `${shop.WRITE_MS} ms if it writes, ${shop.READ_MS} ms if not`, 'below'],
    ...shop.SHOPS.map((one) => [
      titleOf(one),
      `${one.instances} instances of APIs, ${one.isolates} isolates of the Worker, ${one.accounts} accounts to a visitor, \`access_token_lifetime: ${one.accessTokenSeconds}\`; a visitor in a month: ${habits(one.visitor).join(', ')}`,
      describeStores(one),
    ]),
  ]
  return formatTable(['quantity', 'assumed', 'remark'], rows, 3)
}

/** The name of a shop in the head of a column. */
function titleOf({ visitors, large }: shop.Shop): string {
  return large === null ? `${short(visitors)} visitors` : `${short(visitors)} visitors, large`
}

/** The table of docs/scaling.md. */
export function formatSteps(measures: Measures): string {
  const rows = shop.SHOPS.map((one) => {
    const { total } = billOf(one, measures)
    const { busy, mainGb, auditDatabaseGb, indexDatabaseGb, sessionGb, archiveGb } = strainOf(one, measures)
    const { databases, indexDatabases } = one.large ?? { databases: 0, indexDatabases: 0 }
    return [
      short(one.visitors),
      storesOf(one),
      dollars(total),
      `${short(busy * 100)} %`,
      `${short(mainGb)} GB`,
      databases === 0 ? '' : `${databases} × ${short(auditDatabaseGb)} GB`,
      indexDatabases === 0 ? '' : `${indexDatabases} × ${short(indexDatabaseGb)} GB`,
      one.large === null ? '' : `${short(sessionGb)} GB`,
      one.large === null ? '' : `${short(archiveGb)} GB`,
    ]
  })
  const titles = [
    'visitors a month',
    'stores',
    'a month',
    '`DB` is busy',
    'in `DB`',
    'in audit databases',
    'in index databases',
    'in objects',
    'in R2',
  ]
  return formatTable(titles, rows, 2)
}

function storesOf({ large }: shop.Shop): string {
  if (large === null) return 'one database'
  const { databases, indexDatabases } = large
  return databases + indexDatabases === 0
    ? 'session objects and archive'
    : `session objects, archive, ${databases} audit databases and ${indexDatabases} index databases`
}

function describeStores({ large }: shop.Shop): string {
  if (large === null) return 'one database; a preflight before each request'
  const { objects, partitions, hotHours, databases, indexDatabases } = large
  const ofEvents = databases === 0 ? '' : `, ${databases} \`audit_databases\``
  const ofIndex = indexDatabases === 0 ? '' : `, ${indexDatabases} \`index_databases\``
  return `${objects} session objects, \`partitions: ${partitions}\`, \`hot_hours: ${hotHours}\`${ofEvents}${ofIndex}`
}

function formatBills(bills: readonly Bill[]): string {
  const titles = ['a month', ...bills.map((bill) => titleOf(bill.shop))]
  const row = (title: string, cell: (bill: Bill) => string) => [title, ...bills.map(cell)]
  const billed = USAGE_NAMES.map((name) =>
    row(PRICES[name].title, ({ usage }) => {
      return `${short(usage[name])}: ${dollars(dollarsBeyond(name, usage[name]))}`
    }),
  )
  const rows = [
    row('tokens', ({ tokens }) => short(tokens)),
    row('the plan', () => dollars(PLAN_DOLLARS)),
    ...billed,
    row('**together**', ({ total }) => `**${dollars(total)}**`),
    row('a million tokens', ({ total, tokens }) => dollars((total / tokens) * 1_000_000)),
  ]
  return formatTable(titles, rows, 1)
}

function formatStrains(strains: readonly Strain[], { rowBytes }: Measures): string {
  const titles = ['', ...strains.map((strain) => titleOf(strain.shop)), 'limit']
  const rows: [string, (strain: Strain) => string, string][] = [
    ['tokens a second', ({ tokensASecond }) => short(tokensASecond), ''],
    ['password hashes a second', ({ hashesASecond }) => short(hashesASecond), 'one isolate: about 40'],
    ['writes of the audit trail a second', ({ auditWritesASecond }) => short(auditWritesASecond), ''],
    [
      'writes of sessions and failed sign-ins a second',
      ({ sessionWritesASecond }) => short(sessionWritesASecond),
      '',
    ],
    ['the main database is busy', ({ busy }) => `${short(busy * 100)} %`, '100 %'],
    ['calls to one session object a second', ({ callsToAnObject }) => short(callsToAnObject), '1 k'],
    ['audit events a month', ({ auditEvents }) => short(auditEvents), `the sweep: ${short(SWEPT_A_MONTH)}`],
    [
      `audit trail in D1, ${bytes(rowBytes.audit_events)}, large: ${rowBytes.batched_events.toFixed(0)} bytes an event`,
      ({ auditGb }) => `${short(auditGb)} GB`,
      '',
    ],
    ['audit trail in R2', ({ archiveGb }) => `${short(archiveGb)} GB`, ''],
    [`sessions, ${bytes(rowBytes.sessions)}`, ({ sessionGb }) => `${short(sessionGb)} GB`, ''],
    [`users, ${bytes(rowBytes.users)}`, ({ usersGb }) => `${short(usersGb)} GB`, ''],
    [
      `index of the sessions in objects, ${bytes(rowBytes.session_index)}`,
      ({ indexGb }) => `${short(indexGb)} GB`,
      '',
    ],
    ['**the main database**', ({ mainGb }) => fits(mainGb), `${DATABASE_GB} GB`],
    ['**each audit database**', ({ auditDatabaseGb }) => fits(auditDatabaseGb), `${DATABASE_GB} GB`],
    ['**each index database**', ({ indexDatabaseGb }) => fits(indexDatabaseGb), `${DATABASE_GB} GB`],
    ['entries of the feed', ({ feedEntries }) => short(feedEntries), ''],
    ['the feed, if no entry is merged', ({ feedKb }) => `${short(feedKb * 1000)} bytes`, '2 MiB'],
    ['writes of its KV copy a second', ({ feedWritesASecond }) => short(feedWritesASecond), '1'],
  ]
  const table = rows.map(([title, cell, limit]) => [title, ...strains.map(cell), limit])
  return [formatTable(titles, table, 1), '', describeEnds(strains)].join('\n')
}

/** The number of visitors at which one database reaches its limits, scaled from the middle shop. */
function describeEnds(strains: readonly Strain[]): string {
  const middle = strains[1]
  if (middle === undefined) throw new Error('there is no shop in the middle')
  const { shop: one, auditGb, sessionGb, usersGb, busy, auditEvents } = middle
  const at = (part: number) => short(one.visitors / part)
  const others = sessionGb + usersGb
  const days = (count: number) => (others + (auditGb * count) / shop.AUDIT_DAYS) / DATABASE_GB
  return `One database is full at ${at(days(shop.AUDIT_DAYS))} visitors a month. If the audit trail keeps 30 days, the database is full at ${at(days(30))}.
It is busy all the time at ${at(busy)}. The sweep falls behind at ${at(auditEvents / SWEPT_A_MONTH)}.`
}

/** A size of a database, and whether a database can have it. */
function fits(sizeGb: number): string {
  if (sizeGb === 0) return 'none'
  return `${short(sizeGb)} GB: ${sizeGb < DATABASE_GB ? 'fits' : 'does not fit'}`
}

function bytes(count: number): string {
  return `${count.toFixed(0)} bytes a row`
}

function dollars(amount: number): string {
  return `$${amount === 0 ? 0 : amount.toFixed(amount < 100 ? 2 : 0)}`
}

/** Rounds to three digits. */
function short(amount: number): string {
  const [unit, divisor] =
    amount >= 1e9 ? ['bn', 1e9] : amount >= 1e6 ? ['M', 1e6] : amount >= 1e4 ? ['k', 1e3] : ['', 1]
  const value = amount / divisor
  return `${value >= 100 ? value.toFixed(0) : Number(value.toPrecision(2))}${unit === '' ? '' : ` ${unit}`}`
}
