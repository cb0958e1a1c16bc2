import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { totpCodeOf, totpStepOf } from '../../src/factors/totp.ts'
import { LANGUAGES } from '../../src/lib/language.ts'
import { TWO_FACTORS } from '../../src/signin/authentication_level.ts'
import { decodeBase32 } from '../base32.ts'
import type { Bundle } from '../worker_bundle.ts'
import { authorizePath } from './code_flow.ts'
import { PASSWORD, usernameAt } from './long_data.ts'
import { randomAddress, type ShopperView } from './shopper_views.ts'

/** The user who sets up no authenticator app. */
const WITHOUT_APP = 'amanda@example.com'
const WRONG_CODE = '000000'

/** The users who set up an authenticator app. Each picture of recovery codes needs another user. */
const users = [12, 18, 30, 36, 42, 48, 54, 60].map(usernameAt)
/** The users who have an authenticator app. */
const withApp: string[] = []

/** The users that the views need. */
export const SECOND_FACTOR_USERS = 61

const path = authorizePath({ acr_values: TWO_FACTORS })

/** The pages of the second factor. */
export const SECOND_FACTOR_VIEWS: readonly ShopperView[] = [
  { name: 'shopper-set-up', path, shopper: null, prepare: (page) => signIn(page, WITHOUT_APP) },
  { name: 'shopper-set-up-refused', path, shopper: null, prepare: refuseSetUp },
  { name: 'shopper-recovery-codes', path, shopper: null, prepare: setUp },
  { name: 'shopper-second-factor', path, shopper: null, prepare: signInWithApp },
  { name: 'shopper-second-factor-refused', path, shopper: null, prepare: refuseCode },
  { name: 'shopper-recovery-code-refused', path, shopper: null, prepare: refuseRecoveryCode },
]

/** The pages of the second factor in each language. They need the users of the other views, who have an app. */
export const SECOND_FACTOR_LANGUAGE_VIEWS: readonly ShopperView[] = LANGUAGES.flatMap((language) => {
  const view = { path: authorizePath({ acr_values: TWO_FACTORS, ui_locales: language }), shopper: null }
  return [
    { ...view, name: `shopper-set-up-in-${language}`, prepare: (page: Page) => signIn(page, WITHOUT_APP) },
    { ...view, name: `shopper-second-factor-in-${language}`, prepare: refuseRecoveryCode },
  ]
})

/** Lets the users of the shop have a second factor, which the demo does not. */
export function allowSecondFactors({ directory }: Bundle): void {
  const name = readdirSync(directory).find((file) => file.endsWith('config.txt')) ?? ''
  const file = join(directory, name)
  const config = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...config, accounts: { customers: { second_factor: 'optional' } } }))
}

/** Signs a user in without the browser session of an earlier view. */
async function signIn(page: Page, username: string): Promise<void> {
  await page.context().clearCookies()
  await page.setExtraHTTPHeaders({ 'CF-Connecting-IP': randomAddress() })
  await page.reload()
  await page.locator('#username').fill(username)
  await page.locator('#password').fill(PASSWORD)
  await page.locator('.primary').click()
  await page.locator('#totp').waitFor()
}

async function submitCode(page: Page, code: string): Promise<void> {
  await page.locator('#totp').fill(code)
  await page.locator('.primary').click()
}

async function refuseSetUp(page: Page): Promise<void> {
  await signIn(page, WITHOUT_APP)
  await submitCode(page, WRONG_CODE)
  await page.locator('#totp-error').waitFor()
}

async function setUp(page: Page): Promise<void> {
  const user = users.shift()
  if (user === undefined) throw new Error('each user has an authenticator app')
  await signIn(page, user)
  const key = await page.locator('.key').innerText()
  const secret = decodeBase32(key.replaceAll(/\s/g, ''))
  await submitCode(page, await totpCodeOf(secret, totpStepOf(Math.floor(Date.now() / 1000))))
  await page.locator('.codes').waitFor()
  withApp.push(user)
}

/** Signs the users in by turns, because the wrong codes of a user have a limit. */
async function signInWithApp(page: Page): Promise<void> {
  const user = withApp.shift()
  if (user === undefined) throw new Error('no user has an authenticator app')
  withApp.push(user)
  await signIn(page, user)
}

async function refuseCode(page: Page): Promise<void> {
  await signInWithApp(page)
  await submitCode(page, WRONG_CODE)
  await page.locator('#totp-error').waitFor()
}

async function refuseRecoveryCode(page: Page): Promise<void> {
  await signInWithApp(page)
  await page.locator('summary').click()
  await page.locator('#recovery_code').fill('AAAA-AAAA-AAAA')
  await page.locator('details button').click()
  await page.locator('#recovery_code-error').waitFor()
}
