import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { RevocationStore } from '../../src/sessions/revocation_store.ts'
import { UserOutboxStore } from '../../src/users/user_outbox_store.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, readCode, signInAt } from '../support/authorize.ts'
import { begin, STEP_CLIENT, step } from '../support/challenge.ts'
import { AGENT_CONFIG, newDocument } from '../support/client_documents.ts'
import { CHECK, CONFIG, exchange, INDEX, newScene, once } from '../support/exchange_races.ts'
import { FAULTS, FaultyStore } from '../support/faults.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { readSession } from '../support/session_stores.ts'
import { signOutUser } from '../support/sign_out.ts'

interface Consent {
  id: string
  scopes: string
  withdrawn_at: number | null
}

async function consentsOf(subject: string): Promise<Consent[]> {
  const select = env.DB.prepare('SELECT id, scopes, withdrawn_at FROM consents WHERE subject = ?')
  return (await select.bind(subject).all<Consent>()).results
}

/** A user of USERS_1, and a code that the user allowed a third-party client. */
async function allowedScene() {
  const scene = await newScene()
  const { near, user } = scene
  const partner = await near.addClient({ ...CODE_CLIENT, isFirstParty: false })
  const browser = browserOf(near)
  await browser.open(authorizeUrl(partner, { scope: 'cart' }))
  await signInAt(browser, user.username)
  const allow = async () => {
    if (browser.page.url.searchParams.get('code') === null) await browser.press('Allow')
    return browser.page.url.searchParams.get('code')
  }
  const next = async (changes = {}) => {
    await browser.open(authorizeUrl(partner, { scope: 'cart', ...changes }))
    return allow()
  }
  return { ...scene, partner, browser, code: await allow(), next }
}

const deleteUser = (server: TestServer, id: string) =>
  server.services.signOut.removeUser(id, { reason: 'deleted' }, server.context())

describe('the consents of users of a further database', () => {
  beforeAll(emptyStores)

  it('the exchange stores the consent, and an operator lists and withdraws it, which ends its session', async () => {
    const { near, user, partner, code, next, browser } = await allowedScene()
    expect(await consentsOf(user.id)).toEqual([])
    const tokens = await near.requireTokens(exchangeOf(partner, code))
    const [stored] = await consentsOf(user.id)
    expect(stored).toMatchObject({ scopes: '["cart"]', withdrawn_at: null })
    expect(
      (await browser.open(authorizeUrl(partner, { scope: 'cart', prompt: 'none' }))).url.searchParams.get(
        'code',
      ),
    ).not.toBeNull()
    const operator = await TestOperator.confirmed(near)
    const listed = await operator.get(`/users/${user.id}/consents`)
    expect(listed.body).toMatchObject({ items: [{ consent_id: stored?.id, client_id: partner.id }] })
    near.clock.time += 10
    expect((await operator.delete(`/users/${user.id}/consents/${stored?.id}`)).status).toBe(204)
    await expect(near.refresh(partner, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    const { url } = await browser.open(authorizeUrl(partner, { scope: 'cart', prompt: 'none' }))
    expect(url.searchParams.get('error')).toBe('consent_required')
    near.clock.time += 10
    const again = await near.requireTokens(exchangeOf(partner, await next()))
    await near.refresh(partner, again.refresh_token)
  })

  it.each([
    ['before the check in the main database it refuses the code', 'before', 400],
    ['after it, it ends the new session', 'after', 200],
  ] as const)('a withdrawal at the time of an exchange: %s', async (_what, when, status) => {
    const { near, user, partner, code, next, isolate } = await allowedScene()
    await near.requireTokens(exchangeOf(partner, code))
    const operator = await TestOperator.confirmed(near)
    const [{ id } = { id: '' }] = await consentsOf(user.id)
    const second = await next()
    const { sid } = await readCode(near, second)
    const withdraw = async () => {
      expect((await operator.delete(`/users/${user.id}/consents/${id}`)).status).toBe(204)
    }
    const server = isolate({ DB: aroundD1(once(INDEX, when, withdraw)) })
    expect((await exchange(server, partner, second)).status).toBe(status)
    expect(await readSession(sid, 'ended_at IS NOT NULL AS has_ended')).toEqual([{ has_ended: 1 }])
    expect(await consentsOf(user.id)).toMatchObject([{ withdrawn_at: expect.any(Number) }])
  })

  it.each([
    ['signed out', signOutUser],
    ['deleted', deleteUser],
  ])('a user who is %s before the check gives no consent', async (_what, end) => {
    const { near, user, partner, code, isolate } = await allowedScene()
    const around = once(CHECK, 'before', () => end(near, user.id))
    const server = isolate({ USERS_1: aroundD1(around, env.USERS_1) })
    expect((await exchange(server, partner, code)).status).toBe(400)
    expect(await consentsOf(user.id)).toEqual([])
  })

  it('the consent of a user who is deleted after the check is removed, and its tokens are revoked', async () => {
    const { near, user, partner, code, isolate } = await allowedScene()
    // The move of the deletion runs before the consent is stored.
    const end = async () => {
      await deleteUser(near, user.id)
      await near.cron()
    }
    const server = isolate({ USERS_1: aroundD1(once(CHECK, 'after', end), env.USERS_1) })
    const tokens = await exchange(server, partner, code)
    expect([tokens.status, (await consentsOf(user.id)).length]).toEqual([200, 1])
    await expect(near.refresh(partner, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    await near.cron()
    expect(await consentsOf(user.id)).toEqual([])
  })

  it('the consent is also removed if the feed has merged the entry of the deletion', async () => {
    const { near, user, partner, code, isolate } = await allowedScene()
    const end = async () => {
      await deleteUser(near, user.id)
      await near.cron()
      const revocations = new RevocationStore(env.USERS_1)
      const { time: now } = near.clock
      const found = (await revocations.list({ now })).revocations
      const all = { kind: 'all', value: '', before: now, clientId: null, reason: 'merged' } as const
      const removedIds = found.map(({ id }) => id)
      await revocations.merge({ additions: [{ ...all, expiresAt: now + 900 }], removedIds }, now)
    }
    const server = isolate({ USERS_1: aroundD1(once(CHECK, 'after', end), env.USERS_1) })
    expect((await exchange(server, partner, code)).status).toBe(200)
    expect(await consentsOf(user.id)).toHaveLength(1)
    await near.cron()
    expect(await consentsOf(user.id)).toEqual([])
  })

  it.each([
    ['at the start of an hour', 0],
    ['almost ten minutes later', 599],
  ])('the consent is also removed if no run could read for 47 hours, by a run %s', async (_when, late) => {
    const { near, user, partner, code, isolate } = await allowedScene()
    const end = async () => {
      await deleteUser(near, user.id)
      await near.cron()
    }
    const server = isolate({ USERS_1: aroundD1(once(CHECK, 'after', end), env.USERS_1) })
    expect((await exchange(server, partner, code)).status).toBe(200)
    expect(await consentsOf(user.id)).toHaveLength(1)
    await env.USERS_1.exec('UPDATE user_changes SET at = at - 47 * 3600')
    near.clock.time = (Math.floor(near.clock.time / 3600) + 48) * 3600 + late
    await near.sweep()
    expect(await consentsOf(user.id)).toEqual([])
  })

  it('the rows of many deleted users are removed in parts', async () => {
    const { near } = await newScene()
    const users = [await near.addUser(), await near.addUser(), await near.addUser()]
    const remains = await near.addUser()
    await signOutUser(near, remains.id)
    for (const { id } of users) await deleteUser(near, id)
    const subjects = [...users, remains].map(({ id }) => id)
    for (const id of subjects)
      await near.services.browserSessions.end(
        { ids: [id], subject: id, keepUntil: near.clock.time + 1000, reason: 'signed out in the browser' },
        near.clock.time,
      )
    const outbox = new UserOutboxStore(env.DB, { name: 'u1', db: env.USERS_1 })
    const page = { recentSeconds: 3600, before: Number.MAX_SAFE_INTEGER }
    const left = env.DB.prepare(
      'SELECT subject FROM ended_browser_sessions WHERE subject IN (SELECT value FROM json_each(?))',
    ).bind(JSON.stringify(subjects))
    expect(await outbox.removeLeft(page, 2)).toBe(2)
    expect((await left.all()).results).toHaveLength(2)
    while ((await outbox.removeLeft(page, 2)) === 2);
    expect((await left.all()).results).toEqual([{ subject: remains.id }])
  })

  it('the deletion of a user removes no consent of another user', async () => {
    const { near, user, partner, code } = await allowedScene()
    await near.requireTokens(exchangeOf(partner, code))
    const operator = await TestOperator.confirmed(near)
    const other = await near.addUser()
    const { headers } = await operator.get(`/users/${other.id}`)
    expect((await operator.delete(`/users/${other.id}`, headers.get('ETag'))).status).toBe(204)
    await near.cron()
    expect(await consentsOf(user.id)).toHaveLength(1)
    const own = await operator.get(`/users/${user.id}`)
    expect((await operator.delete(`/users/${user.id}`, own.headers.get('ETag'))).status).toBe(204)
    await near.settle()
    expect(await consentsOf(user.id)).toEqual([])
  })

  it.each([
    ['USERS_1', CHECK],
    ['DB', INDEX],
  ] as const)(
    'while %s is down, the exchange of an allowed code gets 503, and then works once',
    async (binding, part) => {
      const { user, partner, code, next, isolate } = await allowedScene()
      let current = code
      for (const fault of FAULTS) {
        const store = new FaultyStore()
        store.judge = (sql) => (sql.includes(part) ? fault : null)
        const server = isolate({ [binding]: aroundD1(store.around, env[binding]) })
        const before = (await consentsOf(user.id)).length
        expect((await exchange(server, partner, current)).status).toBe(503)
        await store.settle()
        if (binding === 'USERS_1') expect(await consentsOf(user.id)).toHaveLength(before)
        store.comeBack()
        expect((await exchange(server, partner, current)).status).toBe(200)
        expect((await exchange(server, partner, current)).status).toBe(400)
        expect(await consentsOf(user.id)).toHaveLength(1)
        current = await next({ prompt: 'consent' })
      }
    },
  )

  it('a user allows an agent whose client id is the URL of its document', async () => {
    const { user_databases, session_objects } = CONFIG
    const server = new TestServer({ config: { ...AGENT_CONFIG, user_databases, session_objects } })
    const user = await server.addUser()
    const agent = await newDocument(server)
    const browser = browserOf(server)
    await browser.open(authorizeUrl(agent.client, { scope: 'cart' }))
    await signInAt(browser, user.username)
    const { url } = await browser.press('Allow')
    const tokens = await server.requireTokens(exchangeOf(agent.client, url.searchParams.get('code')))
    const claims = { sub: user.id, client_id: agent.url, scope: 'cart' }
    expect(decodeJwt(tokens.access_token)).toMatchObject(claims)
    const refresh = { grant_type: 'refresh_token', client_id: agent.url, refresh_token: tokens.refresh_token }
    const refreshed = await server.requireTokens(refresh)
    expect(decodeJwt(refreshed.access_token)).toMatchObject(claims)
    await signOutUser(server, user.id)
    const again = await server.postJson({ ...refresh, refresh_token: refreshed.refresh_token })
    expect(again.status).toBe(400)
  })
})

describe('the authorization challenge endpoint for users of a further database', () => {
  beforeAll(emptyStores)

  it('a right password gives a code, and a user who must change the password continues in a browser', async () => {
    const { near, user } = await newScene()
    const shop = await near.addClient(STEP_CLIENT)
    const { auth_session: begun } = await begin(near, shop)
    const named = await step(near, shop, { auth_session: begun, username: user.username })
    expect([named.status, named.next]).toEqual([400, ['username', 'password']])
    const proof = { auth_session: named.auth_session, password: PASSWORD }
    const done = await step(near, shop, proof)
    const code = done.authorization_code ?? null
    const exchanged = await near.requireTokens(exchangeOf(shop, code, { redirect_uri: undefined }))
    expect(decodeJwt(exchanged.access_token)).toMatchObject({ sub: user.id, amr: ['pwd'] })
    await near.refresh(shop, exchanged.refresh_token)
    expect(await step(near, shop, proof)).toMatchObject({ status: 400, error: 'invalid_session' })
    const { username } = await near.addUser({ mustChangePassword: true })
    const more = await step(near, shop, { username, password: PASSWORD })
    expect([more.status, more.error]).toEqual([400, 'redirect_to_web'])
  })

  it('while the database is down, each password gets 503, and the auth_session stays usable', async () => {
    const { near, user, isolate } = await newScene()
    const shop = await near.addClient(STEP_CLIENT)
    const store = new FaultyStore()
    const server = isolate({ USERS_1: aroundD1(store.around, env.USERS_1) })
    const { auth_session } = await begin(server, shop)
    store.suffer('before it is made')
    for (const [username, password] of [
      [user.username, PASSWORD],
      [user.username, 'wrong'],
      ['unknown@example.com', 'wrong'],
    ] as const) {
      const { status, error } = await step(server, shop, { auth_session, username, password })
      expect([status, error]).toEqual([503, 'temporarily_unavailable'])
    }
    store.comeBack()
    const proof = { auth_session, username: user.username, password: PASSWORD }
    const all = await Promise.all([1, 2, 3].map(() => step(server, shop, proof)))
    expect(all.map(({ status }) => status).sort()).toEqual([200, 400, 400])
  })

  it('a wrong password and an unknown name get one response', async () => {
    const { near, user } = await newScene()
    const shop: TestClient = await near.addClient(STEP_CLIENT)
    const { auth_session } = await begin(near, shop)
    const wrong = await step(near, shop, { auth_session, username: user.username, password: 'wrong' })
    const unknown = await step(near, shop, { auth_session, username: 'nobody@shop.test', password: 'wrong' })
    expect(wrong).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(unknown).toEqual(wrong)
  })
})
