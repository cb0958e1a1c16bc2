import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { CARRIED_TABLES, NARROWED_TABLES } from '../../scripts/repair_restored.ts'
import { makeTemporaryDirectory } from '../../scripts/worker_server.ts'
import { makeMigratedState } from '../support/migrated_state.ts'

/** Tables that stay as restored: lists of changes, which the command continues, and rows that end within an hour. */
const LEFT_TABLES = [
  'copy_changes',
  'user_changes',
  'mail_budgets',
  'idempotency_keys',
  'name_reservations',
  'moved_events',
]

// The command reads two database files, and the test runs its SQL on a third one.

const FAR = 4_102_444_800

/** Rows that both states have. */
const BEFORE = `
  INSERT INTO clients (client_id, name, api, grants, scopes, confidential, created_at)
    VALUES ('shop', 'Shop', 'storefront', '["password"]', '[]', 1, 1), ('agency', 'Agency', 'storefront', '[]', '[]', 1, 1);
  INSERT INTO client_secrets (secret_hash, client_id, created_at, secret_id) VALUES ('kept', 'shop', 1, 'a'), ('deleted', 'shop', 1, 'b');
  INSERT INTO users (id, pool, username, password_hash, roles, created_at)
    VALUES ('user:ada', 'customers', 'ada', 'old hash', '["buyer"]', 1), ('user:bob', 'customers', 'bob', 'hash', '[]', 1);
  INSERT INTO sessions (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until)
    VALUES ('s1.a', 'user:ada', 'shop', 'storefront', 1, 1, 1, ${FAR}, ${FAR});
  INSERT INTO one_time_values (id, kind, max_tries, sealed, expires_at)
    VALUES ('used since', 'link', 1, 'x', ${FAR}), ('unused', 'link', 1, 'x', ${FAR});
  INSERT INTO recovery_codes (subject, code_hash, created_at) VALUES ('user:ada', 'code', 1);
  INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at) VALUES ('jti', 'early', 5, 'r', 5, ${FAR});
  INSERT INTO session_index (sid, subject, client_id, api, started_at)
    VALUES ('weur-0.kept', 'user:ada', 'shop', 'storefront', 1), ('weur-0.expired', 'user:ada', 'shop', 'storefront', 1);
  INSERT INTO audit_archives (partition, day, name, size, bytes, blocks) VALUES (1, 0, 'replaced', 1, 1, '[]');`

/** The changes that the restore loses. */
const SINCE = `
  UPDATE clients SET enabled = 0, tokens_valid_from = 900 WHERE client_id = 'agency';
  DELETE FROM client_secrets WHERE secret_hash = 'deleted';
  UPDATE users SET password_hash = 'new hash', roles = '["admin"]', tokens_valid_from = 800 WHERE id = 'user:ada';
  DELETE FROM users WHERE id = 'user:bob';
  INSERT INTO erasures (subject, pseudonym, expires_at) VALUES ('user:bob', 'p', ${FAR});
  INSERT INTO users (id, pool, username, password_hash, created_at) VALUES ('user:new', 'customers', 'new', 'hash', 2);
  UPDATE sessions SET seq = 3, rotated_at = 7 WHERE sid = 's1.a';
  UPDATE one_time_values SET used_at = 7 WHERE id = 'used since';
  DELETE FROM recovery_codes;
  DELETE FROM session_index WHERE sid = 'weur-0.expired';
  INSERT INTO session_index (sid, subject, client_id, api, started_at)
    VALUES ('weur-0.new', 'user:ada', 'shop', 'storefront', 7);
  DELETE FROM audit_archives;
  INSERT INTO audit_archives (partition, day, name, size, bytes, blocks) VALUES (1, 0, 'new', 2, 2, '[]');
  INSERT INTO cutoffs (kind, value, before, reason, created_at, expires_at)
    VALUES ('sid', 's1.b', 9, 'it''s
over; two lines', 9, ${FAR});`

/** Users, and browser sessions that ended before. The id of the last user names a further database. */
const ENDED = `
  INSERT INTO users (id, pool, username, password_hash, created_at) VALUES ('user:ada', 'customers', 'ada', 'hash', 1),
    ('user:bob', 'customers', 'bob', 'hash', 1), ('user:cid', 'customers', 'cid', 'hash', 1);
  INSERT INTO ended_browser_sessions (id, subject, ended_at, keep_until, finished_at)
    VALUES ('kept', 'user:ada', 1, ${FAR}, 2), ('erased', 'user:bob', 1, ${FAR}, 2), ('deleted', 'user:cid', 1, ${FAR}, 2),
      ('deleted in u1', 'user:u1.dan', 1, ${FAR}, 2);`

const directory = makeTemporaryDirectory()

const makeState = (name: string, ...scripts: string[]) => makeMigratedState(join(directory, name), ...scripts)

const lost = makeState('lost.sqlite', BEFORE, SINCE)
lost.database.close()
const restored = makeState('restored.sqlite', BEFORE)
restored.database.close()

function run(...options: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/after_restore.ts', ...options], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

let copies = 0

/** The restored database after the SQL of the command. */
function repair(...options: string[]): { select: (sql: string) => unknown[]; stderr: string } {
  const { status, stdout, stderr } = run('--restored', restored.file, ...options)
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' })
  const { database } = makeState(`copy-${copies++}.sqlite`, BEFORE, stdout)
  const select = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }))
  return { select, stderr }
}

describe('npm run after-restore', () => {
  it('--lost writes the lost sessions, revocations and used links again', () => {
    const { select } = repair('--lost', lost.file)
    expect(select('SELECT sid, seq FROM sessions')).toEqual([{ sid: 's1.a', seq: 3 }])
    expect(select('SELECT value, reason FROM cutoffs ORDER BY id')).toEqual([
      { value: 'early', reason: 'r' },
      { value: 's1.b', reason: "it's\nover; two lines" },
    ])
    expect(select('SELECT id FROM one_time_values WHERE used_at IS NULL')).toEqual([{ id: 'unused' }])
    expect(select('SELECT * FROM recovery_codes')).toEqual([])
  })

  it('--lost writes the index of session objects and the list of archived objects as in the lost state', () => {
    const { select } = repair('--lost', lost.file)
    expect(select('SELECT sid FROM session_index ORDER BY sid')).toEqual([
      { sid: 'weur-0.kept' },
      { sid: 'weur-0.new' },
    ])
    expect(select('SELECT name, size FROM audit_archives')).toEqual([{ name: 'new', size: 2 }])
  })

  it('--lost removes the ended browser sessions of an erased user and of a deleted user of a further database', () => {
    const erasure = `INSERT INTO erasures (subject, pseudonym, expires_at) VALUES ('user:bob', 'p', ${FAR});`
    const deletions = `DELETE FROM users WHERE id <> 'user:ada'; DELETE FROM ended_browser_sessions WHERE id <> 'kept';`
    const before = makeState('ended.sqlite', ENDED).file
    const since = makeState('ended_lost.sqlite', ENDED, deletions, erasure).file
    const { database } = makeState(
      'ended_copy.sqlite',
      ENDED,
      run('--restored', before, '--lost', since).stdout,
    )
    const listed = database.prepare('SELECT id FROM ended_browser_sessions ORDER BY id').all()
    // The second user exists again, until the operator decides.
    expect(listed.map(({ id }) => id)).toEqual(['deleted', 'kept'])
  })

  it('--lost disables, signs out, erases and retires again, and keeps newer passwords', () => {
    const { select } = repair('--lost', lost.file)
    expect(select(`SELECT enabled, tokens_valid_from FROM clients WHERE client_id = 'agency'`)).toEqual([
      { enabled: 0, tokens_valid_from: 900 },
    ])
    expect(select('SELECT id, password_hash, tokens_valid_from FROM users')).toEqual([
      { id: 'user:ada', password_hash: 'new hash', tokens_valid_from: 800 },
    ])
    expect(select('SELECT secret_hash FROM client_secrets WHERE expires_at IS NULL')).toEqual([
      { secret_hash: 'kept' },
    ])
  })

  it('--lost gives no role and no user back, and lists them for the operator', () => {
    const { select, stderr } = repair('--lost', lost.file)
    expect(select('SELECT id, roles FROM users')).toEqual([{ id: 'user:ada', roles: '["buyer"]' }])
    expect(stderr.split('\n').filter((line) => line.startsWith('decide:'))).toEqual([
      'decide: users with other roles before the restore: user:ada',
      'decide: deleted users that exist again: user:bob',
      'decide: users that the restore removed: user:new',
    ])
  })

  it('--except leaves tables as restored', () => {
    const { select } = repair('--lost', lost.file, '--except', 'users,sessions')
    expect(select('SELECT id, password_hash FROM users ORDER BY id')).toEqual([
      { id: 'user:ada', password_hash: 'old hash' },
      { id: 'user:bob', password_hash: 'hash' },
    ])
    expect(select('SELECT seq FROM sessions')).toEqual([{ seq: 1 }])
    expect(select(`SELECT enabled FROM clients WHERE client_id = 'agency'`)).toEqual([{ enabled: 0 }])
  })

  it('--end-sessions revokes all tokens, codes and links, and continues the sequences far above the restored ones', () => {
    const { select } = repair('--end-sessions')
    const [all] = select(
      `SELECT id, before, expires_at > before AS is_listed FROM cutoffs WHERE kind = 'all'`,
    ) as {
      id: number
      before: number
      is_listed: number
    }[]
    expect(all).toMatchObject({ is_listed: 1 })
    expect(all?.id).toBeGreaterThan(1e12)
    expect(
      select('SELECT DISTINCT tokens_valid_from FROM clients UNION SELECT tokens_valid_from FROM users'),
    ).toEqual([{ tokens_valid_from: all?.before }])
    expect(select('SELECT id FROM one_time_values WHERE used_at IS NULL')).toEqual([])
    expect(select('SELECT name FROM copy_changes WHERE seq > 1000000000000 ORDER BY name')).toEqual([
      { name: 'client:agency' },
      { name: 'client:shop' },
      { name: 'keys' },
      { name: 'restore' },
    ])
  })

  it('each copy of a client, a key or a changed user gets a higher number than in the lost state', () => {
    const state = new DatabaseSync(lost.file)
    const last = (table: string) =>
      Number(state.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').get(table)?.seq)
    const { select } = repair('--lost', lost.file)
    expect(select(`SELECT name FROM copy_changes WHERE seq <= ${last('copy_changes')}`)).toEqual([])
    expect(select(`SELECT name FROM user_changes WHERE seq > ${last('user_changes')} ORDER BY name`)).toEqual(
      [{ name: 'user:ada' }, { name: 'user:new' }],
    )
  })

  it('each repair has a mark for session objects, above all numbers of the lost state and of earlier repairs', async () => {
    const mark = ({ select }: ReturnType<typeof repair>) => {
      const [{ seq } = {}] = select(`SELECT seq FROM copy_changes WHERE name = 'restore'`) as {
        seq?: number
      }[]
      return Number(seq)
    }
    const last = new DatabaseSync(lost.file).prepare('SELECT max(seq) AS seq FROM copy_changes').get()?.seq
    expect(mark(repair('--lost', lost.file))).toBeGreaterThan(Number(last))
    const first = mark(repair('--end-sessions'))
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(mark(repair('--end-sessions'))).toBeGreaterThan(first)
  })

  it('a second repair with the same lost state has another mark', async () => {
    const marks = new Set<unknown>()
    for (let i = 0; i < 2; i++) {
      const { select } = repair('--lost', lost.file)
      const [mark] = select(`SELECT seq FROM copy_changes WHERE name = 'restore'`)
      marks.add(JSON.stringify(mark))
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
    expect(marks.size).toBe(2)
  })

  it('each table is carried over, narrowed, or listed here as one that stays as restored', () => {
    const tables = new DatabaseSync(restored.file)
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'd1_migrations'",
      )
      .all()
      .map(({ name }) => String(name))
    const known = [...CARRIED_TABLES.map(({ name }) => name), ...NARROWED_TABLES, ...LEFT_TABLES]
    expect(tables.toSorted()).toEqual(known.toSorted())
  })

  it('the command refuses a state that lacks a migration, an unknown table, and a repair that does nothing', () => {
    const old = join(directory, 'old.sqlite')
    const database = new DatabaseSync(old)
    database.exec('CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT)')
    database.close()
    const refusals = [
      run('--restored', old, '--end-sessions'),
      run('--restored', restored.file, '--lost', lost.file, '--except', 'tokens'),
      run('--restored', restored.file),
    ]
    expect(refusals.map(({ status, stdout }) => ({ status, stdout }))).toEqual(
      refusals.map(() => ({ status: 1, stdout: '' })),
    )
    expect(refusals.map(({ stderr }) => stderr.split('\n')[0])).toEqual([
      expect.stringContaining('A state lacks the migrations 0001_core.sql'),
      '--except: tokens: no such table',
      expect.stringContaining('usage: npm run --silent after-restore'),
    ])
  })
})
