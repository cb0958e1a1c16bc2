import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { findChromium, launchChromium } from '../../scripts/chromium.ts'
import { newAddress, readCode } from '../../scripts/screenshots/sign_up_views.ts'
import { appOf } from '../support/second_factor.ts'
import { Tab, Visitor } from './shop_page.ts'
import { addCustomer, CUSTOMER } from './tokens.ts'

const { issuer, shop } = inject('demo')
const PARTNER_APP = `${shop.replace('localhost', '127.0.0.1')}/`

describe.skipIf(findChromium() === null)('a sign-in by redirect in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

  async function signInAtService(page: Page, { username, password } = CUSTOMER): Promise<void> {
    await page.waitForURL(`${issuer}/**`)
    await page.getByLabel('Username').fill(username)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await press(page, 'Sign in')
  }

  it('the shop keeps the cart of a guest, and a partner app needs the consent of the user but no second password, and the sign-out ends the browser session', async () => {
    const visitor = await Visitor.arrive(browser)
    const tab = await visitor.openTab()
    const { page } = tab
    await tab.addToCart('Stoneware mug')
    await tab.cartHas(1)
    await tab.press('Cart, 1 item')
    await tab.press('Sign in to order')
    await tab.screenshot('8-both-ways-to-sign-in')
    expect(await tab.findBarriers()).toEqual([])

    await tab.press('Sign in on the token service’s page')
    await signInAtService(page)
    // The shop soon removes the code from the address of the page.
    const response = page.waitForRequest((request) => request.url().startsWith(`${shop}/?code=`))
    await press(page, 'Allow')
    const address = (await response).url()
    await tab.isLoaded()
    await tab.isCustomer()
    await tab.cartHas(1)
    await page.locator('#cart[open]').waitFor()
    expect(page.url()).toBe(`${shop}/`)
    expect(await tab.log()).toEqual(['guest_started', 'signed_in'])
    await tab.screenshot('9-signed-in-by-redirect')
    await tab.press('Place the order')
    await page.getByRole('status').filter({ hasText: 'Thank you.' }).waitFor()

    await page.goto(address)
    await page
      .getByRole('alert')
      .filter({ hasText: 'The sign-in did not finish. Nothing is lost.' })
      .waitFor()
    await tab.isCustomer()

    const partner = await visitor.context.newPage()
    await partner.goto(PARTNER_APP)
    await press(partner, 'Connect Slow Pour')
    await partner.getByRole('heading', { name: /Partner app/ }).waitFor()
    await press(partner, 'Cancel')
    await partner.getByText('You did not allow the access.').waitFor()
    await press(partner, 'Connect Slow Pour')
    await partner.waitForURL(`${issuer}/**`)
    await new Tab(partner).screenshot('10-consent')
    await press(partner, 'Allow')
    await partner.getByText(/^\d+ orders?, €[\d.,]+ in total\.$/).waitFor()
    expect(await partner.locator('#scope').textContent()).toBe('orders')
    expect(await new Tab(partner).findBarriers()).toEqual([])
    await new Tab(partner).screenshot('11-partner-app')
    await press(partner, 'Disconnect')
    await partner.getByText('Disconnected.').waitFor()

    await tab.press('Sign out')
    await tab.isGuest()
    expect(page.url()).toBe(`${shop}/`)
    await press(page, 'Sign in')
    await tab.press('Sign in on the token service’s page')
    await page.getByLabel('Username').waitFor()
    expect(await visitor.leave()).toEqual([])
  })

  it('a guest who creates an account in the shop keeps the cart and can order', async () => {
    const visitor = await Visitor.arrive(browser)
    const tab = await visitor.openTab()
    const { page } = tab
    await tab.addToCart('Stoneware mug')
    await tab.press('Cart, 1 item')
    await tab.press('Sign in to order')
    await tab.press('Create an account')
    await page.waitForURL(`${issuer}/**`)
    const address = newAddress()
    await page.getByLabel('Email address').fill(address)
    await press(page, 'Continue')
    await page.getByLabel('6-digit code').fill(await readCode(page, address))
    await press(page, 'Continue')
    await page.getByLabel('Password', { exact: true }).fill('a new passphrase')
    await page.getByLabel('Password again').fill('a new passphrase')
    await press(page, 'Create account')
    await press(page, 'Allow')
    await tab.isLoaded()
    await tab.isCustomer()
    await tab.cartHas(1)
    expect(await tab.log()).toEqual(['guest_started', 'signed_in'])
    await tab.press('Place the order')
    await page.getByRole('status').filter({ hasText: 'Thank you.' }).waitFor()
    expect(await visitor.leave()).toEqual([])
  })

  it('the shop shows the address of an order after a second factor only (RFC 9470)', async () => {
    const customer = await addCustomer()
    const visitor = await Visitor.arrive(browser)
    const tab = await visitor.openTab()
    const { page } = tab
    await tab.signIn(customer)
    await tab.isCustomer()
    await tab.addToCart('Stoneware mug')
    await tab.press('Cart, 1 item')
    await tab.press('Place the order')
    const show = page.getByRole('button', { name: /^Show the address of the order of / })

    await show.click()
    await page.waitForURL(`${issuer}/**`)
    await press(page, 'Cancel')
    await page.getByRole('status').filter({ hasText: 'The address stays hidden.' }).waitFor()
    await tab.isCustomer()

    await show.click()
    await signInAtService(page, customer)
    const app = appOf(await page.locator('code.key').innerText())
    const code = await app.codeAt(Math.floor(Date.now() / 1000))
    await page.getByLabel('6-digit code from the app').fill(code)
    await press(page, 'Confirm the code')
    await press(page, 'I have kept the codes')
    await press(page, 'Allow')
    const address = page.locator('.address', { hasText: 'Kraanlei 12, 9000 Ghent' })
    await address.and(page.locator(':focus')).waitFor()
    expect(await tab.findBarriers()).toEqual([])
    await tab.screenshot('12-address-of-an-order')

    await tab.reload()
    await show.click()
    await address.waitFor()
    expect(page.url()).toBe(`${shop}/`)
    const refusals = await visitor.leave()
    expect(refusals.map((refusal) => refusal.replace(/[0-9a-f-]{36}/, 'id'))).toEqual(
      Array(2).fill('401: GET /orders/id/address'),
    )

    // The next sign-in needs the app too, in the form of the shop.
    const again = await Visitor.arrive(browser)
    const form = await again.openTab()
    await form.signIn(customer)
    await form.page.getByText('Enter the code of your authenticator app').waitFor()
    await form.typeCode('000000')
    await form.page.getByRole('alert').filter({ hasText: 'The code is wrong' }).waitFor()
    expect(await form.findBarriers()).toEqual([])
    await form.screenshot('13-second-factor-in-the-shop')
    await form.typeCode(await app.codeAt(Math.floor(Date.now() / 1000) + 30))
    await form.isCustomer()
    expect(await again.leave()).toEqual(Array(2).fill('400: POST /oauth2-token/challenge'))
  })
})
