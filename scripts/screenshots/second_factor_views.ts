import type { Page } from 'playwright-core'
import { totpCodeOf, totpStepOf } from '../../src/factors/totp.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { LANGUAGES } from '../../src/lib/language.ts'
import { authorizePath } from './code_flow.ts'
import { PASSWORD, usernameOf } from './long_data.ts'
import type { ShopperView } from './shopper_views.ts'

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
// Each view has another user, so it needs a new sign-in.
const TWO_FACTORS = { acr_values: 'urn:sallyport:2', prompt: 'login' }
const path = authorizePath(TWO_FACTORS)
const asked = (name: string, prepare: (page: Page) => Promise<unknown>): ShopperView => ({
  name: `shopper-${name}`,
  path,
  shopper: null,
  prepare: async (page) => void (await prepare(page)),
})

/** The next user of the views, after those of SHOPPERS. Each view has its own user, because a user sets up a second factor once. */
let next = 10

/** The pages of the second factor. */
export const SECOND_FACTOR_VIEWS: readonly ShopperView[] = [
  asked('second-factor-set-up', signInFresh),
  asked('second-factor-set-up-refused', async (page) => {
    await signInFresh(page)
    await submitCode(page, 'wrong')
  }),
  asked('recovery-codes', setUp),
  asked('second-factor', async (page) => signInAs(page, await setUp(page))),
  asked('second-factor-refused', async (page) => {
    await signInAs(page, await setUp(page))
    await submitCode(page, 'wrong')
  }),
  { ...asked('passkey-offer', signInOffered), path: authorizePath({ prompt: 'login' }) },
]

/** The page with the most text in each language. */
export const SECOND_FACTOR_LANGUAGE_VIEWS: readonly ShopperView[] = LANGUAGES.map((language) => ({
  ...asked(`second-factor-set-up-in-${language}`, signInFresh),
  path: authorizePath({ ...TWO_FACTORS, ui_locales: language }),
}))

/** Signs in a user without a second factor. @returns the username */
async function signInFresh(page: Page): Promise<string> {
  for (;;) {
    const username = usernameOf(next++)
    await fillSignIn(page, username)
    if ((await page.locator('.qr').count()) > 0) return username
  }
}

/** Signs in a user on a device that can have a passkey. */
async function signInOffered(page: Page): Promise<void> {
  for (;;) {
    await page.evaluate(`document.querySelector('[name="can_have_passkey"]').value = 'yes'`)
    await fillSignIn(page, usernameOf(next++))
    if ((await page.locator('[data-ceremony="create"]').count()) > 0) return
    await page.goto(new URL(authorizePath({ prompt: 'login' }), page.url()).href)
  }
}

async function signInAs(page: Page, username: string): Promise<void> {
  await page.goto(new URL(path, page.url()).href)
  await fillSignIn(page, username)
  await page.locator('#recovery_code').waitFor({ state: 'attached' })
}

async function fillSignIn(page: Page, username: string): Promise<void> {
  const number = () => Math.floor(Math.random() * 254) + 1
  await page.setExtraHTTPHeaders({ 'CF-Connecting-IP': `198.18.${number()}.${number()}` })
  await page.locator('#username').fill(username)
  await page.locator('#password').fill(PASSWORD)
  await page.locator('.primary').click()
  await page.waitForLoadState()
}

/** Adds an authenticator app, and shows the recovery codes. @returns the username */
async function setUp(page: Page): Promise<string> {
  const username = await signInFresh(page)
  await confirmApp(page)
  return username
}

/** Confirms the app of the page that shows its key. The page then shows the recovery codes. */
export async function confirmApp(page: Page): Promise<void> {
  const key = (await page.locator('.key').innerText()).replaceAll(' ', '')
  await submitCode(page, await totpCodeOf(decodeKey(key), totpStepOf(systemClock.now())))
  await page.locator('.codes').waitFor()
}

async function submitCode(page: Page, code: string): Promise<void> {
  await page.locator('#totp').fill(code)
  await page.locator('.primary').click()
  await page.waitForLoadState()
}

/** Decodes base32 (RFC 4648 §6). */
function decodeKey(key: string): Uint8Array {
  const bits = [...key].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
}
