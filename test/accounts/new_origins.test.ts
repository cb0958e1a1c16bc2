import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MAX_ORIGINS, ORIGIN_SECONDS } from '../../src/accounts/known_origin_store.ts'
import { addReader, linkOf, setProfile } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import { authorize, browserOf, CODE_CLIENT } from '../support/authorize.ts'
import { describeCustomers } from '../support/customer_places.ts'
import { MAIL } from '../support/mail_sink.ts'
import { ABROAD, FIREFOX, HOME, signInFrom, type TestPlace, takeKinds } from '../support/notifications.ts'
import { emptyStores, type TestClient, TestServer } from '../support/server.ts'

const CONFIG = { mail: { ...MAIL, budgets: { address: 100 } } }

let server: TestServer
/** A public client, whose requests come from the device of the user. */
let app: TestClient
/** A back end. */
let shop: TestClient

beforeAll(emptyStores)
beforeEach(async () => {
  server = new TestServer({ config: CONFIG })
  app = await server.addClient({ confidential: false })
  shop = await server.addClient()
})

type Reader = Awaited<ReturnType<typeof addReader>>

async function signIn({ username }: Reader, place: TestPlace, client = app): Promise<void> {
  expect((await signInFrom(server, { client, username }, place)).status).toBe(200)
}

const originsOf = async ({ id }: Reader) =>
  (
    await env.DB.prepare('SELECT origin, seen_at FROM known_origins WHERE subject = ? ORDER BY origin')
      .bind(id)
      .all()
  ).results

describeCustomers('a new origin of a sign-in', () => {
  it('the first origin of an account sends no mail, and the next one sends time, device and country', async () => {
    const reader = await addReader(server)
    await signIn(reader, HOME)
    expect(await server.takeMails()).toEqual([])
    await signIn(reader, ABROAD)
    const [mail, ...others] = await server.takeMails()
    expect(others).toEqual([])
    expect(mail).toMatchObject({ kind: 'new_device', to: reader.email, language: 'en' })
    expect(mail?.text).toContain('Device: Firefox on Linux\nCountry: France')
    expect(linkOf({ text: mail?.text ?? '' }, 'end-sessions').pathname).toBe(
      '/account/customers/end-sessions',
    )
    expect(await auditOf({ kind: 'notification', subject: reader.id })).toEqual([
      {
        kind: 'notification',
        outcome: 'ok',
        api: 'storefront',
        client_id: app.id,
        subject: reader.id,
        sid: null,
        reason: 'a sign-in from a new device or network: a mail was sent',
        address_prefix: '198.51.100.0/24',
        actor: null,
        actor_client: null,
      },
    ])
  })

  it('of 10 parallel sign-ins from a new origin, at two isolates, one sends a mail', async () => {
    const isolates = [server, server.anotherIsolate()]
    const reader = await addReader(server)
    await signIn(reader, HOME)
    const attempt = { client: app, username: reader.username }
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => signInFrom(isolates[i % 2] ?? server, attempt, ABROAD)),
    )
    expect(await takeKinds(server)).toEqual(['new_device'])
  })
})

describe('a sign-in by the password grant', () => {
  it.each<[string, TestPlace, boolean]>([
    ['the same device and network', HOME, false],
    ['another IP address of the provider', { ...HOME, address: '192.0.2.1' }, false],
    ['another device', { ...HOME, userAgent: FIREFOX }, true],
    ['another provider', { ...HOME, asn: 3215 }, true],
    ['another country', { ...HOME, country: 'AT' }, true],
  ])('a later sign-in from %s: whether the user gets a mail', async (_, place, isMailed) => {
    const reader = await addReader(server)
    await signIn(reader, HOME)
    await signIn(reader, place)
    await signIn(reader, place)
    expect(await takeKinds(server)).toEqual(isMailed ? ['new_device'] : [])
  })

  it('without the number of the provider, the network of the IP address is compared', async () => {
    const reader = await addReader(server)
    for (const address of ['203.0.113.7', '203.0.113.200', '198.51.100.9', '198.51.100.10'])
      await signIn(reader, { address })
    expect(await takeKinds(server)).toEqual(['new_device'])
  })

  it('a back end with two networks sends no mail, except one to each user who signed in by another client before', async () => {
    const readers = await Promise.all(Array.from({ length: 5 }, () => addReader(server)))
    for (const reader of readers) for (const place of [HOME, ABROAD]) await signIn(reader, place, shop)
    expect(await server.takeMails()).toEqual([])
    const reader = await addReader(server)
    await signIn(reader, HOME)
    for (const place of [ABROAD, HOME, ABROAD]) await signIn(reader, place, shop)
    const mails = await server.takeMails()
    expect(mails.map(({ kind, to }) => [kind, to])).toEqual([['new_device', reader.email]])
    // The device and the country are those of the back end.
    expect(mails[0]?.text).not.toMatch(/Device|Country/)
  })

  it('a sign-in that fails sends no mail and stores no origin', async () => {
    const reader = await addReader(server)
    await signIn(reader, HOME)
    const before = await originsOf(reader)
    const wrong = { client: app, username: reader.username, password: 'wrong' }
    expect((await signInFrom(server, wrong, ABROAD)).status).toBe(400)
    const unknown = { client: app, username: 'unknown' }
    expect((await signInFrom(server, unknown, ABROAD)).status).toBe(400)
    expect(await server.takeMails()).toEqual([])
    expect(await originsOf(reader)).toEqual(before)
  })

  it('guests, and users of a server without mail, have no origins', async () => {
    const silent = new TestServer()
    const client = await silent.addClient()
    const user = await silent.addUser()
    await silent.signIn(client, user.username)
    await server.signIn(app, 'guest', 'guest')
    const rows = env.DB.prepare(
      "SELECT count(*) AS n FROM known_origins WHERE subject = ? OR subject LIKE 'visitor%'",
    )
    expect(await rows.bind(user.id).first('n')).toBe(0)
  })

  it('a user without a verified address gets no mail, and the trail has the reason', async () => {
    const user = { ...(await server.addUser()), email: '' }
    await signIn(user, HOME)
    await signIn(user, ABROAD)
    expect(await server.takeMails()).toEqual([])
    expect(await auditOf({ kind: 'notification', subject: user.id })).toMatchObject([
      {
        outcome: 'refused',
        reason: 'a sign-in from a new device or network: no mail, because the user has no verified address',
      },
    ])
  })

  it.each([
    ['de-AT', 'fr', 'de'],
    [undefined, 'fr-CH, en;q=0.5', 'fr'],
    ['ja', 'sv, pl;q=0.5', 'pl'],
    [undefined, undefined, 'en'],
  ])(
    'a user with the locale %s and a request in %s gets a mail in %s',
    async (locale, language, expected) => {
      const reader = await addReader(server)
      await setProfile(reader.id, { email: reader.email, email_verified: true, locale })
      await signIn(reader, HOME)
      await signIn(reader, { ...ABROAD, ...(language === undefined ? {} : { language }) })
      expect((await server.takeMails()).map((mail) => mail.language)).toEqual([expected])
    },
  )

  it('a queue that is down changes no response, and the trail has the reason', async () => {
    const down = { send: () => Promise.reject(new Error('the queue is down')) }
    server = new TestServer({ config: CONFIG, env: { MAIL_QUEUE: down } })
    const reader = await addReader(server)
    await signIn(reader, HOME)
    await signIn(reader, ABROAD)
    expect(await auditOf({ kind: 'notification', subject: reader.id })).toMatchObject([
      { reason: 'a sign-in from a new device or network: no mail, because the queue is down' },
    ])
  })
})

describe('the stored origins', () => {
  const placeOf = (i: number): TestPlace => ({ ...HOME, asn: 64_500 + i, address: `192.0.2.${i}` })

  it('an origin is a hash that differs between users, and a known origin is written once a day', async () => {
    const readers = [await addReader(server), await addReader(server)]
    for (const reader of readers) await signIn(reader, HOME)
    const [[first], [second]] = await Promise.all([
      originsOf(readers[0] as Reader),
      originsOf(readers[1] as Reader),
    ])
    expect(first?.origin).toMatch(/^[\w-]{22}$/)
    expect(first?.origin).not.toBe(second?.origin)
    const seen = server.clock.time
    for (const [seconds, seenAt] of [
      [86_399, seen],
      [1, seen + 86_400],
    ] as const) {
      server.clock.time += seconds
      await signIn(readers[0] as Reader, HOME)
      expect(await originsOf(readers[0] as Reader)).toEqual([{ ...first, seen_at: seenAt }])
    }
  })

  it(`an attacker needs ${MAX_ORIGINS} new origins, with a mail for each, to make the origin of the owner unknown`, async () => {
    const reader = await addReader(server)
    await signIn(reader, HOME)
    for (let i = 1; i < MAX_ORIGINS; i++) {
      server.clock.time += 60
      await signIn(reader, placeOf(i))
    }
    await signIn(reader, HOME)
    expect(await takeKinds(server)).toEqual(Array(MAX_ORIGINS - 1).fill('new_device'))
    expect(await originsOf(reader)).toHaveLength(MAX_ORIGINS)
    server.clock.time += 60
    await signIn(reader, placeOf(MAX_ORIGINS))
    expect(await originsOf(reader)).toHaveLength(MAX_ORIGINS)
    await server.takeMails()
    await signIn(reader, HOME)
    expect(await takeKinds(server)).toEqual(['new_device'])
  })

  it('the sweep removes an origin 400 days after its last sign-in, and a deletion removes all of a user', async () => {
    const [old, current] = [await addReader(server), await addReader(server)]
    await signIn(old, HOME)
    server.clock.time += ORIGIN_SECONDS
    await signIn(current, HOME)
    await server.sweep()
    expect([await originsOf(old), (await originsOf(current)).length]).toEqual([[], 1])
    const conditions = { versions: null, adminPool: null, now: server.clock.time }
    await server.services.userAdmin.remove(current.id, conditions, [])
    expect(await originsOf(current)).toEqual([])
  })

  it('a change of SEALING_KEY keeps the origins known while both keys are set', async () => {
    const reader = await addReader(server)
    await signIn(reader, HOME)
    const next = { SEALING_KEY_NEXT: `${'A'.repeat(42)}E` }
    const changed = new TestServer({ config: CONFIG, env: next, clock: server.clock, mails: server.mails })
    await signInFrom(changed, { client: app, username: reader.username }, HOME)
    expect(await takeKinds(changed)).toEqual([])
    expect(await originsOf(reader)).toHaveLength(2)
  })
})

describe('a sign-in on the pages', () => {
  it('a browser that signed in before sends no mail, and another browser in the same network does', async () => {
    const client = await server.addClient(CODE_CLIENT)
    const reader = await addReader(server)
    const browser = browserOf(server)
    for (let i = 0; i < 2; i++)
      await authorize(server, client, { username: reader.username, browser, changes: { prompt: 'login' } })
    expect(await server.takeMails()).toEqual([])
    await authorize(server, client, { username: reader.username })
    expect(await takeKinds(server)).toEqual(['new_device'])
    server.asn = 3215
    await authorize(server, client, { username: reader.username, browser, changes: { prompt: 'login' } })
    expect(await takeKinds(server)).toEqual(['new_device'])
  })
})
