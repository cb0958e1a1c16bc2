import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { LANGUAGES } from '../../src/lib/language.ts'
import { authorizePath } from './code_flow.ts'
import type { View } from './console_views.ts'
import { LONG_CLIENT, LONG_USERNAME, PASSWORD } from './long_data.ts'

/** The widths of the pages that shoppers see. */
export const SHOPPER_WIDTHS = [320, 390, 1024, 1440] as const

/** The users of the views. The second one must change the password. */
export const SHOPPERS = ['amanda@example.com', 'reineke5', LONG_USERNAME] as const
export type Shopper = (typeof SHOPPERS)[number]

type StorageState = Exclude<BrowserContextOptions['storageState'], undefined>

/** One state of a page that a shopper sees. */
export interface ShopperView extends Pick<View, 'name' | 'path' | 'prepare'> {
  /** The signed-in user; null without a sign-in. */
  shopper: Shopper | null
}

const PARTNER = { client_id: 'demo-partner', scope: 'openid email orders catalog' }
const [CUSTOMER, EXPIRED, LONG_NAME] = SHOPPERS

/** Every page that shoppers see. */
export const SHOPPER_VIEWS: readonly ShopperView[] = [
  { name: 'shopper-sign-in', path: authorizePath(), shopper: null },
  { name: 'shopper-sign-in-refused', path: authorizePath(), shopper: null, prepare: refuseSignIn },
  { name: 'shopper-account', path: authorizePath({ prompt: 'select_account' }), shopper: CUSTOMER },
  { name: 'shopper-account-long', path: authorizePath({ prompt: 'select_account' }), shopper: LONG_NAME },
  { name: 'shopper-password', path: authorizePath(), shopper: EXPIRED },
  { name: 'shopper-password-refused', path: authorizePath(), shopper: EXPIRED, prepare: refusePassword },
  { name: 'shopper-consent', path: authorizePath(PARTNER), shopper: CUSTOMER },
  { name: 'shopper-consent-long', path: authorizePath({ client_id: LONG_CLIENT }), shopper: LONG_NAME },
  {
    name: 'shopper-continue',
    path: authorizePath({ response_mode: 'form_post', prompt: 'none' }),
    shopper: null,
  },
  { name: 'shopper-sign-out', path: '/oauth2-token/logout', shopper: CUSTOMER },
  { name: 'shopper-signed-out', path: '/oauth2-token/logout', shopper: null },
  { name: 'shopper-error', path: authorizePath({ redirect_uri: 'https://other.example/' }), shopper: null },
  { name: 'shopper-error-of-an-unknown-client', path: authorizePath({ client_id: 'none' }), shopper: null },
]

/** The pages with the most text in each language. */
export const LANGUAGE_VIEWS: readonly ShopperView[] = LANGUAGES.flatMap((language) => [
  {
    name: `shopper-sign-in-in-${language}`,
    path: authorizePath({ ui_locales: language }),
    shopper: null,
    prepare: refuseSignIn,
  },
  {
    name: `shopper-consent-in-${language}`,
    path: authorizePath({ ...PARTNER, ui_locales: language }),
    shopper: CUSTOMER,
  },
])

/** Signs a user in on the sign-in page. */
export async function signInShopper(browser: Browser, origin: string, name: Shopper): Promise<StorageState> {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(origin + authorizePath())
  await page.locator('#username').fill(name)
  await page.locator('#password').fill(PASSWORD)
  await page.locator('.primary').click()
  await page.locator('button[value="allow"], #repeated').first().waitFor()
  const cookies = await context.storageState()
  await context.close()
  return cookies
}

/** An address of its own for a sign-in, because each address has a limit. */
function randomAddress(): string {
  return `198.18.${randomNumber()}.${randomNumber()}`
}

/** Each try has another name and another address, because both have limits. */
async function refuseSignIn(page: Page): Promise<void> {
  await page.setExtraHTTPHeaders({ 'CF-Connecting-IP': randomAddress() })
  await page.locator('#username').fill(`unknown-${randomNumber()}-${randomNumber()}@example.com`)
  await page.locator('#password').fill('a wrong password')
  await page.locator('.primary').click()
  await page.getByRole('alert').first().waitFor()
}

function randomNumber(): number {
  return Math.floor(Math.random() * 254) + 1
}

async function refusePassword(page: Page): Promise<void> {
  await page.locator('#current_password').fill(PASSWORD)
  await page.locator('#password').fill('one new password')
  await page.locator('#repeated').fill('another new password')
  await page.locator('.primary').click()
  await page.locator('#password-error').waitFor()
}
