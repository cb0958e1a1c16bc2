import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { findChromium, launchChromium } from '../../scripts/chromium.ts'
import { newAddress, readCode, readMail } from '../../scripts/screenshots/sign_up_views.ts'
import { type Tab, Visitor } from './shop_page.ts'
import { ask, CUSTOMER, signUp, storefrontTokens } from './tokens.ts'

const { issuer, shop, storefrontApi } = inject('demo')
const TOKEN_ENDPOINT = `${shop}/oauth2-token`

describe.skipIf(findChromium() === null)('the shop in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  async function signedIn(): Promise<{ visitor: Visitor; tab: Tab }> {
    const visitor = await Visitor.arrive(browser)
    const tab = await visitor.openTab()
    await tab.signIn()
    await tab.isCustomer()
    return { visitor, tab }
  }

  it('the shop keeps the cart, the order and the events of a guest who signs in, and shows the refusal of a revoked token', async () => {
    const visitor = await Visitor.arrive(browser)
    const tab = await visitor.openTab()
    await tab.isGuest()
    await tab.screenshot('1-guest')
    await tab.addToCart('Gooseneck kettle')
    await tab.addToCart('Stoneware mug')
    await tab.addToCart('Stoneware mug')
    await tab.cartHas(3)

    await tab.press('Cart, 3 items')
    await tab.press('Sign in to order')
    await tab.fillSignIn()
    await tab.isCustomer()
    await tab.cartHas(3)
    expect(await tab.log()).toEqual(['guest_started', 'signed_in'])
    await tab.press('Close the cart')
    await tab.screenshot('2-signed-in-with-the-cart')

    await tab.reload()
    await tab.isCustomer()
    await tab.cartHas(3)
    expect(await tab.log()).toEqual(['guest_started', 'signed_in'])
    await tab.press('Cart, 3 items')
    await tab.screenshot('3-cart')
    await tab.press('Place the order')
    await tab.cartHas(0)
    await tab.page.locator('#orders li', { hasText: '2 × Stoneware mug' }).first().waitFor()

    await tab.press('Send it to the back-office API')
    await tab.page
      .locator('#outcome', { hasText: 'Refused: 401, Bearer realm="sallyport", error="invalid_token"' })
      .waitFor()

    await tab.press('Sign out')
    await tab.isGuest()
    await tab.page
      .locator('#old-text', { hasText: /^Refused \d+ s after sign-out: 401/ })
      .waitFor({ timeout: 25_000 })
    expect((await tab.log()).slice(-4)).toEqual(['signed_out', 'ended', 'guest_started', 'old_token_refused'])
    await tab.screenshot('4-signed-out')
    expect(await visitor.leave()).toEqual(['401: GET /customers', '401: GET /cart'])
  })

  it('the shop signs a customer in while another tab holds the token lock', async () => {
    const visitor = await Visitor.arrive(browser)
    const holder = await visitor.openTab()
    await holder.holdLock()
    const tab = await visitor.openTab()
    await tab.signIn()
    await tab.isCustomer()
    expect(await visitor.leave()).toEqual([])
  })

  it('a customer stays signed in when the response to a refresh is lost', async () => {
    const { visitor, tab } = await signedIn()
    let lost = 0
    await visitor.context.route(TOKEN_ENDPOINT, async (route) => {
      if (lost > 0) return route.continue()
      lost++
      await route.fetch()
      return route.abort()
    })
    await tab.press('Get new tokens now')
    await tab.hasRefreshToken(1)
    expect((await tab.log()).slice(-2)).toEqual(['retrying', 'refreshed'])
    const [first, second] = visitor.posted.slice(-2)
    expect(second?.get('refresh_token')).toBe(first?.get('refresh_token'))
    await tab.press('Get new tokens now')
    await tab.hasRefreshToken(2)
    await tab.isCustomer()
    expect(await visitor.leave()).toEqual(['failed: POST /oauth2-token'])
  })

  it('the button that drops a response keeps a guest a guest', async () => {
    const visitor = await Visitor.arrive(browser)
    const tab = await visitor.openTab()
    await tab.press('Drop the response')
    await tab.page.locator('#outcome', { hasText: /successor\. You are still the same guest\.$/ }).waitFor()
    expect(await visitor.leave()).toEqual([])
  })

  it('the button that drops a response does not sign the customer out', async () => {
    const { visitor, tab } = await signedIn()
    await tab.press('Drop the response')
    await tab.page.locator('#outcome', { hasText: 'You are still signed in' }).waitFor()
    await tab.hasRefreshToken(1)
    await tab.screenshot('5-lost-response')
    expect(await visitor.leave()).toEqual([])
  })

  // Chromium can delay a localStorage write between processes. Then both tabs refresh and get the same successor, which is
  // correct but not the subject of this test.
  it('two tabs that refresh at the same time send one request', { retry: 4 }, async () => {
    const { visitor, tab } = await signedIn()
    const other = await visitor.openTab()
    await other.isCustomer()
    const before = visitor.posted.length
    const gate = Promise.withResolvers<void>()
    await visitor.context.route(TOKEN_ENDPOINT, async (route) => {
      await gate.promise
      return route.continue()
    })
    await tab.press('Get new tokens now')
    await other.press('Get new tokens now')
    gate.resolve()
    await Promise.all([tab.hasRefreshToken(1), other.hasRefreshToken(1)])
    expect(visitor.posted.length - before).toBe(1)
    await other.press('Get new tokens now')
    await Promise.all([tab.hasRefreshToken(2), other.hasRefreshToken(2)])
    expect(await visitor.leave()).toEqual([])
  })

  it('a sign-out in one tab signs out every tab', async () => {
    const { visitor, tab } = await signedIn()
    const other = await visitor.openTab()
    await other.isCustomer()
    await tab.press('Sign out')
    await Promise.all([tab.isGuest(), other.isGuest()])
    await tab.page.locator('#old-text', { hasText: /^Refused/ }).waitFor({ timeout: 25_000 })
    expect(await visitor.leave()).toEqual(['401: GET /cart'])
  })

  it('the shop deletes the tokens at sign-out even if the token service cannot be reached', async () => {
    const { visitor, tab } = await signedIn()
    await tab.addToCart('Sidama beans')
    await tab.cartHas(1)
    await visitor.context.setOffline(true)
    await tab.press('Sign out')
    await tab.cartHas(0)
    await tab.page.locator('#who', { hasText: 'Not signed in' }).waitFor()
    const alert = tab.page.getByRole('alert').filter({ hasText: 'could not be reached' })
    await alert.waitFor({ timeout: 20_000 })
    expect(await tab.page.locator('#orders li').count()).toBe(0)
    await visitor.context.setOffline(false)
    await tab.addToCart('Sidama beans')
    await tab.isGuest()
    await tab.cartHas(1)
    await visitor.leave()
  })

  it('two tabs show one cart, and an order needs the cart that was shown', async () => {
    const { visitor, tab } = await signedIn()
    const other = await visitor.openTab()
    await tab.page.bringToFront()
    await tab.removeAll()
    await tab.addToCart('Stoneware mug')
    await Promise.all([tab.cartHas(1), other.cartHas(1)])
    await other.addToCart('Stoneware mug')
    await Promise.all([tab.cartHas(2), other.cartHas(2)])
    await visitor.context.route('**/orders/*', async (route) => {
      await other.addToCart('Gooseneck kettle')
      await other.cartHas(3)
      await route.continue()
      await visitor.context.unroute('**/orders/*')
    })
    await tab.press('Cart, 2 items')
    await tab.press('Place the order')
    await tab.page.getByRole('alert').filter({ hasText: 'Your cart has changed' }).waitFor()
    await tab.cartHas(3)
    await tab.press('Place the order')
    await Promise.all([tab.cartHas(0), other.cartHas(0)])
    expect(await visitor.leave()).toEqual([expect.stringMatching(/^409: PUT \/orders\//)])
  })

  it('a customer signs in by a code in a mail, in the form of the shop, and keeps the cart', async () => {
    const visitor = await Visitor.arrive(browser)
    const service = await visitor.context.newPage()
    await service.goto(issuer)
    const username = newAddress()
    await signUp(username, () => readCode(service, username))
    const tab = await visitor.openTab()
    await tab.addToCart('Glass teapot')
    await tab.cartHas(1)
    await tab.press('Sign in')
    await tab.page.getByLabel('Email').fill(username)
    await tab.press('Email me a code')
    await tab.page.getByText('a code is on its way').waitFor()
    const mail = await readMail(service, username, 'Your code for Slow Pour')
    await tab.typeCode(/\b\d{6}\b/.exec(mail)?.[0] ?? '')
    await tab.isCustomer()
    await tab.cartHas(1)
    expect(await visitor.leave()).toEqual(['400: POST /oauth2-token/challenge'])
  })

  it('a wrong password and a stopped token service show different errors, and the guest keeps the cart', async () => {
    const visitor = await Visitor.arrive(browser)
    const tab = await visitor.openTab()
    await tab.addToCart('Glass teapot')
    await tab.cartHas(1)
    await tab.signIn({ username: 'amanda@example.com', password: 'wrong' })
    await tab.page.getByRole('alert').filter({ hasText: 'Wrong email or password.' }).waitFor()
    await visitor.context.route(`${TOKEN_ENDPOINT}/**`, (route) => route.abort())
    await tab.fillSignIn()
    const stopped = `The token service at ${issuer} does not respond. Check that npm run demo still runs.`
    await tab.page.getByRole('alert').filter({ hasText: stopped }).waitFor()
    await visitor.context.unroute(`${TOKEN_ENDPOINT}/**`)
    await tab.press('Cancel')
    await tab.isGuest()
    await tab.cartHas(1)
    const refused = ['400: POST /oauth2-token/challenge', 'failed: POST /oauth2-token/challenge']
    expect(await visitor.leave()).toEqual(expect.arrayContaining(refused))
  })

  it('the shop reports a stopped token service at the first failed request, and no lost response', async () => {
    const { visitor, tab } = await signedIn()
    const reported = Promise.withResolvers<void>()
    let requests = 0
    const requested = (url: URL) => url.origin === issuer || url.href === TOKEN_ENDPOINT
    await visitor.context.route(requested, async (route) => {
      if (route.request().url() === TOKEN_ENDPOINT && ++requests > 1) await reported.promise
      await route.abort('connectionrefused')
    })
    await tab.press('Get new tokens now')
    const stopped = `The token service at ${issuer} does not respond. Check that npm run demo still runs.`
    await tab.page.getByRole('alert').filter({ hasText: stopped }).waitFor()
    reported.resolve()
    const events = tab.page.locator('#log li')
    await events.filter({ hasText: 'The token service does not respond.' }).waitFor()
    await visitor.context.unroute(requested)
    await tab.hasRefreshToken(1)
    expect(await events.filter({ hasText: 'does not respond' }).count()).toBe(1)
    expect(await events.filter({ hasText: 'The response was lost' }).count()).toBe(0)
    await visitor.leave()
  })

  it('the shop names the API that does not respond, and recovers', async () => {
    const visitor = await Visitor.arrive(browser)
    const tab = await visitor.openTab()
    await visitor.context.route(`${storefrontApi}/**`, (route) => route.abort())
    await tab.addToCart('Paper filters')
    await tab.page
      .getByRole('alert')
      .filter({ hasText: `The storefront API at ${storefrontApi} does not respond.` })
      .waitFor()
    await visitor.context.unroute(`${storefrontApi}/**`)
    await tab.addToCart('Paper filters')
    await tab.cartHas(1)
    expect(await tab.page.getByRole('alert').count()).toBe(0)
    expect(await visitor.leave()).toEqual(['failed: GET /cart'])
  })

  it('the shop never changes a quantity without a message', async () => {
    const { visitor, tab } = await signedIn()
    await tab.removeAll()
    await tab.addToCart('Stoneware mug')
    await tab.cartHas(1)
    await tab.press('Cart, 1 item')
    const quantity = tab.page.getByLabel('Quantity of Stoneware mug')
    const toast = (text: string) => tab.page.getByRole('status').filter({ hasText: text }).waitFor()
    await quantity.fill('150')
    await quantity.blur()
    await toast('The quantity of Stoneware mug stays 1. Type a whole number from 0 to 99.')
    expect(await quantity.inputValue()).toBe('1')
    await quantity.fill('99')
    await quantity.blur()
    await tab.cartHas(99)
    await tab.press('Close the cart')
    await tab.addToCart('Stoneware mug')
    await toast('Stoneware mug was not added: your cart has 99, the most of one product.')
    await tab.cartHas(99)
    const { access_token: token } = await storefrontTokens(CUSTOMER)
    await ask(`${storefrontApi}/cart/mug`, { token, method: 'PUT', body: { quantity: 2 } })
    await tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await toast('Your cart was changed in another tab.')
    await tab.removeAll()
    expect(await visitor.leave()).toEqual([])
  })

  it('after the end of the session, the shop shows a warning and adds nothing to the cart of a guest', async () => {
    const { visitor, tab } = await signedIn()
    await tab.loseSession()
    await tab.addToCart('Paper filters')
    await tab.page.getByRole('alert').filter({ hasText: 'Your session has ended' }).waitFor()
    await tab.isGuest()
    await tab.cartHas(0)
    expect(await visitor.leave()).toEqual(['400: POST /oauth2-token'])
  })

  it('the sign-in works with the keyboard only', async () => {
    const visitor = await Visitor.arrive(browser)
    const { page } = await visitor.openTab()
    const focused = () => page.evaluate('document.activeElement.textContent.trim()')
    for (const name of ['Skip to the products', 'Slow Pour', 'Sign in']) {
      await page.keyboard.press('Tab')
      expect(await focused()).toBe(name)
    }
    await page.keyboard.press('Enter')
    await page.keyboard.type('amanda@example.com')
    await page.keyboard.press('Tab')
    await page.keyboard.type('correct horse battery staple')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    expect(await visitor.leave()).toEqual([])
  })

  it.each(['light', 'dark'] as const)(
    'axe finds no serious accessibility problem in the %s color scheme',
    async (colorScheme) => {
      const visitor = await Visitor.arrive(browser, { colorScheme })
      const tab = await visitor.openTab()
      await tab.addToCart('Hand grinder')
      await tab.cartHas(1)
      await tab.page.locator('summary').last().click()
      expect(await tab.findBarriers()).toEqual([])
      await tab.screenshot(`6-${colorScheme}`)
      await tab.press('Cart, 1 item')
      expect(await tab.findBarriers()).toEqual([])
      await tab.press('Sign in to order')
      expect(await tab.findBarriers()).toEqual([])
      expect(await visitor.leave()).toEqual([])
    },
  )

  it('the page fits a screen of 320 pixels, with one line about the token at its bottom', async () => {
    const visitor = await Visitor.arrive(browser, { viewport: { width: 320, height: 700 } })
    const tab = await visitor.openTab()
    await tab.screenshot('7-narrow')
    expect(await tab.page.evaluate('document.documentElement.scrollWidth')).toBe(320)
    const status = tab.page.locator('#status')
    expect(await status.textContent()).toMatch(/^Guest · token \d:\d\d · refresh 0$/)
    const { y = 0, height = 0 } = (await status.boundingBox()) ?? {}
    expect([Math.round(y + height), height < 40]).toEqual([700, true])
    expect(await tab.page.locator('#console').getAttribute('href')).toBe(`${issuer}/console`)
    expect(await visitor.leave()).toEqual([])
  })
})
