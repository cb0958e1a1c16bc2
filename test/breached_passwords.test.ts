import { env } from 'cloudflare:workers'
import { hashSync } from 'bcryptjs'
import { decodeJwt } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { encodeUtf8 } from '../src/lib/bytes.ts'
import { rangeOf } from '../src/users/breaches/password_range.ts'
import { importUser } from '../src/users/create_user.ts'
import type { User } from '../src/users/user.ts'
import { aroundD1 } from './support/around_d1.ts'
import { auditOf } from './support/audit.ts'
import { FaultyD1 } from './support/faulty_d1.ts'
import { TestOperator } from './support/operator.ts'
import { RangeServer } from './support/range_server.ts'
import { credentials, PASSWORD, TestServer } from './support/server.ts'

const RANGE_URL = 'https://breaches.test/range/'
const DAY = 86_400
const FRESH = 'never seen in any breach'

/** Answers what the Worker asks of the world. */
function reachable(ranges: RangeServer): RangeServer {
  vi.stubGlobal('fetch', (url: string, init?: RequestInit) => ranges.answer(new Request(url, init)))
  onTestFinished(() => void vi.unstubAllGlobals())
  return ranges
}

/** A server that asks a list on which the password of `addUser` is, and a customer's client. */
async function newScene(
  settings: Record<string, unknown> = {},
  options: { env?: Partial<Cloudflare.Env> } = {},
) {
  const ranges = reachable(new RangeServer([PASSWORD]))
  const server = new TestServer({
    config: { breached_passwords: { range_url: RANGE_URL, ...settings } },
    ...options,
  })
  return { ranges, server, client: await server.addClient() }
}

/** The claims that a password decides. */
function claimsOf({ access_token: token }: { access_token: string }) {
  const { scope, roles, must_change_password, password_breached } = decodeJwt(token)
  return { scope, roles, must_change_password, password_breached }
}

const rowOf = ({ id }: Pick<User, 'id'>) =>
  env.DB.prepare('SELECT breach_checked_at, password_breached FROM users WHERE id = ?').bind(id).first()

const isNote = (sql: string) => sql.includes('SET breach_checked_at')

const SCOPE = 'cart orders catalog'
const NOTHING_SAID = { must_change_password: undefined, password_breached: undefined }
const CLAIMED = { must_change_password: undefined, password_breached: true }
const HELD = { scope: undefined, roles: undefined, must_change_password: true, password_breached: true }

describe('a sign-in with a breached password, by the outcome `claim`', () => {
  it('gives all that it gives, and tokens that say so, at refreshes too', async () => {
    const { server, client } = await newScene()
    const user = await server.addUser({ roles: ['vip'] })
    const signedIn = await server.signIn(client, user.username)
    expect(claimsOf(signedIn)).toEqual({ scope: SCOPE, roles: ['vip'], ...CLAIMED })
    const refreshed = await server.refresh(client, signedIn.refresh_token)
    expect(claimsOf(refreshed)).toEqual({ scope: SCOPE, roles: ['vip'], ...CLAIMED })
  })

  it('is counted by the audit trail, and asks once for all isolates until it is due again', async () => {
    const { ranges, server, client } = await newScene({ recheck_days: 7 })
    const user = await server.addUser()
    await server.signIn(client, user.username)
    expect(await rowOf(user)).toEqual({ breach_checked_at: server.clock.time, password_breached: 1 })
    expect(claimsOf(await server.anotherIsolate().signIn(client, user.username))).toMatchObject(CLAIMED)
    expect(ranges.asked).toHaveLength(1)
    const event = { kind: 'breached_password', outcome: 'ok', reason: 'sign-in: in a known breach' }
    const who = { api: 'storefront', client_id: client.id, subject: user.id, sid: null }
    expect(await auditOf({ subject: user.id, kind: 'breached_password' })).toEqual([
      { ...event, ...who, address_prefix: null, actor: null, actor_client: null },
    ])
    server.clock.time += 7 * DAY
    await server.signIn(client, user.username)
    expect(ranges.asked).toHaveLength(2)
  })

  it('leaves a person alone whose password is on no list, until it is', async () => {
    const { ranges, server, client } = await newScene({ recheck_days: 7 })
    const user = await server.addUser({ password: FRESH })
    expect(claimsOf(await server.signIn(client, user.username, FRESH))).toMatchObject(NOTHING_SAID)
    expect(await rowOf(user)).toEqual({ breach_checked_at: server.clock.time, password_breached: 0 })
    expect(await auditOf({ subject: user.id, kind: 'breached_password' })).toEqual([])
    ranges.add(FRESH)
    server.clock.time += 7 * DAY - 1
    expect(claimsOf(await server.signIn(client, user.username, FRESH))).toMatchObject(NOTHING_SAID)
    server.clock.time += 1
    expect(claimsOf(await server.signIn(client, user.username, FRESH))).toMatchObject(CLAIMED)
  })

  it('tells the list five characters of the hash, and of right passwords alone', async () => {
    const { ranges, server, client } = await newScene()
    const [user, disabled] = [await server.addUser(), await server.addUser({ enabled: false })]
    const { prefix } = await rangeOf(encodeUtf8(PASSWORD))
    for (const [username, password] of [
      [user.username, 'wrong'],
      ['nobody@example.com', PASSWORD],
      [disabled.username, PASSWORD],
    ]) {
      const attempt = { grant_type: 'password', ...credentials(client), username, password }
      expect((await server.postJson(attempt)).status).toBe(400)
    }
    await server.signIn(client, 'guest', 'guest')
    expect(ranges.asked).toEqual([])
    await server.signIn(client, user.username)
    expect(ranges.asked).toEqual([prefix])
  })

  it('is a new sign-in for whoever set another password since', async () => {
    const { server, client } = await newScene()
    const boss = await TestOperator.signIn(server)
    const user = await server.addUser()
    await server.signIn(client, user.username)
    expect((await boss.get(`/users/${user.id}`)).body).toMatchObject({ password_breached: true })
    expect((await boss.post(`/users/${user.id}/password`, { password: FRESH })).body).toMatchObject({
      password_breached: false,
    })
    expect(claimsOf(await server.signIn(client, user.username, FRESH))).toMatchObject(NOTHING_SAID)
  })

  it('says nothing any more once config.yml has no list', async () => {
    const { server, client } = await newScene()
    const user = await server.addUser()
    const tokens = await server.signIn(client, user.username)
    const without = new TestServer({ clock: server.clock })
    expect(claimsOf(await without.refresh(client, tokens.refresh_token))).toMatchObject(NOTHING_SAID)
    expect(claimsOf(await without.signIn(client, user.username))).toMatchObject(NOTHING_SAID)
  })
})

describe('a sign-in with a breached password, by the outcome `change`', () => {
  const change = { outcome: 'change' }

  it('gives tokens for nothing: no scope, no role, at refreshes too', async () => {
    const { server, client } = await newScene(change)
    const user = await server.addUser({ roles: ['vip'] })
    const signedIn = await server.signIn(client, user.username)
    expect(claimsOf(signedIn)).toEqual(HELD)
    expect(Object.keys(signedIn)).toEqual(['token_type', 'expires_in', 'access_token', 'refresh_token'])
    expect(claimsOf(await server.refresh(client, signedIn.refresh_token))).toEqual(HELD)
  })

  it('tells whoever asked for a scope that none was granted (RFC 6749 §5.1)', async () => {
    const { server, client } = await newScene(change)
    const { username } = await server.addUser()
    const parameters = { grant_type: 'password', ...credentials(client), username, password: PASSWORD }
    const answer = await server.requireTokens({ ...parameters, scope: 'cart' })
    expect(answer).toMatchObject({ scope: '' })
    const excess = await server.postJson({ ...parameters, scope: 'cart admin' })
    expect([excess.status, await excess.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_scope' }),
    ])
  })

  it('is over with the change of the password: everything is as before', async () => {
    const { server, client } = await newScene(change)
    const boss = await TestOperator.signIn(new TestServer({ clock: server.clock }))
    const user = await server.addUser({ roles: ['vip'] })
    await server.signIn(client, user.username)
    await boss.post(`/users/${user.id}/password`, { password: FRESH })
    const again = await server.signIn(client, user.username, FRESH)
    expect(claimsOf(again)).toEqual({ scope: SCOPE, roles: ['vip'], ...NOTHING_SAID })
  })

  it('holds the sessions that the person has already, from their next refresh on', async () => {
    const { server, client } = await newScene(change)
    const { username } = await server.addUser({ roles: ['vip'] })
    const before = await new TestServer({ clock: server.clock }).signIn(client, username)
    expect(claimsOf(before)).toEqual({ scope: SCOPE, roles: ['vip'], ...NOTHING_SAID })
    await server.signIn(client, username)
    expect(claimsOf(await server.refresh(client, before.refresh_token))).toEqual(HELD)
  })

  it('gives a held session its whole scope back where config.yml says `claim` again', async () => {
    const { server, client } = await newScene(change)
    const { username } = await server.addUser({ roles: ['vip'] })
    const held = await server.signIn(client, username)
    const lenient = new TestServer({
      clock: server.clock,
      config: { breached_passwords: { range_url: RANGE_URL } },
    })
    const refreshed = await lenient.refresh(client, held.refresh_token)
    expect(claimsOf(refreshed)).toEqual({ scope: SCOPE, roles: ['vip'], ...CLAIMED })
  })

  it('lets an operator change their password and nothing else, and not to the same one', async () => {
    const { ranges, server } = await newScene(change)
    const operator = await TestOperator.signIn(server)
    expect(claimsOf(operator.tokens)).toEqual(HELD)
    const refused = await operator.get('/users')
    expect([refused.status, refused.body.type]).toEqual([
      403,
      'urn:problem-type:sallyport:password-change-required',
    ])
    expect((await operator.get('/me')).body).toMatchObject({
      must_change_password: true,
      password_breached: true,
    })
    // Away or not: what is known stays known.
    ranges.fault = () => new Response(null, { status: 503 })
    const same = { current_password: PASSWORD, password: PASSWORD }
    const again = await operator.post('/me/password', same)
    expect([again.status, again.body.errors]).toEqual([422, REFUSED])
    ranges.fault = null
    const other = { current_password: PASSWORD, password: FRESH }
    expect((await operator.post('/me/password', other)).status).toBe(204)
    await operator.refresh()
    expect(claimsOf(operator.tokens)).toMatchObject({ roles: ['admin'], ...NOTHING_SAID })
    expect((await operator.get('/users')).status).toBe(200)
  })
})

const REFUSED = [
  { path: 'password', message: 'the password is in a list of known breaches: choose another one' },
]

describe('a password that is set', () => {
  const draft = (password: string) => ({
    pool: 'customers',
    username: `${crypto.randomUUID()}@x.test`,
    password,
  })

  /** An operator whose own password is not looked for. */
  async function newOperator(server: TestServer): Promise<TestOperator> {
    const operator = await TestOperator.signIn(new TestServer({ clock: server.clock }))
    return new TestOperator(server, operator)
  }

  it('is refused where it is in a breach, by every way to set one, and counted', async () => {
    const { server } = await newScene()
    const operator = await newOperator(server)
    const user = await server.addUser()
    for (const [path, body, operation, subject] of [
      ['/users', draft(PASSWORD), 'createUser', null],
      [`/users/${user.id}/password`, { password: PASSWORD }, 'setPassword', user.id],
      ['/me/password', { current_password: PASSWORD, password: PASSWORD }, 'changeOwnPassword', operator.id],
    ] as const) {
      const { status, body: problem } = await operator.post(path, body)
      expect(problem).toEqual({
        type: 'urn:problem-type:sallyport:invalid-content',
        title: 'The content is not valid',
        status: 422,
        errors: REFUSED,
      })
      expect(status).toBe(422)
      const events = await auditOf({ kind: 'breached_password', actor: operator.id })
      expect(events.at(-1)).toMatchObject({ outcome: 'refused', reason: 'set: in a known breach', subject })
      const { results } = await env.DB.prepare(
        "SELECT change ->> 'operation' AS operation FROM audit_events WHERE actor = ? ORDER BY id DESC LIMIT 1",
      )
        .bind(operator.id)
        .all()
      expect(results).toEqual([{ operation }])
    }
  })

  it.each([true, false])('is refused in the row of an import, where dry_run is %s', async (isDryRun) => {
    const { server } = await newScene()
    const operator = await newOperator(server)
    const rows = [draft(PASSWORD), draft(FRESH)]
    const { body } = await operator.post('/users/import', { rows, dry_run: isDryRun })
    expect(body.results).toMatchObject([
      { status: 'refused', reason: `password: ${REFUSED[0]?.message}` },
      { status: 'created' },
    ])
  })

  it('is not asked for again at the first sign-in where it was found clear', async () => {
    const { ranges, server, client } = await newScene()
    const operator = await newOperator(server)
    const person = draft(FRESH)
    const { body } = await operator.post('/users', person)
    expect(await rowOf({ id: String(body.id) })).toEqual({
      breach_checked_at: server.clock.time,
      password_breached: 0,
    })
    await server.signIn(client, person.username, FRESH)
    expect(ranges.asked).toHaveLength(1)
  })

  it('is taken while the list is away, counted, and looked for at the next sign-in', async () => {
    const { ranges, server, client } = await newScene()
    const operator = await newOperator(server)
    ranges.fault = () => new Response(null, { status: 500 })
    const person = draft(PASSWORD)
    const { status, body } = await operator.post('/users', person)
    expect(status).toBe(201)
    expect(await auditOf({ kind: 'unchecked_password', actor: operator.id })).toMatchObject([
      { outcome: 'ok', reason: 'set: status 500' },
    ])
    expect(await rowOf({ id: String(body.id) })).toEqual({ breach_checked_at: null, password_breached: 0 })
    ranges.fault = null
    server.clock.time += 30
    expect(claimsOf(await server.signIn(client, person.username))).toMatchObject(CLAIMED)
  })

  it('may be any of 8 characters where config.yml has no list', async () => {
    const server = new TestServer()
    const operator = await newOperator(server)
    expect((await operator.post('/users', draft('password'))).status).toBe(201)
    const { status, body } = await operator.post('/users', draft('passwor'))
    expect([status, body.errors]).toEqual([
      422,
      [{ path: 'password', message: 'the password must be plain text of 8 to 128 characters' }],
    ])
  })
})

describe('while the list', () => {
  const lines = (text: string) => () => new Response(text)
  const endless = () =>
    new Response(
      new ReadableStream({ pull: (controller) => controller.enqueue(encodeUtf8('0'.repeat(65_536))) }),
    )
  const silent = ({ signal }: Request) =>
    new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const stalled = () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }))

  it.each([
    ['is down', 'status 503', () => new Response(null, { status: 503 })],
    ['wants us slower', 'status 429', () => new Response(null, { status: 429 })],
    ['has moved', 'status 302', () => Response.redirect('https://elsewhere.test/range/', 302)],
    ['cannot be reached', 'no connection', () => Promise.reject(new Error(`fetch ${RANGE_URL} failed`))],
    ['sends a page', 'a broken answer', lines('<!doctype html>')],
    ['sends without an end', 'too long an answer', endless],
    ['does not answer', 'timeout', silent],
    ['begins an answer and stops', 'timeout', stalled],
  ])('%s, people sign in unchecked, which is counted and not remembered', async (_case, reason, fault) => {
    const { ranges, server, client } = await newScene({ outcome: 'change' })
    const user = await server.addUser()
    ranges.fault = fault
    expect(claimsOf(await server.signIn(client, user.username))).toMatchObject({
      scope: SCOPE,
      ...NOTHING_SAID,
    })
    expect(await rowOf(user)).toEqual({ breach_checked_at: null, password_breached: 0 })
    expect(await auditOf({ subject: user.id, kind: 'unchecked_password' })).toMatchObject([
      { outcome: 'ok', reason: `sign-in: ${reason}`, client_id: client.id },
    ])
  })

  it('is away, nobody waits for it again for half a minute, and then somebody asks', async () => {
    const { ranges, server, client } = await newScene()
    const [first, second] = [await server.addUser(), await server.addUser()]
    ranges.fault = () => new Response(null, { status: 503 })
    await server.signIn(client, first.username)
    ranges.fault = null
    server.clock.time += 29
    expect(claimsOf(await server.signIn(client, second.username))).toMatchObject(NOTHING_SAID)
    expect(ranges.asked).toHaveLength(1)
    expect(await auditOf({ subject: second.id, kind: 'unchecked_password' })).toMatchObject([
      { reason: 'sign-in: not asked, it failed a moment ago' },
    ])
    server.clock.time += 1
    expect(claimsOf(await server.signIn(client, second.username))).toMatchObject(CLAIMED)
  })

  it('is away, what it said of a password stays', async () => {
    const { ranges, server, client } = await newScene({ outcome: 'change', recheck_days: 1 })
    const { username } = await server.addUser()
    await server.signIn(client, username)
    ranges.fault = () => new Response(null, { status: 503 })
    server.clock.time += DAY
    expect(claimsOf(await server.signIn(client, username))).toEqual(HELD)
  })
})

describe('what was found of a password', () => {
  it('stays with it where its hash is replaced', async () => {
    const { ranges, server, client } = await newScene()
    const username = `${crypto.randomUUID()}@example.com`
    const draft = { pool: 'customers', username, roles: [], enabled: true }
    const user = importUser(
      { ...draft, passwordHash: hashSync(PASSWORD, 4) },
      server.services,
      server.clock.time,
    )
    await server.services.users.add(user)
    await server.signIn(client, username)
    const now = await server.services.users.findById(user.id)
    expect(now).toMatchObject({ passwordBreached: true, passwordHash: expect.stringMatching(/^\$argon2id/) })
    await server.signIn(client, username)
    expect(ranges.asked).toHaveLength(1)
  })

  it.each([PASSWORD, FRESH])('is not noted of another that was set in between', async (password) => {
    let meanwhile = async () => {}
    const db = aroundD1(async (sql, call) => {
      if (isNote(sql)) await meanwhile()
      return call()
    })
    const { server, client } = await newScene({}, { env: { DB: db } })
    const user = await server.addUser({ password })
    const passwordHash = await server.services.passwords.hash(encodeUtf8('yet another one'))
    meanwhile = () => server.services.signOut.changePassword(user.id, { passwordHash }, server.context())
    await server.signIn(client, user.username, password)
    await server.settle()
    expect(await rowOf(user)).toEqual({ breach_checked_at: null, password_breached: 0 })
  })

  it('is noted before the answer, which is 503 where it cannot be: a refresh must know it', async () => {
    const faulty = new FaultyD1({ fault: 'before it is made', nth: 1, matches: isNote })
    const { server, client } = await newScene({ outcome: 'change' }, { env: { DB: faulty.db } })
    const { username } = await server.addUser()
    await expect(server.signIn(client, username)).rejects.toThrow('503')
    expect(claimsOf(await server.signIn(client, username))).toEqual(HELD)
  })

  it('costs nobody a sign-in where it is nothing and cannot be noted', async () => {
    const faulty = new FaultyD1({ fault: 'before it is made', nth: 1, matches: isNote })
    const { server, client } = await newScene({}, { env: { DB: faulty.db } })
    const user = await server.addUser({ password: FRESH })
    await server.signIn(client, user.username, FRESH)
    expect(faulty.failed).not.toBe(null)
    await server.signIn(client, user.username, FRESH)
    expect(await rowOf(user)).toEqual({ breach_checked_at: server.clock.time, password_breached: 0 })
  })
})

describe('neither a password nor any part of its SHA-1', () => {
  it('is in the log or the audit trail, found or not', async () => {
    const written: string[] = []
    for (const level of ['info', 'warn', 'error'] as const) {
      const spy = vi.spyOn(console, level).mockImplementation((line: string) => written.push(line))
      onTestFinished(() => spy.mockRestore())
    }
    const { ranges, server, client } = await newScene()
    const [user, other] = [await server.addUser(), await server.addUser()]
    await server.signIn(client, user.username)
    ranges.fault = ({ url }) => Promise.reject(new TypeError(`cannot reach ${url}`))
    await server.signIn(client, other.username)
    for (const { id } of [user, other]) written.push(JSON.stringify(await auditOf({ subject: id })))
    const text = written.join('\n').toUpperCase()
    expect(text).toContain('RANGE_SERVICE_FAILED')
    expect(text).toContain('IN A KNOWN BREACH')
    const { prefix, suffix } = await rangeOf(encodeUtf8(PASSWORD))
    for (const secret of [PASSWORD.toUpperCase(), `/${prefix}`, `"${prefix}`, suffix]) {
      expect(text).not.toContain(secret)
    }
  })
})
