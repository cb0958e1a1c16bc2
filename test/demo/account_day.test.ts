import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, launchChromium } from '../../scripts/chromium.ts'
import { Shopper, statusOfOrders, untilRefused } from './shopper.ts'

// docs/accounts.md describes these steps. Each test continues where the test before it ends.
describe.skipIf(findChromium() === null)('a day of a shopper in the demo, without an operator', () => {
  let browser: Browser
  let shopper: Shopper
  let authenticator: Awaited<ReturnType<Shopper['addAuthenticator']>>

  beforeAll(async () => {
    browser = await launchChromium()
    shopper = await Shopper.arrive(browser)
    authenticator = await shopper.addAuthenticator()
  })
  afterAll(() => browser?.close())

  it('a guest signs up with a code from the inbox and orders the items of the cart', async () => {
    const { tab } = shopper
    await tab.addToCart('Stoneware mug')
    await tab.cartHas(1)
    await tab.press('Cart, 1 item')
    await tab.press('Sign in to order')
    await shopper.signUp()
    await tab.cartHas(1)
    await tab.press('Place the order')
    await shopper.sees('Thank you.')
    expect(await shopper.claims()).toMatchObject({ amr: ['pwd'], acr: 'urn:sallyport:1' })
    expect(await statusOfOrders((await shopper.tokens()).accessToken)).toBe(200)
  })

  it('the shopper adds a passkey on the account page', async () => {
    await shopper.openAccount('Passkeys')
    await authenticator.touchDuring(() => shopper.press('Create a passkey'))
    await shopper.sees('The passkey is added.')
    await shopper.page.getByRole('heading', { name: 'Chrome on Linux' }).waitFor()
    expect(await authenticator.credentials()).toMatchObject([
      { isResidentCredential: true, rpId: 'localhost' },
    ])
  })

  it('the shopper signs out, and signs in by the passkey without a name and a password', async () => {
    await shopper.returnToShop()
    const { accessToken } = await shopper.tokens()
    await shopper.signOut()
    await untilRefused(accessToken)
    await shopper.openSignIn()
    await authenticator.touchDuring(() => shopper.press('Sign in with a passkey'))
    await shopper.press('Allow')
    await shopper.isSignedIn()
    expect(await shopper.claims()).toMatchObject({ acr: 'urn:sallyport:2' })
    expect(await statusOfOrders((await shopper.tokens()).accessToken)).toBe(200)
  })

  it('the shopper loses the passkey, signs in by a code in a mail, and removes the passkey', async () => {
    await shopper.signOut()
    await authenticator.remove()
    await shopper.signInByCode()
    expect(await shopper.claims()).toMatchObject({ amr: ['otp'], acr: 'urn:sallyport:1' })
    expect(await statusOfOrders((await shopper.tokens()).accessToken)).toBe(200)
    await shopper.openAccount('Passkeys')
    await shopper.press('Remove')
    await shopper.sees('The passkey is removed.')
    await shopper.page.getByText('You have no passkey.').waitFor()
  })

  it('the shopper lists the devices and ends the session of another browser', async () => {
    const other = await Shopper.arrive(browser, shopper.address)
    await other.signInByCode()
    const { accessToken } = await other.tokens()
    expect(await statusOfOrders(accessToken)).toBe(200)

    await shopper.returnToShop()
    await shopper.openAccount('Devices and sessions')
    const sessions = shopper.page.locator('.entries li')
    expect(await sessions.filter({ hasText: 'Chrome on Linux' }).count()).toBe(2)
    const foreign = sessions.filter({ hasNotText: 'This browser' })
    await foreign.getByRole('button', { name: 'End session' }).click()
    await shopper.sees('The session has ended.')
    expect(await sessions.count()).toBe(1)

    await untilRefused(accessToken)
    await other.tab.addToCart('Paper filters')
    await other.page.getByRole('alert').filter({ hasText: 'Your session has ended' }).waitFor()
    await other.visitor.leave()
    await shopper.returnToShop()
    expect(await statusOfOrders((await shopper.tokens()).accessToken)).toBe(200)
  })

  it('the shopper deletes the account, and a sign-in within 14 days keeps it', async () => {
    const { accessToken } = await shopper.tokens()
    await shopper.openAccount('Delete your account')
    await shopper.page.getByLabel(`Type ${shopper.address} to confirm`).fill(shopper.address)
    await shopper.press('Delete my account')
    await shopper.hasHeading('Your account will be deleted')
    await untilRefused(accessToken)
    await shopper.getsMail('deleted')

    await shopper.returnToShop()
    await shopper.page.getByRole('alert').filter({ hasText: 'Your session has ended' }).waitFor()
    await shopper.signInByCode()
    expect(await statusOfOrders((await shopper.tokens()).accessToken)).toBe(200)
    await shopper.openAccount('Profile')
    await shopper.visitor.leave()
  })
})
