import type { Env } from '../src/services/environment.ts'
import type { Measures } from './price_model.ts'

/** The number of users, sessions and audit events of a full database. */
export const ROWS = 1_000_000

const ROWS_AT_ONCE = 50_000

/** The numbers `?1` to `?2`, as rows for an INSERT. */
const NUMBERS = 'WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)'

/** Rows as after a million sign-ins with a few refreshes each. Ids are as random as those of the server. */
const INSERTS = {
  users: `INSERT INTO users (id, pool, username, password_hash, roles, created_at, search)
   ${NUMBERS} SELECT 'user:' || lower(hex(randomblob(16))), 'customers', 'customer' || i || '@example.com',
     (SELECT password_hash FROM users WHERE username = 'amanda@example.com'), '[]', unixepoch(),
     'customer' || i || '@example.com' || char(10) || 'customer number ' || i FROM n`,
  sessions: `INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until)
   ${NUMBERS} SELECT 's1.' || lower(hex(randomblob(16))), 'user:' || lower(hex(randomblob(16))), 'storefront-demo',
     'storefront', 1 + i % 50, unixepoch() - i, unixepoch() - i % 86400, unixepoch() + 2592000 - i % 86400,
     unixepoch() + 2592000 - i % 86400 FROM n`,
  session_index: `INSERT INTO session_index (sid, subject, client_id, api, started_at)
   ${NUMBERS} SELECT 'weur-3.' || lower(hex(randomblob(16))), 'user:' || lower(hex(randomblob(16))), 'storefront-demo',
     'storefront', unixepoch() - i FROM n`,
  audit_events: `INSERT INTO audit_events (at, kind, outcome, reason, api, client_id, subject, sid, address_prefix)
   ${NUMBERS} SELECT unixepoch() - ${ROWS} + i, 'refresh', 'ok', 'token 0 gave 1', 'storefront', 'storefront-demo',
     'user:' || lower(hex(randomblob(16))), 's1.' || lower(hex(randomblob(16))), '203.0.113.0/24' FROM n`,
} as const

/** The tables that grow with a shop. */
export const GROWING = Object.keys(INSERTS) as (keyof typeof INSERTS)[]

/** Fills the database of a service with the users, sessions and events of a large shop. */
export async function addMillions({ DB }: Env): Promise<void> {
  for (const table of GROWING) await addRows(DB, table, ROWS)
}

/** Measures the bytes of a row with its index entries, for each table. Adds rows. */
export async function measureRows({ DB }: Env): Promise<Omit<Measures['rowBytes'], 'batched_events'>> {
  const sizes = { users: 0, sessions: 0, session_index: 0, audit_events: 0 }
  for (const table of GROWING) {
    const before = await sizeOf(DB)
    await addRows(DB, table, ROWS_AT_ONCE)
    sizes[table] = ((await sizeOf(DB)) - before) / ROWS_AT_ONCE
  }
  return sizes
}

/** Events of the measured deliveries. */
const DELIVERED = 5000
const AT_ONCE = 100

/** Measures the bytes of one event in a row of `audit_batches`. @param deliver Stores as many events in one delivery. */
export async function measureBatchedEvent(
  { DB }: Env,
  deliver: (events: number) => Promise<unknown>,
): Promise<number> {
  const before = await sizeOf(DB)
  for (let done = 0; done < DELIVERED; done += AT_ONCE) await deliver(AT_ONCE)
  return ((await sizeOf(DB)) - before) / DELIVERED
}

async function sizeOf(db: D1Database): Promise<number> {
  return (await db.prepare('SELECT 1').run()).meta.size_after
}

async function addRows(db: D1Database, table: keyof typeof INSERTS, count: number): Promise<void> {
  const insert = db.prepare(INSERTS[table])
  for (let from = 1; from <= count; from += ROWS_AT_ONCE)
    await insert.bind(from, from + ROWS_AT_ONCE - 1).run()
}
