import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { consentIdOf } from '../../src/authorization/consent.ts'
import { UNKNOWN_CALLER } from '../../src/lib/request_context.ts'
import { auditOf } from '../support/audit.ts'
import {
  authorizeUrl,
  browserOf,
  CALLBACK,
  CODE_CLIENT,
  exchangeOf,
  newCode,
  signInAt,
} from '../support/authorize.ts'
import { readFeed } from '../support/feed.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { type TestClient, TestServer, type TokenResponse } from '../support/server.ts'
import { SESSION_STORES } from '../support/session_stores.ts'
import { signOutUser } from '../support/sign_out.ts'

describe.each(SESSION_STORES)('the consents of a user, with sessions in $name', ({ config }) => {
  const server = new TestServer({
    config: {
      ...config,
      session_shards: [
        { name: 's1', binding: 'DB', continents: [] },
        { name: 'eu', binding: 'SESSIONS_EU', continents: ['EU'] },
      ],
    },
  })
  let operator: TestOperator
  let partner: TestClient

  beforeAll(async () => {
    operator = await TestOperator.signIn(server)
    partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, name: 'Partner' })
  })

  /** A user who allowed the partner, with the tokens of the partner. */
  async function consentingUser(changes: { scope: string } = { scope: 'cart' }) {
    const { id, username } = await server.addUser()
    const browser = browserOf(server)
    await browser.open(authorizeUrl(partner, changes))
    await signInAt(browser, username)
    const exchange = () =>
      server.requireTokens(exchangeOf(partner, browser.page.url.searchParams.get('code')))
    await browser.press('Allow')
    return { id, username, browser, exchange, tokens: await exchange() }
  }
  /** The tokens of a further session under the consent, in the other shard. */
  async function exchangeInEurope(subject: string): Promise<TokenResponse> {
    const [consent] = await server.services.consents.list(subject, 1)
    if (!consent) throw new Error('the user has no consent')
    const code = await newCode(server, partner, subject, {
      sid: server.services.shards.newSid({ ...UNKNOWN_CALLER, continent: 'EU' }),
      consent: { id: consent.id, given: false },
    })
    return server.requireTokens(exchangeOf(partner, code))
  }
  const refresh = ({ refresh_token }: TokenResponse) =>
    server.postJson({ grant_type: 'refresh_token', client_id: partner.id, refresh_token })

  it.each(['NA', 'EU'] as const)(
    'an exchange that is refused stores no consent, with a session in %s',
    async (continent) => {
      const { id: subject } = await server.addUser()
      const covered = { subject, clientId: partner.id, api: 'storefront', redirectUri: CALLBACK }
      const consent = { id: await consentIdOf(covered), given: true }
      const codeOf = async (iat: number) => {
        const sid = server.services.shards.newSid({ ...UNKNOWN_CALLER, continent })
        return newCode(server, partner, subject, { sid, iat, consent })
      }
      const refuse = async (code: string, changes = {}) => {
        const response = await server.postJson(exchangeOf(partner, code, changes))
        expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_grant' }])
      }
      const given = await codeOf(server.clock.time)
      await refuse(given, { code_verifier: 'x'.repeat(43) })
      await refuse(given)
      const early = await codeOf(server.clock.time - 1)
      await signOutUser(server, subject)
      await refuse(early)
      expect(await server.services.consents.list(subject, 1)).toEqual([])
      await server.requireTokens(exchangeOf(partner, await codeOf(server.clock.time + 3)))
      expect(await server.services.consents.list(subject, 1)).toMatchObject([
        { id: consent.id, scopes: ['cart'] },
      ])
    },
  )

  it('the list of consents has client, redirect URI and scopes', async () => {
    const { id } = await consentingUser()
    const now = server.clock.time
    const { status, body } = await operator.get(`/users/${id}/consents`)
    expect([status, body]).toEqual([
      200,
      {
        items: [
          {
            consent_id: expect.stringMatching(/^[\w-]{22}$/),
            client_id: partner.id,
            client_name: 'Partner',
            api: 'storefront',
            redirect_uri: 'https://app.test/callback',
            scopes: ['cart'],
            created_at: now,
            updated_at: now,
            withdrawn_at: null,
          },
        ],
      },
    ])
  })

  it('a withdrawal ends the sessions under the consent, lists them in the feed, and the page asks again', async () => {
    const { id, browser, exchange, tokens } = await consentingUser()
    const second = await exchangeInEurope(id)
    await browser.open(authorizeUrl(partner, { scope: 'cart' }))
    const late = browser.page.url.searchParams.get('code')
    const { items } = (await operator.get(`/users/${id}/consents`)).body as {
      items: [{ consent_id: string }]
    }
    const path = `/users/${id}/consents/${items[0].consent_id}`
    expect((await operator.delete(path)).status).toBe(204)
    expect((await operator.delete(path)).status).toBe(204)

    for (const given of [tokens, second]) expect((await refresh(given)).status).toBe(400)
    expect((await server.postJson(exchangeOf(partner, late))).status).toBe(400)
    const listed = (await readFeed(server)).revocations.map(({ sid }) => sid)
    expect(listed).toEqual(
      expect.arrayContaining([tokens, second].map(({ access_token }) => decodeJwt(access_token).sid)),
    )
    const about = { client_id: partner.id, actor: operator.id }
    const sids = [tokens, second].map(({ access_token }) => decodeJwt<{ sid: string }>(access_token).sid)
    const events = await auditOf({ kind: 'revoke', subject: id })
    expect(events).toMatchObject([
      { reason: 'the consent was withdrawn', sid: null, ...about },
      { reason: 'its consent was withdrawn', sid: expect.any(String), ...about },
      { reason: 'its consent was withdrawn', sid: expect.any(String), ...about },
    ])
    for (const sid of sids) {
      expect((await operator.get(`/sessions/${sid}/timeline`)).body).toMatchObject({
        ending: `The session ended because the consent of the user to its application was withdrawn, by the operator ${operator.username}.`,
        events: expect.arrayContaining([
          expect.objectContaining({ reason: 'its consent was withdrawn', sid }),
        ]),
      })
      const { items } = (await operator.get(`/audit?sid=${sid}&kind=revoke`)).body
      expect(items).toMatchObject([{ sid, actor: operator.id, change: { operation: 'withdrawConsent' } }])
    }

    const page = await browser.open(authorizeUrl(partner, { scope: 'cart' }))
    expect(page.html).toContain('Allow Partner to use your account?')
    await browser.press('Allow')
    const again = await exchange()
    expect((await refresh(again)).status).toBe(200)
  })

  it('the cron trigger ends a session that began in the moment of the withdrawal', async () => {
    const { id, browser, exchange } = await consentingUser()
    const [consent] = await server.services.consents.list(id, 1)
    await browser.open(authorizeUrl(partner, { scope: 'cart' }))
    const racing = await exchange()
    // The withdrawal of another isolate, which ended the sessions before this one began.
    const withdrawal = { id: consent?.id ?? '', validFrom: server.clock.time + 10 }
    await server.services.consents.withdraw(withdrawal, [], server.clock.time)
    await server.cron()
    expect((await refresh(racing)).status).toBe(400)
  })

  it('a consent grows with the scopes of a later request', async () => {
    const { id, browser, exchange } = await consentingUser()
    await browser.open(authorizeUrl(partner, { scope: 'orders' }))
    await browser.press('Allow')
    await exchange()
    const { body } = await operator.get(`/users/${id}/consents`)
    expect(body).toMatchObject({ items: [{ scopes: ['cart', 'orders'] }] })
  })

  it('the export of a user has the consents, and the deletion of the user removes them', async () => {
    const { id } = await consentingUser()
    const confirmed = await TestOperator.confirmed(server)
    const { body } = await confirmed.get(`/users/${id}/export`)
    expect(body).toMatchObject({ consents: [{ client_id: partner.id, scopes: ['cart'] }] })
    const { headers } = await confirmed.get(`/users/${id}`)
    await confirmed.delete(`/users/${id}`, headers.get('ETag'))
    expect(await server.services.consents.list(id, 1)).toEqual([])
  })

  it('the consent of another user is not found', async () => {
    const { id } = await consentingUser()
    const other = await server.addUser()
    const [consent] = await server.services.consents.list(id, 1)
    const { status, body } = await operator.delete(`/users/${other.id}/consents/${consent?.id}`)
    expect([status, body]).toEqual([
      404,
      problem(404, 'not-found', 'The record or path does not exist', {
        detail: 'The consent does not exist.',
      }),
    ])
  })
})
