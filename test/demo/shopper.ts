import { decodeJwt, type JWTPayload } from 'jose'
import type { Browser, Locator, Page } from 'playwright-core'
import { expect, inject } from 'vitest'
import * as z from 'zod/mini'
import { newAddress } from '../../scripts/screenshots/sign_up_views.ts'
import { VirtualAuthenticator } from '../console_browser/virtual_authenticator.ts'
import { type Tab, Visitor } from './shop_page.ts'
import { ask } from './tokens.ts'

const { issuer, shop, storefrontApi } = inject('demo')
const PASSWORD = 'a new passphrase'
const STORED = z.object({ accessToken: z.string(), refreshToken: z.string() })

/** A shopper with one browser, who uses the shop and the pages of the account by their visible texts. */
export class Shopper {
  readonly address: string
  readonly visitor: Visitor
  readonly tab: Tab
  readonly page: Page

  private constructor(address: string, visitor: Visitor, tab: Tab) {
    this.address = address
    this.visitor = visitor
    this.tab = tab
    this.page = tab.page
  }

  /** @param address The address of the account; a new one by default. */
  static async arrive(browser: Browser, address = newAddress()): Promise<Shopper> {
    const visitor = await Visitor.arrive(browser)
    return new Shopper(address, visitor, await visitor.openTab())
  }

  async press(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click()
  }

  async hasHeading(name: string): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  }

  /** Waits for the notice of a page. */
  async sees(notice: string): Promise<void> {
    await this.page.getByRole('status').filter({ hasText: notice }).waitFor()
  }

  async signUp(): Promise<void> {
    await this.tab.press('Create an account')
    await this.hasHeading('Create an account')
    await this.page.getByLabel('Email address').fill(this.address)
    const code = await this.codeAfter(() => this.press('Continue'))
    await this.page.getByLabel('6-digit code').fill(code)
    await this.press('Continue')
    await this.hasHeading('Choose a password')
    await this.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await this.page.getByLabel('Password again').fill(PASSWORD)
    await this.press('Create account')
    await this.hasHeading('Add a passkey')
    await this.press('Not now')
    await this.press('Allow')
    await this.isSignedIn()
  }

  /** Opens the sign-in page of the service from the shop. */
  async openSignIn(): Promise<void> {
    await this.press('Sign in')
    await this.tab.press('Sign in on the token service’s page')
    await this.hasHeading('Sign in')
  }

  async signInByCode(): Promise<void> {
    await this.openSignIn()
    await this.page.getByLabel('Username').fill(this.address)
    const code = await this.codeAfter(() => this.press('Email me a code'))
    await this.hasHeading('Check your email')
    await this.page.getByLabel('6-digit code').fill(code)
    await this.press('Sign in')
    await this.press('Allow')
    await this.isSignedIn()
  }

  async isSignedIn(): Promise<void> {
    await this.page.waitForURL(`${shop}/`)
    await this.tab.isLoaded()
    await this.tab.isCustomer()
  }

  async signOut(): Promise<void> {
    await this.press('Sign out')
    await this.tab.isGuest()
  }

  async returnToShop(): Promise<void> {
    await this.page.goto(shop)
    await this.tab.isLoaded()
  }

  /** Follows the link of the shop. The virtual authenticator belongs to this tab, so the page opens here. */
  async openAccount(section: string): Promise<void> {
    const link = this.page.getByRole('link', { name: 'account page' })
    expect(await link.getAttribute('href')).toBe(`${issuer}/account/customers`)
    await this.page.goto(`${issuer}/account/customers`)
    await this.hasHeading('Your account')
    await this.page.getByRole('link', { name: section }).click()
    await this.hasHeading(section)
  }

  addAuthenticator(): Promise<VirtualAuthenticator> {
    return VirtualAuthenticator.add(this.page)
  }

  /** The tokens that the shop stores. */
  async tokens(): Promise<z.infer<typeof STORED>> {
    const stored = await this.page.evaluate<string>("localStorage.getItem('sallyport:shop-demo')")
    return STORED.parse(JSON.parse(stored))
  }

  async claims(): Promise<JWTPayload> {
    return decodeJwt((await this.tokens()).accessToken)
  }

  /** Opens the inbox in another tab of the same browser. */
  async openInbox(): Promise<Page> {
    const inbox = await this.visitor.context.newPage()
    await inbox.goto(`${issuer}/inbox`)
    return inbox
  }

  /** Waits for a mail of the inbox to the shopper, whose subject has a text. */
  async getsMail(subject: string): Promise<void> {
    const inbox = await this.openInbox()
    await reloadUntil(inbox, this.mails(inbox, subject), 1)
    await inbox.close()
  }

  /** Makes the service send a code. @returns the code of the new mail in the inbox */
  private async codeAfter(request: () => Promise<void>): Promise<string> {
    const inbox = await this.openInbox()
    const mails = this.mails(inbox, 'code')
    const earlier = await mails.count()
    await request()
    await reloadUntil(inbox, mails, earlier + 1)
    await mails.first().click()
    await inbox.waitForURL('**/inbox/*')
    const [code = ''] = /\b\d{6}\b/.exec(await inbox.locator('main').innerText()) ?? []
    await inbox.close()
    return code
  }

  private mails(inbox: Page, subject: string): Locator {
    return inbox.locator('.mails li', { hasText: this.address }).getByRole('link', { name: subject })
  }
}

async function reloadUntil(page: Page, items: Locator, count: number): Promise<void> {
  for (; (await items.count()) < count; await page.reload()) await page.waitForTimeout(200)
}

/** The status of the storefront API for an access token. */
export async function statusOfOrders(token: string): Promise<number> {
  return (await ask(`${storefrontApi}/orders`, { token })).status
}

/** Waits until the storefront API refuses an access token. The API reads the list of revocations every 10 seconds. */
export async function untilRefused(token: string): Promise<void> {
  await expect.poll(() => statusOfOrders(token), { timeout: 25_000, interval: 500 }).toBe(401)
}
