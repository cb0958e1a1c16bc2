import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { ConstraintFailed } from '../../src/lib/storage_error.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { PASSWORD, TestServer } from '../support/server.ts'

const HASH = `$2y$04$abcdefghijklmnopqrstuu${'a'.repeat(31)}`
const TAKEN = 'profile.email: is the verified email address of another user in this pool'

let server: TestServer
let operator: TestOperator

beforeAll(async () => {
  server = new TestServer()
  operator = await TestOperator.confirmed(server)
})

function makeMark(): string {
  return crypto.randomUUID().slice(0, 8)
}

/** A row of an import. Without an address it has no profile. */
function row(username: string, email?: string, email_verified?: boolean) {
  const profile = email === undefined ? {} : { profile: { email } }
  const verified = email_verified === undefined ? {} : { email_verified }
  return { pool: 'customers', username, password_hash: HASH, ...profile, ...verified }
}

/** The status and the reason of each row, and the ids of the created users. */
async function importRows(rows: readonly object[], options: object = { emails_verified: true }) {
  const { status, body } = await operator.post('/users/import', { rows, ...options })
  expect([status, body]).toMatchObject([200, {}])
  const results = body.results as { status: string; reason: string | null; id: string | null }[]
  return {
    verdicts: results.map(({ status, reason }) => [status, reason]),
    ids: results.map(({ id }) => String(id)),
  }
}

async function readUser(id: string) {
  const { headers, body } = await operator.get(`/users/${id}`)
  return { etag: headers.get('ETag'), user: body }
}

describe('the profile of a user', () => {
  it('the server stores every text, an address in lower case and a locale in canonical form', async () => {
    const profile = {
      name: 'Zoë Müller',
      given_name: 'Zoë',
      family_name: 'Müller',
      email: 'Zoe@Example.COM',
      locale: 'de_ch',
    }
    const username = makeMark()
    const { status, body } = await operator.post('/users', {
      pool: 'customers',
      username,
      password: PASSWORD,
      profile,
    })
    const stored = { ...profile, email: 'zoe@example.com', locale: 'de-CH' }
    expect([status, body.profile, body.email_verified]).toEqual([201, stored, false])
    await operator.confirm()
    const { body: exported } = await operator.get(`/users/${body.id}/export`)
    expect(exported).toMatchObject({ user: { profile: stored, email_verified: false } })
  })

  it('the search finds a user by the given name with the family name', async () => {
    const mark = makeMark()
    const profile = { given_name: `Élise${mark}`, family_name: 'de Gaulle' }
    const draft = { pool: 'customers', username: `u-${mark}`, password: PASSWORD, profile }
    const { body } = await operator.post('/users', draft)
    const found = await operator.get(`/users?q=${encodeURIComponent(`elise${mark} DE g`)}`)
    expect(found.body.items).toMatchObject([{ id: body.id }])
  })

  it.each([
    ['given_name', '', 'must be a name of 1 to 100 characters'],
    ['family_name', 'x'.repeat(101), 'must be a name of 1 to 100 characters'],
    ['locale', 'de CH', 'must be a language tag, such as de-CH'],
    ['locale', 'de-DE.UTF-8', 'must be a language tag, such as de-CH'],
    ['locale', `de-${'x-abcdefgh'.repeat(4)}`, 'must be a language tag, such as de-CH'],
    ['email', 'zoe', 'must be an email address, such as zoe@example.com'],
    ['email_verified', true, 'is not known'],
    ['phone', '1', 'is not known'],
  ])('the admin API refuses a malformed or unknown value: %s', async (field, value, message) => {
    const draft = { pool: 'customers', username: makeMark(), password: PASSWORD, profile: { [field]: value } }
    const { status, body } = await operator.post('/users', draft)
    const errors = [{ path: `profile.${field}`, message }]
    expect([status, body]).toEqual([
      422,
      problem(422, 'invalid-content', 'The content is not valid', { errors }),
    ])
  })
})

describe('a verified email address', () => {
  it('an import verifies an address only with the option emails_verified, and only of rows that ask for it', async () => {
    const mark = makeMark()
    const refused = await importRows([row(`${mark}-a`, `${mark}@a.test`, true)], {})
    expect(refused.verdicts).toEqual([
      ['refused', 'email_verified: needs the option emails_verified of the import'],
    ])
    const { verdicts, ids } = await importRows([
      row(`${mark}-a`, `${mark}@A.test`, true),
      row(`${mark}-b`, `${mark}@b.test`, false),
      row(`${mark}-c`, `${mark}@c.test`),
      row(`${mark}-d`, undefined, true),
    ])
    expect(verdicts).toEqual([
      ...Array(3).fill(['created', null]),
      ['refused', 'email_verified: needs profile.email'],
    ])
    const users = await Promise.all(ids.slice(0, 3).map(readUser))
    expect(users.map(({ user }) => [user.profile, user.email_verified])).toEqual([
      [{ email: `${mark}@a.test` }, true],
      [{ email: `${mark}@b.test` }, false],
      [{ email: `${mark}@c.test` }, false],
    ])
    const events = await Promise.all(
      ids.slice(0, 2).map((subject) => operator.get(`/audit?subject=${subject}`)),
    )
    expect(events.map(({ body }) => body.items)).toMatchObject([
      [{ change: { operation: 'importUsers', fields: ['email_verified'] } }],
      [{ change: { operation: 'importUsers' } }],
    ])
  })

  it('an import of verified addresses needs a confirmation', async () => {
    const unconfirmed = await TestOperator.signIn(server)
    const body = { rows: [row(makeMark(), 'a@confirm.test', true)], emails_verified: true }
    const { status, body: refusal } = await unconfirmed.post('/users/import', body)
    expect([status, refusal.type]).toEqual([403, 'urn:problem-type:sallyport:confirmation-required'])
  })

  it('no operator can verify an address, and a new address is not verified', async () => {
    const mark = makeMark()
    const { ids } = await importRows([row(mark, `${mark}@a.test`, true)])
    const [id = ''] = ids
    const change = async (body: object) => {
      const { etag } = await readUser(id)
      return operator.patch(`/users/${id}`, body, etag)
    }
    const forbidden = await change({ roles: [], email_verified: true })
    expect([forbidden.status, forbidden.body.errors]).toEqual([
      422,
      [{ path: 'email_verified', message: 'is not known' }],
    ])
    const named = await change({ profile: { name: 'Zoë', email: `${mark}@A.test` } })
    expect([named.status, named.body.email_verified]).toEqual([200, true])
    const moved = await change({ profile: { email: `${mark}@b.test` } })
    expect([moved.status, moved.body.email_verified]).toEqual([200, false])
    const back = await change({ profile: { email: `${mark}@a.test` } })
    expect([back.status, back.body.email_verified]).toEqual([200, false])
    const removed = await change({ profile: {} })
    expect([removed.status, removed.body.profile, removed.body.email_verified]).toEqual([200, {}, false])
  })

  it('a verified address is unique in its pool, in an import and in its dry run', async () => {
    const mark = makeMark()
    const email = `${mark}@a.test`
    await importRows([row(`${mark}-a`, email, true)])
    const rows = [
      row(`${mark}-b`, email.toUpperCase(), true),
      row(`${mark}-c`, email),
      { ...row(`${mark}-d`, email, true), pool: 'staff' },
      row(`${mark}-e`, `${mark}@e.test`, true),
      row(`${mark}-f`, `${mark}@e.test`, true),
    ]
    const expected = [
      ['refused', TAKEN],
      ['created', null],
      ['created', null],
      ['created', null],
      ['refused', TAKEN],
    ]
    const trial = await importRows(rows, { emails_verified: true, dry_run: true })
    expect(trial.verdicts).toEqual(expected)
    expect((await importRows(rows)).verdicts).toEqual(expected)
    // The same address without a verification stays possible for other users.
    const draft = { pool: 'customers', username: `${mark}-g`, password: PASSWORD, profile: { email } }
    expect((await operator.post('/users', draft)).status).toBe(201)
  })

  it('an import refuses only the row whose address another request verified in the meantime', async () => {
    const mark = makeMark()
    const email = `${mark}@a.test`
    const db = aroundD1(async (sql, call) => {
      if (sql.includes('INSERT INTO users')) await addVerified(`${mark}-first`, email)
      return call()
    })
    const racing = await TestOperator.confirmed(new TestServer({ env: { DB: db } }))
    const rows = [row(`${mark}-a`, email, true), row(`${mark}-b`, `${mark}@b.test`, true)]
    const { status, body } = await racing.post('/users/import', { rows, emails_verified: true })
    expect([status, body.results]).toEqual([
      200,
      [
        { index: 0, status: 'refused', reason: TAKEN, id: null },
        { index: 1, status: 'created', reason: null, id: expect.stringMatching(/^user:/) },
      ],
    ])
  })

  it('the store reports a taken address as a failed constraint and not as an outage', async () => {
    const mark = makeMark()
    const email = `${mark}@a.test`
    await importRows([row(`${mark}-a`, email, true)])
    const { ids } = await importRows([row(`${mark}-b`, email)])
    const conditions = { versions: null, adminPool: null, now: server.clock.time }
    const edit = { profile: { email, email_verified: true } }
    const failed = server.services.userAdmin.change(ids[0] ?? '', edit, conditions, [])
    await expect(failed).rejects.toThrow(ConstraintFailed)
    await expect(failed).rejects.toMatchObject({
      constraint: 'unique',
      columns: ['users.pool', 'users.verified_email'],
    })
  })
})

/** Adds a user with a verified address by SQL, once. */
async function addVerified(username: string, email: string): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO users (id, pool, username, password_hash, created_at, profile)
     VALUES (?, 'customers', ?, ?, 1, ?) ON CONFLICT DO NOTHING`,
  )
    .bind(`user:${username}`, username, HASH, JSON.stringify({ email, email_verified: true }))
    .run()
}
