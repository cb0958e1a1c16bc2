import { once } from 'node:events'
import { createServer } from 'node:http'
import { decodeJwt } from 'jose'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { authorizePath, exchangeCode } from '../../scripts/screenshots/code_flow.ts'
import { PASSWORD, usernameOf } from '../../scripts/screenshots/long_data.ts'
import { confirmApp } from '../../scripts/screenshots/second_factor_views.ts'
import type { ServiceServer } from '../../scripts/worker_server.ts'
import { OperatorPage } from './operator_page.ts'
import { VirtualAuthenticator } from './virtual_authenticator.ts'

const SIGN_IN = 'Sign in with a passkey'

/** The state of the requests in whose page the field of the username offers passkeys. */
const FIELD = 'field'

/** The virtual authenticator uses a passkey for the field as soon as it is touched, so the button could not be pressed. */
const ONLY_ON_DEMAND = `PublicKeyCredential.isConditionalMediationAvailable =
  async () => new URLSearchParams(location.search).get('state') === '${FIELD}'`

/** The distance in pixels between the centres of the link and of its text, on both axes. */
const CENTRE_OF_LINK = `(() => {
  const link = document.querySelector('a.primary')
  const text = new Range()
  text.selectNodeContents(link)
  const [outer, inner] = [link, text].map((item) => item.getBoundingClientRect())
  const distance = (start, size) => Math.abs(Math.trunc(outer[start] + outer[size] / 2 - inner[start] - inner[size] / 2))
  return [distance('x', 'width'), distance('y', 'height')]
})()`

/** Tests passkeys in the browser with a virtual authenticator, on the service of the caller. */
export function testPasskeyPages(running: () => { browser: Browser; service: ServiceServer }): void {
  const application = createServer((_request, response) => response.end('The application'))
  let callback = ''

  beforeAll(async () => {
    await once(application.listen(0, '127.0.0.1'), 'listening')
    const { port } = z.object({ port: z.int() }).parse(application.address())
    callback = `http://127.0.0.1:${port}/callback`
  })
  afterAll(() => application.close())

  /** A browser with an authenticator that has the passkey of a user. */
  async function withPasskey(username: string) {
    const { browser, service } = running()
    const visitor = await OperatorPage.open(browser, service.origin, {
      viewport: { width: 390, height: 700 },
    })
    const { page } = visitor
    await page.addInitScript(ONLY_ON_DEMAND)
    const authenticator = await VirtualAuthenticator.add(page)
    await visitor.goTo(authorizePath({ ui_locales: 'en', redirect_uri: callback }))
    await page.waitForFunction(`document.querySelector('[name="can_have_passkey"]').value === 'yes'`)
    await typePassword(page, username)
    await visitor.hasHeading('Add a passkey')
    await authenticator.touchDuring(() => visitor.press('Create a passkey'))
    await claimsAfter(page, service.origin)
    return { visitor, page, authenticator, service }
  }

  async function typePassword(page: Page, username: string): Promise<void> {
    await page.locator('#username').fill(username)
    await page.locator('#password').fill(PASSWORD)
    await page.locator('.primary').click()
  }

  /** Allows the application, whose redirect URI is a loopback address. @returns the claims of the access token */
  async function claimsAfter(page: Page, origin: string) {
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL((url) => url.href.startsWith(`${callback}?`))
    const code = new URL(page.url()).searchParams.get('code') ?? ''
    const exchange = { clientId: 'storefront-public', code, redirectUri: callback }
    return decodeJwt((await exchangeCode(origin, exchange)).access_token)
  }

  /** The link after the recovery codes is as wide as them, 44 pixels high, and has its text in the centre. */
  async function showsLinkAsButton(visitor: OperatorPage) {
    const { page } = visitor
    await visitor.goTo('/account/customers/second-factor')
    await confirmApp(page)
    const codes = await page.locator('.codes').boundingBox()
    const link = await page.getByRole('link', { name: 'I have kept the codes' }).boundingBox()
    expect(link).toEqual({ x: codes?.x, y: expect.any(Number), width: codes?.width, height: 44 })
    expect(await page.evaluate<number[]>(CENTRE_OF_LINK)).toEqual([0, 0])
  }

  /** The device has a passkey of the account. The error replaces the notice of an earlier form. */
  async function createsNoSecondPasskey(visitor: OperatorPage, authenticator: VirtualAuthenticator) {
    const { page } = visitor
    await page.getByText('Change the name').click()
    await visitor.press('Save the name')
    const notice = page.getByRole('status').filter({ hasText: 'The name of the passkey is saved.' })
    await notice.waitFor()
    await authenticator.touchUntilEndOf(async () => {
      await visitor.press('Create a passkey')
      const error = page.getByRole('alert').filter({ visible: true })
      await error.waitFor()
      expect(await error.allInnerTexts()).toEqual(['This device already has a passkey of this account.'])
    })
    expect(await notice.isVisible()).toBe(false)
  }

  /** The authenticator has forgotten the passkey that the server does not have. Chromium can do so from version 132. */
  async function isForgotten(page: Page, authenticator: VirtualAuthenticator): Promise<void> {
    if (await page.evaluate<boolean>(`'signalUnknownCredential' in PublicKeyCredential`))
      await expect.poll(() => authenticator.credentials()).toEqual([])
  }

  const signIn = async (page: Page, origin: string, changes = {}) =>
    page.goto(
      origin + authorizePath({ ui_locales: 'en', prompt: 'login', redirect_uri: callback, ...changes }),
    )

  it('a user adds the offered passkey once on a device, and signs in with it by the button and from the list of the field of the username', async () => {
    const { visitor, page, authenticator, service } = await withPasskey(usernameOf(41))
    const [credential] = await authenticator.credentials()
    expect(credential).toMatchObject({ isResidentCredential: true, rpId: 'localhost' })
    await signIn(page, service.origin)
    await authenticator.touchDuring(() => visitor.press(SIGN_IN))
    const claims = await claimsAfter(page, service.origin)
    expect(claims).toMatchObject({ acr: 'urn:sallyport:2' })
    expect(claims.amr).toEqual([expect.stringMatching(/^[hs]wk$/), 'user', 'mfa'])
    await authenticator.touchDuring(() => signIn(page, service.origin, { state: FIELD }))
    expect(await claimsAfter(page, service.origin)).toMatchObject({ acr: 'urn:sallyport:2' })
    await showsLinkAsButton(visitor)
    await visitor.goTo('/account/customers/passkeys')
    await createsNoSecondPasskey(visitor, authenticator)
    await visitor.press('Remove')
    await page.getByRole('status').filter({ hasText: 'The passkey is removed.' }).waitFor()
    await isForgotten(page, authenticator)
    await visitor.leave()
  })

  it('a passkey without user verification, a removed passkey and a counter that goes back do not sign in', async () => {
    const { visitor, page, authenticator, service } = await withPasskey(usernameOf(42))
    await signIn(page, service.origin)
    await authenticator.touchUnverified(async () => {
      await visitor.press(SIGN_IN)
      await page.locator('#passkey-failed').filter({ hasText: 'No passkey was used.' }).waitFor()
    })
    const beRefused = async () => {
      await signIn(page, service.origin)
      await authenticator.touchDuring(() => visitor.press(SIGN_IN))
      await page.getByRole('alert').filter({ hasText: 'This passkey does not work here.' }).waitFor()
    }
    await authenticator.turnCounterBack(0)
    await beRefused()
    await service.stores.DB.prepare('DELETE FROM passkeys WHERE credential_id IS NOT NULL').run()
    await beRefused()
    await isForgotten(page, authenticator)
    await visitor.leave()
  })

  it('a passkey is the second factor after a password, and a browser without scripts shows no button', async () => {
    const { visitor, page, authenticator, service } = await withPasskey(usernameOf(43))
    await signIn(page, service.origin, { acr_values: 'urn:sallyport:2' })
    await typePassword(page, usernameOf(43))
    await visitor.hasHeading('Confirm that it is you')
    expect(await visitor.findBarriers()).toEqual([])
    await authenticator.touchDuring(() => visitor.press('Use a passkey'))
    const { amr } = await claimsAfter(page, service.origin)
    expect(amr).toEqual(['pwd', expect.stringMatching(/^[hs]wk$/), 'user', 'mfa'])
    await visitor.leave()
    const { browser } = running()
    const plain = await OperatorPage.open(browser, service.origin, { javaScriptEnabled: false })
    await signIn(plain.page, service.origin)
    expect(await plain.page.getByRole('button', { name: SIGN_IN }).isVisible()).toBe(false)
    await plain.leave()
  })
}
