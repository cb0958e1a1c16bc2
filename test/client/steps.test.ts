import { describe, expect, it } from 'vitest'
import type { SignInStep } from '../../packages/client/src/options.ts'
import { Browser, CART, claimsOf, subjectOf } from '../support/browser.ts'
import { STEP_CLIENT } from '../support/challenge.ts'
import { MAIL } from '../support/mail_sink.ts'
import { enrol } from '../support/second_factor.ts'
import { ISSUER, PASSWORD } from '../support/server.ts'
import { fakeWaits } from '../support/waits.ts'

fakeWaits()

const BACK_END = 'https://app.test/token-service'
const CONFIG = { mail: MAIL, accounts: { customers: { email_code: 'sign_in', second_factor: 'optional' } } }

/** A shop whose back end adds the secret of its client. */
async function openShop() {
  const browser = await Browser.open(CONFIG, { confidential: true, ...STEP_CLIENT })
  /** The paths that the page requested, and the parameters. */
  const requests: [string, string[]][] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const path = request.url.replace(BACK_END, '')
    if (path === request.url) return browser.fetch(request)
    const form = new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer()))
    requests.push([path, [...form.keys()]])
    form.set('client_secret', browser.client.secret)
    return browser.fetch(ISSUER + path, { method: 'POST', body: form })
  }
  return { browser, requests, client: browser.tab({ fetch, backEnd: BACK_END, scope: 'cart' }) }
}

function requireInput(step: SignInStep) {
  if (step.kind !== 'input') throw new Error(step.kind)
  return step
}

describe('a sign-in in the form of the shop', () => {
  it('a user signs in by password and second factor, keeps the cart, and stays signed in', async () => {
    const { browser, client, requests } = await openShop()
    const guest = claimsOf(await client.refresh()).sub
    const app = await enrol(browser.server, await browser.server.addUser())
    const first = requireInput(await client.signIn.start({ scope: 'cart openid' }))
    expect([first.accepts, first.passkeyOptions]).toEqual([['username', 'password'], null])
    const { username } = app.user
    const wrong = first.next({ username, password: 'wrong' })
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_grant', status: 400 })
    const second = requireInput(await first.next({ username, password: PASSWORD }))
    expect(second.accepts).toEqual(['totp', 'recoveryCode'])
    const done = await second.next({ totp: await app.codeAt(browser.server.clock.time) })
    expect(done).toEqual({ kind: 'signed_in', session: client.session })
    expect(claimsOf(client.session)).toMatchObject({
      sub: app.user.id,
      visitor_id: guest,
      acr: 'urn:sallyport:2',
      scope: 'cart openid',
    })
    expect(browser.events).toEqual(['guest_started', 'signed_in'])
    await client.refresh()
    expect(await subjectOf(await client.fetch(CART))).toBe(app.user.id)
    await client.signOut()
    const [token, challenge] = ['/oauth2-token', '/oauth2-token/challenge']
    const steps = [challenge, challenge, challenge, challenge]
    expect(requests.map(([path]) => path)).toEqual([token, ...steps, token, token, '/oauth2-token/revoke'])
    expect(requests.flat(2)).not.toContain('redirect_uri')
    const late = second.next({ recoveryCode: app.recoveryCodes[0] ?? '' })
    await expect(late).rejects.toMatchObject({ code: 'invalid_session' })
  })

  it('a username alone requests a code by mail, and a step that needs a page is named', async () => {
    const { browser, client } = await openShop()
    const { username } = await browser.server.addUser({ mustChangePassword: true })
    const first = requireInput(await client.signIn.start({ uiLocales: 'de', acrValues: 'urn:sallyport:1' }))
    const named = requireInput(await first.next({ username }))
    expect(named.accepts).toEqual(['username', 'password', 'emailCode'])
    const refused = named.next({ emailCode: '000000' })
    await expect(refused).rejects.toMatchObject({ code: 'invalid_grant' })
    expect(await named.next({ password: PASSWORD })).toEqual({ kind: 'redirect' })
    expect(client.session).toBeNull()
  })

  it('a public client gets unauthorized_client, and the response of a portal is unreachable', async () => {
    const browser = await Browser.open(CONFIG)
    const client = browser.tab()
    await expect(client.signIn.start()).rejects.toMatchObject({ code: 'unauthorized_client' })
    browser.faults.push('a portal responds')
    await expect(client.signIn.start()).rejects.toMatchObject({ code: 'unreachable' })
  })
})
