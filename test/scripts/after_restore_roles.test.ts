import { spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { makeTemporaryDirectory } from '../../scripts/worker_server.ts'
import { makeMigratedState } from '../support/migrated_state.ts'

// The command in a project with a session shard, an audit database and a database of users.

const FAR = 4_102_444_800
const project = makeTemporaryDirectory()

const toEntry = (binding: string) => ({ binding })

function writeProject(): void {
  const { apis, ...document } = parse(readFileSync('config.yml', 'utf8'))
  const shop = { audience: 'http://localhost:8787/shop', users: 'shoppers', guests: false, scopes: [] }
  const keys = {
    apis: { ...apis, shop },
    session_shards: [
      { name: 's1', binding: 'DB' },
      { name: 's2', binding: 'SESSIONS_EU' },
      { name: 's3', binding: 'SESSIONS_NA' },
    ],
    session_objects: { per_market: 1, index_databases: ['INDEX_1', 'SESSIONS_NA', 'AUDIT_2'].map(toEntry) },
    user_databases: { pools: ['shoppers'], databases: [{ name: 'u1', binding: 'USERS_1' }] },
    audit_archive: { partitions: 1 },
    audit_databases: [
      { binding: 'AUDIT_1', new_events: true },
      { binding: 'AUDIT_2' },
      { binding: 'SESSIONS_NA' },
    ],
  }
  writeFileSync(join(project, 'config.yml'), stringify({ ...document, ...keys }))
  symlinkSync(resolve('migrations'), join(project, 'migrations'))
}
writeProject()

const makeState = (name: string, ...scripts: string[]) => makeMigratedState(join(project, name), ...scripts)

const user = (id: string, username: string) =>
  `INSERT INTO users (id, pool, username, password_hash, created_at) VALUES ('${id}', 'shoppers', '${username}', 'h', 1);`
const event = (id: number) =>
  `INSERT INTO audit_events (id, at, kind, outcome, reason) VALUES (${id}, 1, 'cut_off', 'ok', 'r');`

/** The state of the database of users before the restore point, and two events that `DB` took since. */
const USERS = [user('user:u1.ann', 'ann'), user('user:u1.bob', 'bob'), event(6), event(7), event(8)]
const MAIN = [
  user('user:dora', 'ann'),
  `INSERT INTO erasures (subject, pseudonym, expires_at) VALUES ('user:u1.bob', 'p', ${FAR});`,
  `INSERT INTO moved_events (database, event_id) VALUES ('u1', 7), ('u2', 900);`,
]

const restored = makeState('restored.sqlite', ...USERS).file
const main = makeState('main.sqlite', ...MAIN).file

function run(...options: string[]) {
  const script = resolve('scripts/after_restore.ts')
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [script, '--restored', restored, ...options],
    {
      encoding: 'utf8',
      cwd: project,
    },
  )
  return { status, stdout, notes: stderr.trim().split('\n') }
}

let copies = 0

/** The database of users after the SQL of the command. */
function repairUsers(...options: string[]) {
  const { status, stdout, notes } = run('--binding', 'USERS_1', ...options)
  expect(status).toBe(0)
  const { database } = makeState(`copy-${copies++}.sqlite`, ...USERS, stdout)
  const select = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }))
  return { select, notes, database }
}

describe('npm run after-restore --binding', () => {
  it('a database of users loses erased users and the events that DB has, and new events get higher numbers', () => {
    const { select, notes, database } = repairUsers('--other', main)
    expect(select('SELECT id FROM users')).toEqual([{ id: 'user:u1.ann' }])
    expect(select('SELECT id FROM audit_events')).toEqual([{ id: 8 }])
    database.exec("INSERT INTO audit_events (at, kind, outcome, reason) VALUES (1, 'cut_off', 'ok', 'new')")
    const [{ id } = {}] = select("SELECT id FROM audit_events WHERE reason = 'new'")
    expect(Number(id)).toBeGreaterThan(1e12)
    expect(notes).toEqual([
      'USERS_1, a database of users:',
      'users: erased again: user:u1.bob',
      'decide: usernames that two databases have: ann (user:u1.ann and user:dora)',
      'audit_events: 2 removed, because DB has them',
    ])
  })

  it('a database of users has the events that its lost state has, each once', () => {
    const lost = makeState(
      'lost.sqlite',
      user('user:u1.ann', 'ann'),
      user('user:u1.bob', 'bob'),
      event(11),
      event(12),
      'DELETE FROM audit_events WHERE id = 11;',
    ).file
    const { select, notes } = repairUsers('--lost', lost)
    expect(select('SELECT id FROM audit_events')).toEqual([{ id: 12 }])
    const [{ seq } = {}] = select("SELECT seq FROM sqlite_sequence WHERE name = 'audit_events'")
    expect(Number(seq)).toBeGreaterThan(12)
    expect(notes).toContain('audit_events: 3 removed, because DB has them')
  })

  it('--end-sessions ends the sessions of the users of a database of users', () => {
    const { select } = repairUsers('--end-sessions')
    const [{ before } = {}] = select("SELECT before FROM cutoffs WHERE kind = 'all'")
    expect(select('SELECT DISTINCT tokens_valid_from AS since FROM users')).toEqual([{ since: before }])
  })

  it('--end-sessions for a session shard has a statement for DB, because each refresh checks the client there', () => {
    const { status, stdout, notes } = run('--binding', 'SESSIONS_EU', '--end-sessions')
    expect(status).toBe(0)
    const before = /VALUES \(\d+, 'all', '', (\d+)/.exec(stdout)?.[1]
    expect(notes).toEqual([
      'SESSIONS_EU, a session shard:',
      `every token from before ${before} is refused, so all users sign in again`,
      `run on DB: UPDATE clients SET tokens_valid_from = max(tokens_valid_from, ${before}), version = version + 1`,
    ])
  })

  it('an audit database needs no other option, and DB looks for erased users in it again', () => {
    const { status, notes } = run('--binding', 'AUDIT_1')
    expect({ status, notes }).toEqual({
      status: 0,
      notes: ['AUDIT_1, an audit database:', 'run on DB: UPDATE erasures SET archive_from = 0'],
    })
  })

  it('a database with several uses gets the repair of each of them', () => {
    const { status, notes } = run('--binding', 'SESSIONS_NA', '--end-sessions')
    expect(status).toBe(0)
    const before = /from before (\d+)/.exec(notes.join())?.[1]
    expect(notes).toEqual([
      'SESSIONS_NA, a session shard, an audit database, and a database of the index of sessions:',
      `every token from before ${before} is refused, so all users sign in again`,
      `run on DB: UPDATE clients SET tokens_valid_from = max(tokens_valid_from, ${before}), version = version + 1`,
      'run on DB: UPDATE erasures SET archive_from = 0',
      "run on DB: INSERT OR REPLACE INTO copy_changes (name) VALUES ('restore')",
    ])
  })

  it.each([
    ['INDEX_1', []],
    ['SESSIONS_NA', ['--lost', restored]],
    ['AUDIT_2', []],
  ])('objects send the index rows of %s again, also if it stores other rows', (binding, options) => {
    const { status, notes } = run('--binding', binding, ...options)
    expect(status).toBe(0)
    expect(notes).toContain("run on DB: INSERT OR REPLACE INTO copy_changes (name) VALUES ('restore')")
  })

  it('the command says that no row differs', () => {
    const { notes } = run('--binding', 'SESSIONS_EU', '--lost', restored)
    expect(notes).toEqual(['SESSIONS_EU, a session shard: no row differs'])
  })

  it('the command refuses an unknown binding, and a repair that cannot work', () => {
    const refusals = [
      run('--binding', 'USERS_9', '--end-sessions'),
      run('--binding', 'AUDIT_1', '--end-sessions'),
      run('--binding', 'SESSIONS_EU'),
    ]
    expect(refusals.map(({ status, stdout }) => ({ status, stdout }))).toEqual(
      refusals.map(() => ({ status: 1, stdout: '' })),
    )
    expect(refusals.map(({ notes }) => notes[0])).toEqual([
      '--binding: config.yml uses no database USERS_9',
      '--end-sessions: AUDIT_1 has no sessions',
      expect.stringContaining('usage: npm run --silent after-restore'),
    ])
  })
})
