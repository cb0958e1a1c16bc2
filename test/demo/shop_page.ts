import { mkdirSync } from 'node:fs'
import axe, { type AxeResults } from 'axe-core'
import type { Browser, BrowserContext, BrowserContextOptions, Page, Request } from 'playwright-core'
import { inject } from 'vitest'
import { CUSTOMER } from './tokens.ts'

const SCREENSHOTS = 'dist/screenshots'
const demo = inject('demo')

/** One browser of one person, with its tabs. */
export class Visitor {
  readonly context: BrowserContext
  /** What no story wants: errors of scripts, and requests that failed or were refused. */
  readonly complaints: string[] = []
  /** What was posted to the token service. */
  readonly posted: URLSearchParams[] = []

  private constructor(context: BrowserContext) {
    this.context = context
    context.on('weberror', (error) => this.complaints.push(`error: ${error.error().message}`))
    context.on('console', (message) => {
      // A refused request is told below, with its address.
      const isRefusal = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !isRefusal) this.complaints.push(`console: ${message.text()}`)
    })
    context.on('requestfailed', (request) => this.complaints.push(`failed: ${describe(request)}`))
    context.on('response', (response) => {
      if (response.status() >= 400)
        this.complaints.push(`${response.status()}: ${describe(response.request())}`)
    })
    context.on('request', (request) => {
      if (request.method() === 'POST' && request.url().startsWith(demo.issuer)) {
        this.posted.push(new URLSearchParams(request.postData() ?? ''))
      }
    })
  }

  static async arrive(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
    return new Visitor(await browser.newContext(options))
  }

  /** A tab with the shop, as far as the products and the cart are there. */
  async openTab(): Promise<Tab> {
    const page = await this.context.newPage()
    await page.goto(demo.shop)
    const tab = new Tab(page)
    await tab.isThere()
    return tab
  }

  /** Ends the visit. @returns The complaints */
  async leave(): Promise<string[]> {
    await this.context.close()
    return this.complaints
  }
}

function describe(request: Request): string {
  return `${request.method()} ${new URL(request.url()).pathname}`
}

/** The shop in one tab, by what a person sees in it. */
export class Tab {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  async isThere(): Promise<void> {
    await this.page.locator('.product').first().waitFor()
    await this.page.locator('#open-cart[aria-label]').waitFor()
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.isThere()
  }

  addToCart(product: string): Promise<void> {
    return this.page.getByRole('button', { name: `Add ${product} to the cart` }).click()
  }

  /** Waits until the cart has that many items. */
  cartHas(count: number): Promise<void> {
    return this.page.locator(`#open-cart[aria-label^="Cart, ${count} item"]`).waitFor()
  }

  /** Empties the cart, whatever is in it. */
  async removeAll(): Promise<void> {
    await this.page.locator('#open-cart').click()
    const remove = this.page.getByRole('button', { name: /^Remove / })
    for (let left = await remove.count(); left > 0; left--) {
      await remove.first().click()
      await this.page.locator(`#cart-lines:not(:has(li:nth-child(${left})))`).waitFor({ state: 'attached' })
    }
    await this.page.getByRole('button', { name: 'Close the cart' }).click()
  }

  async signIn({ username, password } = CUSTOMER): Promise<void> {
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await this.page.getByLabel('Email').fill(username)
    await this.page.getByLabel('Password').fill(password)
    await this.page.locator('#sign-in-form [type=submit]').click()
  }

  /** Ends the session at the service, long enough ago for the access token to have ended as well. */
  async loseSession(): Promise<void> {
    const key = 'sallyport:shop-demo'
    const stored = (await this.page.evaluate(`localStorage.getItem('${key}')`)) as string
    const session = { ...JSON.parse(stored), expiresAt: 0 }
    await fetch(`${demo.issuer}/oauth2-token/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'shop-demo', token: session.refreshToken }),
    })
    await this.page.evaluate(`localStorage.setItem('${key}', '${JSON.stringify(session)}')`)
  }

  /** Takes the lock under which tabs renew the tokens, as a tab that the browser has frozen does. */
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
    return this.page.locator('#who', { hasText: 'a visitor without a name' }).waitFor()
  }

  /** Waits until the panel shows the refresh token of that number. */
  hasRefreshToken(number: number): Promise<void> {
    const shown = new RegExp(`^Number ${number}\\b`)
    return this.page.locator('#refresh-text').filter({ hasText: shown }).waitFor()
  }

  press(name: string): Promise<void> {
    return this.page.getByRole('button', { name }).click()
  }

  /** What happened, the oldest first. */
  async log(): Promise<(string | null)[]> {
    const lines = await this.page.locator('#log li').all()
    return Promise.all(lines.reverse().map((line) => line.getAttribute('data-event')))
  }

  /** Kept as output of the build. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true })
    await this.page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true })
  }

  /** What axe finds serious, as `rule: element`. */
  async findBarriers(): Promise<string[]> {
    await this.page.evaluate(axe.source)
    const { violations } = await this.page.evaluate<AxeResults>('axe.run()')
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`))
  }
}
