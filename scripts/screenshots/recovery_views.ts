import { LANGUAGES } from '../../src/lib/language.ts'
import type { ShopperView } from './shopper_views.ts'
import { SHOPPERS } from './shopper_views.ts'

const PAGES = '/account/customers'
const FORGOTTEN = `${PAGES}/forgotten-password`
const [CUSTOMER] = SHOPPERS

/** The pages of a forgotten password and of a change of the address, as far as they need no link of a mail. */
export const RECOVERY_VIEWS: readonly ShopperView[] = [
  { name: 'shopper-forgotten-password', path: FORGOTTEN, shopper: null },
  {
    name: 'shopper-forgotten-password-refused',
    path: FORGOTTEN,
    shopper: null,
    async prepare(page) {
      // A symbol is no username and no address.
      await page.locator('#username').fill('€')
      await page.locator('.primary').click()
      await page.locator('#username-error').waitFor()
    },
  },
  { name: 'shopper-forgotten-password-sent', path: `${FORGOTTEN}/sent`, shopper: null },
  { name: 'shopper-void-link', path: `${PAGES}/reset-password?token=none`, shopper: null },
  { name: 'shopper-password-set', path: `${PAGES}/password-set`, shopper: null },
  { name: 'shopper-address', path: `${PAGES}/address`, shopper: CUSTOMER },
]

/** The page with the most text in each language. */
export const RECOVERY_LANGUAGE_VIEWS: readonly ShopperView[] = LANGUAGES.map((language) => ({
  name: `shopper-forgotten-password-sent-in-${language}`,
  path: `${FORGOTTEN}/sent?ui_locales=${language}`,
  shopper: null,
}))
