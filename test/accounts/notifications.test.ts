import { beforeAll, describe, expect, it } from 'vitest'
import { SECOND_FACTOR_WAIT_SECONDS } from '../../src/accounts/notifications.ts'
import { addReader, linkOf, setProfile } from '../support/account_links.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { auditOf } from '../support/audit.ts'
import { authorizeUrl, browserOf, CODE_CLIENT, signInAt } from '../support/authorize.ts'
import { STEP_CLIENT, step } from '../support/challenge.ts'
import { MAIL } from '../support/mail_sink.ts'
import { wrongOf } from '../support/mailed_codes.ts'
import { ABROAD, HOME, signInFrom, takeKinds } from '../support/notifications.ts'
import { TestOperator } from '../support/operator.ts'
import { enrol } from '../support/second_factor.ts'
import { credentials, emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { SoftwareAuthenticator } from '../support/software_authenticator.ts'

const CONFIG = {
  mail: MAIL,
  accounts: { customers: { second_factor: 'optional', passkeys: { rp_id: 'shop.test' } } },
}
const NEW_PASSWORD = 'a new and long passphrase'

type Reader = Awaited<ReturnType<typeof addReader>>

/** What has happened before an event, and the parts that cause it. */
interface Scene {
  server: TestServer
  reader: Reader
  app: TestClient
  operator: TestOperator
}

interface Cause {
  event: string
  /** Prepares the event. Its mails are not counted. @returns the event */
  prepare(scene: Scene): Promise<() => Promise<unknown>>
  /** The kinds of the mails. */
  mails: string[]
  /** The words of the events. */
  words: string[]
}

const grantOf = ({ app, reader }: Scene) => ({ client: app, username: reader.username })

async function addPasskey({ server, reader: { id: subject, pool, username } }: Scene) {
  const account = { subject, pool, username, displayName: 'Ann', service: 'Shop', holder: 'browser' }
  const started = await server.services.passkeys.startRegistration(account, server.clock.time)
  if (started === null) throw new Error('no passkeys')
  const authenticator = await SoftwareAuthenticator.make('ES256', ISSUER)
  const response = await authenticator.create(started.options)
  const about = { subject, pool, holder: 'browser', name: 'Phone', clientId: 'shop', api: 'storefront' }
  return () =>
    server.services.passkeys.finishRegistration(
      { ...about, response, isFirst: false, sealed: started.sealed },
      server.context(),
    )
}

const CAUSES: Cause[] = [
  {
    event: 'an operator sets a password',
    prepare:
      async ({ operator, reader }) =>
      () =>
        operator.post(`/users/${reader.id}/password`, { password: NEW_PASSWORD }),
    mails: ['password_changed'],
    words: ['the password was changed'],
  },
  {
    event: 'a user changes the password on the page',
    async prepare({ server, reader, operator }) {
      await operator.post(`/users/${reader.id}/require-password-change`)
      const browser = browserOf(server)
      await browser.open(authorizeUrl(await server.addClient(CODE_CLIENT)))
      await signInAt(browser, reader.username)
      const next = { 'New password': NEW_PASSWORD, 'New password again': NEW_PASSWORD }
      return () => browser.press('Set password', { 'Current password': PASSWORD, ...next })
    },
    mails: ['password_changed'],
    words: ['the password was changed'],
  },
  {
    event: 'an operator changes the verified address',
    async prepare({ operator, reader }) {
      const { body, headers } = await operator.get(`/users/${reader.id}`)
      const profile = { ...(body.profile as object), email: 'thief@example.com', email_verified: undefined }
      return () => operator.patch(`/users/${reader.id}`, { profile }, headers.get('ETag'))
    },
    mails: ['address_changed'],
    words: ['the email address was changed'],
  },
  {
    event: 'a user adds an authenticator app',
    prepare:
      async ({ server, reader }) =>
      () =>
        enrol(server, reader),
    mails: ['factor_changed'],
    words: ['an authenticator app was added'],
  },
  {
    event: 'a user replaces the recovery codes and removes the app',
    async prepare({ server, reader }) {
      const { change } = await enrol(server, reader)
      return async () => {
        await server.services.authenticatorApps.renewRecoveryCodes(change, server.context())
        const removal = { ...change, remaining: null }
        await server.services.authenticatorApps.remove(removal, server.context())
        await server.services.authenticatorApps.remove(removal, server.context())
      }
    },
    mails: ['factor_changed', 'factor_changed'],
    words: ['the recovery codes were replaced', 'the authenticator app was removed'],
  },
  {
    event: 'a user adds a passkey',
    prepare: addPasskey,
    mails: ['factor_changed'],
    words: ['a passkey was added'],
  },
  {
    event: 'an operator removes all factors',
    async prepare(scene) {
      await (await addPasskey(scene))()
      await enrol(scene.server, scene.reader)
      return () => scene.operator.delete(`/users/${scene.reader.id}/factors`)
    },
    mails: ['factor_changed', 'factor_changed'],
    words: ['the authenticator app was removed', 'a passkey was removed'],
  },
  {
    event: 'a user signs in by a recovery code',
    async prepare({ server, reader }) {
      const { recoveryCodes } = await enrol(server, reader)
      const browser = browserOf(server)
      await browser.open(authorizeUrl(await server.addClient(CODE_CLIENT)))
      await signInAt(browser, reader.username)
      const code = { 'Recovery code': recoveryCodes[0] ?? '' }
      return () => browser.press('Continue with the recovery code', code)
    },
    mails: ['factor_changed'],
    words: ['a recovery code was used'],
  },
  {
    event: 'a copied refresh token is used again',
    async prepare({ server, reader, app }) {
      const first = await server.signIn(app, reader.username)
      await server.refresh(app, first.refresh_token)
      server.clock.time += 3600
      return async () => {
        const replay = {
          grant_type: 'refresh_token',
          refresh_token: first.refresh_token,
          ...credentials(app),
        }
        for (let i = 0; i < 3; i++) expect((await server.postJson(replay)).status).toBe(400)
      }
    },
    mails: ['token_theft'],
    words: ['a copied token was used'],
  },
  {
    event: 'a right password lacks the second factor, from an unknown and from a known origin',
    async prepare(scene) {
      await signInFrom(scene.server, grantOf(scene), HOME)
      await enrol(scene.server, scene.reader)
      return async () => {
        expect((await signInFrom(scene.server, grantOf(scene), HOME)).status).toBe(403)
        expect((await signInFrom(scene.server, grantOf(scene), ABROAD)).status).toBe(403)
      }
    },
    mails: ['more_needed'],
    words: ['a right password without the second factor'],
  },
]

describe('the notifications of an account', () => {
  beforeAll(emptyStores)

  it.each(CAUSES)(
    'if $event, the user gets a mail with the link, and the trail has an event',
    async (cause) => {
      const server = new TestServer({ config: CONFIG })
      const reader = await addReader(server)
      const app = await server.addClient({ confidential: false, isFirstParty: true })
      const scene = { server, reader, app, operator: await TestOperator.confirmed(server) }
      const act = await cause.prepare(scene)
      await server.settle()
      await server.takeMails()
      const before = await auditOf({ kind: 'notification', subject: reader.id })
      await act()
      await server.settle()
      const mails = await server.takeMails()
      expect(mails.map(({ kind, to }) => [kind, to])).toEqual(cause.mails.map((kind) => [kind, reader.email]))
      for (const mail of mails) expect(linkOf(mail, 'end-sessions').searchParams.get('token')).not.toBeNull()
      const events = (await auditOf({ kind: 'notification', subject: reader.id })).slice(before.length)
      expect(events.map(({ outcome, reason }) => [outcome, reason])).toEqual(
        cause.words.map((words) => ['ok', `${words}: a mail was sent`]),
      )
    },
  )

  it.each([
    { step: 'the second factor', from: 'a known back end', mails: [[], []] },
    { step: 'a wrong second factor', from: 'a known back end', mails: [[], ['more_needed']] },
    { step: 'nothing', from: 'a known back end', mails: [[], ['more_needed']] },
    { step: 'nothing', from: 'a known back end without the code grant', mails: [['more_needed'], []] },
    { step: 'nothing', from: 'an unknown back end', mails: [[], ['more_needed']] },
    { step: 'nothing', from: 'a known browser', mails: [[], []] },
  ])(
    'after a right password from $from, $step follows, so the mails at once and five minutes later are $mails',
    async ({ step: input, from, mails }) => {
      const server = new TestServer({ config: CONFIG })
      const reader = await addReader(server)
      const first = await server.addClient({ confidential: false })
      const shop = await server.addClient({
        ...STEP_CLIENT,
        confidential: !from.includes('browser'),
        ...(from.includes('without') ? { grants: ['password'] } : {}),
      })
      await signInFrom(server, { client: first, username: reader.username }, HOME)
      if (from.includes('a known'))
        await signInFrom(server, { client: shop, username: reader.username }, HOME)
      const app = await enrol(server, reader)
      await server.settle()
      await server.takeMails()
      const response = await signInFrom(server, { client: shop, username: reader.username }, HOME)
      const { auth_session } = await response.json<{ auth_session?: string }>()
      const totp = await app.codeAt(server.clock.time)
      const right = { auth_session, totp }
      if (input === 'the second factor') expect((await step(server, shop, right)).status).toBe(200)
      if (input === 'a wrong second factor')
        expect((await step(server, shop, { ...right, totp: wrongOf(totp) })).status).toBe(400)
      const atOnce = await takeKinds(server)
      server.clock.time += SECOND_FACTOR_WAIT_SECONDS
      const later = (await server.takeDelayedMails()).map(({ kind }) => kind)
      expect([response.status, atOnce, later]).toEqual([403, ...mails])
      const events = await auditOf({ kind: 'notification', subject: reader.id, outcome: 'ok' })
      const sent = events.filter(({ reason }) => reason.startsWith('a right password without'))
      expect(sent).toHaveLength(mails.flat().length)
    },
  )

  it('an address gets at most 20 notifications an hour, and then each event is in the trail with the reason', async () => {
    const server = new TestServer({ config: CONFIG })
    const reader = await addReader(server)
    const news = { kind: 'password_changed' } as const
    const concerned = { subject: reader.id, api: 'storefront', clientId: null }
    for (let i = 0; i < 25; i++) {
      server.services.notifications.send(concerned, news, server.context())
      await server.settle()
    }
    expect(await server.takeMails()).toHaveLength(20)
    const events = await auditOf({ kind: 'notification', subject: reader.id, outcome: 'refused' })
    expect(events.map(({ reason }) => reason)).toEqual(
      Array(5).fill('the password was changed: no mail, because the budget of the address is used up'),
    )
    server.clock.time += 3600
    server.services.notifications.send(concerned, news, server.context())
    await server.settle()
    expect(await server.takeMails()).toHaveLength(1)
  })

  it('no response waits for a notification or for the origins', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const waiting: string[] = []
    const db = aroundD1(async (sql, call) => {
      if (/known_origins|mail_budgets|FROM users WHERE id = \?$/.test(sql)) {
        waiting.push(sql)
        await released
      }
      return call()
    })
    const server = new TestServer({ config: CONFIG, env: { DB: db } })
    const reader = await addReader(server)
    const app = await server.addClient({ confidential: false })
    for (const [address, status] of [
      ['203.0.113.7', 200],
      ['198.51.100.9', 200],
    ] as const) {
      const body = JSON.stringify({
        grant_type: 'password',
        ...credentials(app),
        username: reader.username,
        password: PASSWORD,
      })
      const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': address }
      const request = new Request(`${ISSUER}/oauth2-token`, { method: 'POST', headers, body })
      expect((await server.answer(request)).status).toBe(status)
    }
    expect(await server.takeMails()).toEqual([])
    release()
    await server.settle()
    expect(waiting.length).toBeGreaterThan(0)
    expect((await server.takeMails()).map(({ kind }) => kind)).toEqual(['new_device'])
  })

  it('a sign-in writes its audit event and its origin in one call after the response', async () => {
    const calls: string[] = []
    const db = aroundD1((sql, call) => {
      if (/audit_events|known_origins/.test(sql)) calls.push(sql)
      return call()
    })
    const server = new TestServer({ config: CONFIG, env: { DB: db } })
    const reader = await addReader(server)
    const app = await server.addClient({ confidential: false })
    expect((await signInFrom(server, { client: app, username: reader.username }, HOME)).status).toBe(200)
    expect(calls).toEqual([expect.stringMatching(/INSERT INTO audit_events.*INSERT INTO known_origins/s)])
  })

  it('a database that is down for notifications changes no response', async () => {
    let isDown = false
    const db = aroundD1((sql, call) => {
      if (isDown && sql.includes('known_origins')) throw new Error('D1 is down')
      return call()
    })
    const server = new TestServer({ config: CONFIG, env: { DB: db } })
    const reader = await addReader(server)
    const app = await server.addClient({ confidential: false })
    isDown = true
    expect((await signInFrom(server, { client: app, username: reader.username }, HOME)).status).toBe(200)
  })

  it('a user who was deleted, and one with an unverified address, gets no mail', async () => {
    const server = new TestServer({ config: CONFIG })
    const reader = await addReader(server)
    await setProfile(reader.id, { email: reader.email })
    for (const subject of [reader.id, 'user:deleted', 'visitor:guest'])
      server.services.notifications.send(
        { subject, api: null, clientId: null },
        { kind: 'token_theft' },
        server.context(),
      )
    await server.settle()
    expect(await server.takeMails()).toEqual([])
    expect(await auditOf({ kind: 'notification', subject: 'user:deleted' })).toEqual([])
  })
})
