import { mkdirSync } from 'node:fs'
import type { Browser, BrowserContext, BrowserContextOptions, Page, Request } from 'playwright-core'
import { expect, inject } from 'vitest'
import { findBarriers } from '../support/barriers.ts'
import { CUSTOMER, SHOP } from './tokens.ts'

const SCREENSHOTS = 'dist/screenshots'
const demo = inject('demo')

/** One browser profile of one user, with its tabs. */
export class Visitor {
  readonly context: BrowserContext
  /** Script errors, and requests that failed or were refused. */
  readonly complaints: string[] = []
  /** The forms that were posted to the token service. */
  readonly posted: URLSearchParams[] = []

  private constructor(context: BrowserContext) {
    this.context = context
    context.on('weberror', (error) => this.complaints.push(`error: ${error.error().message}`))
    context.on('console', (message) => {
      // The response handler below records a refused request with its address.
      const isRefusal = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !isRefusal) this.complaints.push(`console: ${message.text()}`)
    })
    context.on('requestfailed', (request) => this.complaints.push(`failed: ${describe(request)}`))
    context.on('response', (response) => {
      if (response.status() >= 400)
        this.complaints.push(`${response.status()}: ${describe(response.request())}`)
    })
    context.on('request', (request) => {
      if (request.method() === 'POST' && new URL(request.url()).pathname.startsWith('/oauth2-token')) {
        this.posted.push(new URLSearchParams(request.postData() ?? ''))
      }
    })
  }

  static async arrive(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
    return new Visitor(await browser.newContext(options))
  }

  /** Opens a tab with the shop and waits for the products and the cart. */
  async openTab(): Promise<Tab> {
    const page = await this.context.newPage()
    await page.goto(demo.shop)
    const tab = new Tab(page)
    await tab.isLoaded()
    return tab
  }

  /** Closes the browser profile. @returns The complaints */
  async leave(): Promise<string[]> {
    await this.context.close()
    return this.complaints
  }
}

function describe(request: Request): string {
  return `${request.method()} ${new URL(request.url()).pathname}`
}

/** The shop in one tab, used by its visible texts. */
export class Tab {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  async isLoaded(): Promise<void> {
    await this.page.locator('.product').first().waitFor()
    await this.page.locator('#open-cart[aria-label]').waitFor()
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.isLoaded()
  }

  addToCart(product: string): Promise<void> {
    return this.page.getByRole('button', { name: `Add ${product} to the cart` }).click()
  }

  /** Waits until the cart has that many items. */
  cartHas(count: number): Promise<void> {
    return this.page.locator(`#open-cart[aria-label^="Cart, ${count} item"]`).waitFor()
  }

  /** Empties the cart. */
  async removeAll(): Promise<void> {
    await this.page.locator('#open-cart').click()
    const remove = this.page.getByRole('button', { name: /^Remove / })
    for (let left = await remove.count(); left > 0; left--) {
      await remove.first().click()
      await this.page.locator(`#cart-lines:not(:has(li:nth-child(${left})))`).waitFor({ state: 'attached' })
    }
    await this.page.getByRole('button', { name: 'Close the cart' }).click()
  }

  async signIn(customer = CUSTOMER): Promise<void> {
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await this.fillSignIn(customer)
  }

  /** Fills and sends the form of the open sign-in. */
  async fillSignIn({ username, password } = CUSTOMER): Promise<void> {
    await this.page.getByLabel('Email').fill(username)
    await this.page.getByLabel('Password').fill(password)
    await this.page.locator('#sign-in-form [type=submit]').click()
  }

  /** Types a code into the form of the shop. */
  async typeCode(code: string): Promise<void> {
    await this.page.getByLabel('Code').fill(code)
    await this.page.locator('#sign-in-form [type=submit]').click()
  }

  /** Ends the session at the service and makes the stored access token expired. */
  async loseSession(): Promise<void> {
    const key = 'sallyport:shop-demo'
    const stored = (await this.page.evaluate(`localStorage.getItem('${key}')`)) as string
    const session = { ...JSON.parse(stored), expiresAt: 0 }
    const { status } = await fetch(`${demo.issuer}/oauth2-token/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ ...SHOP, token: session.refreshToken }),
    })
    expect(status).toBe(200)
    await this.page.evaluate(`localStorage.setItem('${key}', '${JSON.stringify(session)}')`)
  }

  /** Holds the token lock and never releases it, as a frozen tab does. */
  async holdLock(): Promise<void> {
    await this.page.evaluate(`new Promise((resolve) => {
      navigator.locks.request('sallyport:shop-demo', () => {
        resolve()
        return new Promise(() => {})
      })
    })`)
  }

  isCustomer(): Promise<void> {
    return this.page.getByRole('button', { name: 'Sign out' }).waitFor()
  }

  isGuest(): Promise<void> {
    return this.page.locator('#who', { hasText: 'You are a guest' }).waitFor()
  }

  /** Waits until the panel shows the refresh token of that number. */
  hasRefreshToken(number: number): Promise<void> {
    const shown = new RegExp(`^Number ${number}\\b`)
    return this.page.locator('#refresh-text').filter({ hasText: shown }).waitFor()
  }

  press(name: string): Promise<void> {
    return this.page.getByRole('button', { name }).click()
  }

  /** The events of the panel, oldest first. */
  async log(): Promise<(string | null)[]> {
    const lines = await this.page.locator('#log li').all()
    return Promise.all(lines.reverse().map((line) => line.getAttribute('data-event')))
  }

  /** Saves a screenshot to the build output. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true })
    await this.page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true })
  }

  /** The serious and critical findings of axe, as `rule: element`. */
  findBarriers(): Promise<string[]> {
    return findBarriers(this.page)
  }
}
