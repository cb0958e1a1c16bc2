import { describe, expect, it } from 'vitest'
import { callAccount } from '../support/account_api.ts'
import { authorizeUrl, browserOf, CALLBACK, CODE_CLIENT, exchangeOf, signInAt } from '../support/authorize.ts'
import { STEP_CLIENT, step } from '../support/challenge.ts'
import type { ShownPage } from '../support/page_browser.ts'
import { pressCreate } from '../support/passkey.ts'
import { enrol } from '../support/second_factor.ts'
import { ACCOUNT_SCOPE, ISSUER, PASSWORD, TestServer } from '../support/server.ts'
import { SoftwareAuthenticator } from '../support/software_authenticator.ts'

const SESSION = '__Host-sallyport-customers'
const CONFIRM = 'Confirm that it is you'
const ADD = 'Add a passkey'
const CODE = '6-digit code'

const headingOf = ({ html }: ShownPage) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]
const isAtClient = ({ url }: ShownPage) => url.href.startsWith(CALLBACK)

async function open(customers: Record<string, unknown>) {
  const server = new TestServer({ config: { ...ACCOUNT_SCOPE, accounts: { customers } } })
  const client = await server.addClient(CODE_CLIENT)
  const page = async () => {
    const browser = browserOf(server)
    await browser.open(authorizeUrl(client))
    return browser
  }
  return { server, client, page }
}

describe('attacks on the factors of an account', () => {
  it('a stolen password adds no passkey to an account with an app, also where a passkey is required', async () => {
    const { server, client, page } = await open({
      self_service: true,
      passkeys: { rp_id: 'shop.test', required: true },
    })
    const app = await enrol(server, await server.addUser())
    const shop = await server.addClient(STEP_CLIENT)
    const headless = await step(server, shop, { username: app.user.username, password: PASSWORD })
    expect([headless.status, headless.error]).toEqual([400, 'redirect_to_web'])
    const browser = await page()
    const asked = await signInAt(browser, app.user.username)
    expect([headingOf(asked), asked.html]).toEqual([CONFIRM, expect.not.stringContaining('Use a passkey')])
    const added = await browser.press('Continue', { [CODE]: await app.codeAt(server.clock.time) })
    expect([headingOf(added), browser.cookie(SESSION)]).toEqual([ADD, undefined])
    const device = await SoftwareAuthenticator.make('ES256', ISSUER)
    const { url } = await pressCreate(browser, 'Create a passkey', device)
    expect(browser.cookie(SESSION)).toEqual(expect.any(String))
    const exchange = exchangeOf(client, url.searchParams.get('code'))
    const { access_token: token } = await server.requireTokens(exchange)
    const [passkey] = await server.services.passkeys.list(app.user.id)
    const removal = await callAccount(server, `DELETE /passkeys/${passkey?.id}`, { token })
    expect([removal.status, removal.body]).toEqual([403, expect.objectContaining({ error: 'access_denied' })])
    expect(await server.services.passkeys.list(app.user.id)).toHaveLength(1)
  })

  it('an unlocked browser gets no offer of a passkey ten minutes after the sign-in', async () => {
    const { server, page } = await open({ passkeys: { rp_id: 'shop.test' } })
    const user = await server.addUser()
    const browser = await page()
    const values = { Username: user.username, Password: PASSWORD, can_have_passkey: 'yes' }
    const offer = await browser.press('Sign in', values)
    expect(headingOf(offer)).toBe(ADD)
    const device = await SoftwareAuthenticator.make('ES256', ISSUER)
    server.clock.time += 600
    expect(isAtClient(await pressCreate(browser, 'Create a passkey', device))).toBe(true)
    expect(isAtClient(await browser.open(offer.url.href))).toBe(true)
    expect(await server.services.passkeys.list(user.id)).toEqual([])
  })

  it('a user whose app an operator removes between the two factors signs in again', async () => {
    const { server, page } = await open({ second_factor: 'optional' })
    const app = await enrol(server, await server.addUser())
    const browser = await page()
    expect(headingOf(await signInAt(browser, app.user.username))).toBe(CONFIRM)
    await server.services.authenticatorApps.remove({ ...app.change, remaining: null }, server.context())
    const again = await browser.press('Continue', { [CODE]: await app.codeAt(server.clock.time) })
    expect([again.status, headingOf(again), browser.cookie(SESSION)]).toEqual([409, 'Sign in', undefined])
    expect(isAtClient(await signInAt(browser, app.user.username))).toBe(true)
  })
})
