import type { Page } from 'playwright-core'
import { LANGUAGES } from '../../src/lib/language.ts'
import { authorizePath } from './code_flow.ts'
import type { ShopperView } from './shopper_views.ts'

const PROMPT = { prompt: 'create' }

const asked = (name: string, prepare: (page: Page) => Promise<unknown>, changes = {}): ShopperView => ({
  name: `shopper-${name}`,
  path: authorizePath({ ...PROMPT, ...changes }),
  shopper: null,
  prepare: async (page) => void (await prepare(page)),
})

/** The pages of a sign-up. */
export const SIGN_UP_VIEWS: readonly ShopperView[] = [
  { name: 'shopper-sign-up', path: authorizePath(PROMPT), shopper: null },
  asked('sign-up-refused', async (page) => {
    await submit(page, { username: '.zoe@example.com' })
    await page.locator('#username-error').waitFor()
  }),
  asked('sign-up-code', requestCode),
  asked('sign-up-code-refused', refuseCode),
  asked('create-account', proveAddress),
  asked('create-account-refused', async (page) => {
    await proveAddress(page)
    await submit(page, { password: 'one new password', repeated: 'another new password' })
    await page.locator('#password-error').waitFor()
  }),
]

/** The pages with the most text in each language. */
export const SIGN_UP_LANGUAGE_VIEWS: readonly ShopperView[] = LANGUAGES.flatMap((language) => [
  asked(`sign-up-code-in-${language}`, refuseCode, { ui_locales: language }),
  asked(`create-account-in-${language}`, proveAddress, { ui_locales: language }),
])

export function newAddress(): string {
  return `visitor-${crypto.randomUUID()}@example.com`
}

/** The code of the newest mail to an address in the inbox of the local server. */
export async function readCode(page: Page, address: string): Promise<string> {
  return /\b\d{6}\b/.exec(await readMail(page, address, ''))?.[0] ?? ''
}

/** The text of the newest mail to an address with a subject that contains a text, in the inbox of the local server. */
export async function readMail(page: Page, address: string, subject: string): Promise<string> {
  const inbox = await page.context().newPage()
  const mail = inbox.locator('.mails li', { hasText: address }).filter({ hasText: subject }).getByRole('link')
  const list = new URL('/inbox', page.url()).href
  for (await inbox.goto(list); (await mail.count()) === 0; await inbox.reload())
    await inbox.waitForTimeout(200)
  await mail.first().click()
  await inbox.waitForURL('**/inbox/*')
  const text = await inbox.locator('pre, main').last().innerText()
  await inbox.close()
  return text
}

/** Each sign-up is from an IP address of its own, because an IP address has a limit. @returns the address */
async function requestCode(page: Page): Promise<string> {
  const [a, b] = crypto.getRandomValues(new Uint8Array(2))
  await page.setExtraHTTPHeaders({ 'CF-Connecting-IP': `198.18.${a}.${b}` })
  const address = newAddress()
  await submit(page, { username: address })
  await page.locator('#email_code').waitFor()
  return address
}

async function refuseCode(page: Page): Promise<void> {
  await requestCode(page)
  await submit(page, { email_code: '000000' })
  await page.locator('#email_code-error').waitFor()
}

async function proveAddress(page: Page): Promise<void> {
  const address = await requestCode(page)
  await submit(page, { email_code: await readCode(page, address) })
  await page.locator('#repeated').waitFor()
}

async function submit(page: Page, values: Record<string, string>): Promise<void> {
  for (const [id, value] of Object.entries(values)) await page.locator(`#${id}`).fill(value)
  await page.locator('.primary').click()
}
