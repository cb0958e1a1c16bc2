import { beforeEach, describe, expect, it } from 'vitest'
import { callAsClient } from '../support/account_api.ts'
import { setProfile } from '../support/account_links.ts'
import { authorizeUrl, browserOf, CODE_CLIENT, signInAt } from '../support/authorize.ts'
import { STEP_CLIENT, step } from '../support/challenge.ts'
import { MAIL } from '../support/mail_sink.ts'
import { emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'

const ALL_WAYS = { self_service: true, sign_up: true, email_code: 'sign_in' }

let server: TestServer
let reader: { username: string; email: string }
let shop: TestClient
let pages: TestClient

beforeEach(emptyStores)

async function begin(accounts: Record<string, unknown>): Promise<void> {
  server = new TestServer({ config: { mail: MAIL, accounts: { customers: accounts } } })
  shop = await server.addClient(STEP_CLIENT)
  pages = await server.addClient(CODE_CLIENT)
  reader = await addUser('pl')
}

/** Adds a user with a verified address. */
async function addUser(locale: string) {
  const { id, username } = await server.addUser()
  const email = `${crypto.randomUUID()}@example.com`
  await setProfile(id, { email, email_verified: true, locale })
  return { username, email }
}

/** A browser on a page in German. */
async function openGerman(prompt: string) {
  const browser = browserOf(server)
  await browser.open(authorizeUrl(pages, { ui_locales: 'de', prompt }))
  return browser
}

const SECOND_FACTOR = { email_code: 'second_factor', second_factor: 'required' }

/** Each mail that a request in German sends to a user with the locale `pl`. */
const MAILS: [what: string, accounts: Record<string, unknown>, request: () => Promise<unknown>][] = [
  [
    'a code on the sign-in page',
    ALL_WAYS,
    async () =>
      (await openGerman('login')).press('Code per E-Mail senden', { Benutzername: reader.username }),
  ],
  [
    'a code of a sign-in in steps',
    ALL_WAYS,
    () => step(server, shop, { username: reader.username, ui_locales: 'de' }),
  ],
  [
    'a code as the second factor',
    SECOND_FACTOR,
    () => step(server, shop, { username: reader.username, password: PASSWORD, ui_locales: 'de' }),
  ],
  [
    'a sign-up with a taken address',
    ALL_WAYS,
    async () => (await openGerman('create')).press('Weiter', { 'E-Mail-Adresse': reader.email }),
  ],
  [
    'a link to a new password',
    ALL_WAYS,
    () =>
      callAsClient(server, '/password-reset', {
        client: shop,
        username: reader.username,
        ui_locales: 'de',
      }),
  ],
  [
    'a change to a taken address by a user with another language',
    ALL_WAYS,
    async () => {
      const other = await addUser('fr')
      const browser = browserOf(server)
      await browser.open(`${ISSUER}/account/customers/address`)
      await signInAt(browser, other.username)
      await browser.press('Send the link', { 'New email address': reader.email })
    },
  ],
]

describe('the language of a mail', () => {
  it.each(MAILS)(
    'a mail has the language of the profile before that of the request: %s',
    async (_, accounts, request) => {
      await begin(accounts)
      await request()
      const mails = (await server.takeMails()).filter(({ to }) => to === reader.email)
      expect(mails.map(({ language }) => language)).toEqual(['pl'])
    },
  )
})
