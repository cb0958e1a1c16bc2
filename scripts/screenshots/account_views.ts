import type { Page } from 'playwright-core'
import { LANGUAGES } from '../../src/lib/language.ts'
import { SHOPPERS, type ShopperView } from './shopper_views.ts'

const [CUSTOMER, , LONG_NAME] = SHOPPERS
const PATH = '/account/customers'

const view = (
  name: string,
  path: string,
  {
    shopper = CUSTOMER,
    prepare,
  }: { shopper?: ShopperView['shopper']; prepare?: ShopperView['prepare'] } = {},
): ShopperView => ({
  name: `account-${name}`,
  path: PATH + path,
  shopper,
  ...(prepare && { prepare }),
})

/** The account pages. */
export const ACCOUNT_VIEWS: readonly ShopperView[] = [
  view('home', ''),
  view('home-long', '', { shopper: LONG_NAME }),
  view('profile', '/profile'),
  view('profile-saved', '/profile', { prepare: saveProfile }),
  view('profile-refused', '/profile', { prepare: refuseProfile }),
  view('password', '/password'),
  view('passkeys', '/passkeys', { shopper: LONG_NAME }),
  view('passkeys-empty', '/passkeys'),
  view('second-factor', '/second-factor'),
  view('sessions', '/sessions', { shopper: LONG_NAME }),
  view('sessions-empty', '/sessions'),
  view('sessions-ended', '/sessions-ended', { shopper: null }),
  view('applications', '/applications', { shopper: LONG_NAME }),
  view('applications-empty', '/applications'),
  view('data', '/data'),
  view('deletion', '/deletion', { shopper: LONG_NAME }),
  view('deletion-scheduled', '/deletion/scheduled', { shopper: null }),
  view('not-signed-in', '?error=access_denied', { shopper: null }),
]

/** The pages with the most words of the account, by the languages. English has its own views. */
const IN_EACH_LANGUAGE = [
  '',
  '/profile',
  '/address',
  '/passkeys',
  '/sessions',
  '/applications',
  '/deletion',
] as const

/** The pages with the most text in each language. */
export const ACCOUNT_LANGUAGE_VIEWS: readonly ShopperView[] = LANGUAGES.filter(
  (language) => language !== 'en',
).flatMap((language) =>
  IN_EACH_LANGUAGE.map((path) =>
    view(`${path.slice(1) || 'home'}-in-${language}`, `${path}?ui_locales=${language}`, {
      shopper: LONG_NAME,
    }),
  ),
)

async function saveProfile(page: Page): Promise<void> {
  await page.locator('.primary').click()
  await page.getByRole('status').waitFor()
}

async function refuseProfile(page: Page): Promise<void> {
  await page.locator('#name').fill('x'.repeat(201))
  await page.locator('.primary').click()
  await page.locator('#name-error').waitFor()
}
