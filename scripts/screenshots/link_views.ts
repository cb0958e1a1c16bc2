import type { Page } from 'playwright-core'
import { AccountLinks, type LinkKind } from '../../src/accounts/account_links.ts'
import {
  CONFIRM_ADDRESS,
  END_SESSIONS,
  INVITATION,
  passwordLinkDataOf,
  RESET_PASSWORD,
} from '../../src/accounts/link_kinds.ts'
import type { Config } from '../../src/config/config.ts'
import { parseSealingKey } from '../../src/keys/sealing.ts'
import { TextSealer } from '../../src/keys/text_sealer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { KeyedHash } from '../../src/lib/keyed_hash.ts'
import { OneTimeStore } from '../../src/onetime/one_time_store.ts'
import type { Env } from '../../src/services/environment.ts'
import { UserAdminStore } from '../../src/users/user_admin_store.ts'
import { UserDatabases } from '../../src/users/user_databases_store.ts'
import { LONG_USERNAME } from './long_data.ts'
import type { ShopperView } from './shopper_views.ts'

const PAGES = '/account/customers'
const LONG_ADDRESS = 'maximiliane.wolfeschlegelsteinhausenbergerdorff@new-address.example.org'

/** The links of the views, by the names of their pages. `makeLinks` makes them. */
const links = new Map<string, string>()

const view = (
  name: string,
  { page: path }: { page: string },
  prepare?: (page: Page) => Promise<void>,
): ShopperView => ({
  name: `shopper-link-${name}`,
  path: `${PAGES}/password-set`,
  shopper: null,
  async prepare(page) {
    await page.goto(links.get(path) ?? '')
    await page.locator('.primary').waitFor()
    await prepare?.(page)
  },
})

/** The pages behind the links of mails, and the pages after their buttons. */
export const LINK_VIEWS: readonly ShopperView[] = [
  view('reset-password', RESET_PASSWORD),
  view('reset-password-refused', RESET_PASSWORD, refusePassword),
  view('invitation', INVITATION),
  view('confirm-address', CONFIRM_ADDRESS),
  view('end-sessions', END_SESSIONS),
  { name: 'shopper-link-address-confirmed', path: `${PAGES}/confirm-address/done`, shopper: null },
  { name: 'shopper-link-void-confirm-address', path: `${PAGES}/confirm-address?token=none`, shopper: null },
  { name: 'shopper-link-void-end-sessions', path: `${PAGES}/end-sessions?token=none`, shopper: null },
]

async function refusePassword(page: Page): Promise<void> {
  await page.locator('#password').fill('one new password')
  await page.locator('#repeated').fill('another new password')
  await page.locator('.primary').click()
  await page.locator('#password-error').waitFor()
}

/** Makes the links of the views, for the user with the long name. They open until the password or the address of the user changes. */
export async function makeLinks({ DB, SEALING_KEY }: Env, { issuer }: Config): Promise<void> {
  const key = parseSealingKey(SEALING_KEY)
  const userAdmin = new UserAdminStore(new UserDatabases(DB))
  const select = DB.prepare('SELECT id FROM users WHERE username = ?').bind(LONG_USERNAME)
  const user = await userAdmin.find((await select.first<string>('id')) ?? '')
  if (key === null || user === null) throw new Error('the links need a sealing key and a user')
  const sealer = new TextSealer([key], 'sallyport account links')
  const oneTime = new OneTimeStore(DB, { sealer, codeHashes: [new KeyedHash(key, 'unused')] })
  const accountLinks = new AccountLinks({ sealer, oneTime, userAdmin, issuer })
  const add = async <Data>(kind: LinkKind<Data>, data: Data) => {
    links.set(kind.page, await accountLinks.make(kind, { user, data }, systemClock.now()))
  }
  const passwordData = await passwordLinkDataOf(user)
  await add(RESET_PASSWORD, passwordData)
  await add(INVITATION, passwordData)
  await add(CONFIRM_ADDRESS, { address: LONG_ADDRESS, from: user.profile.email ?? null })
  await add(END_SESSIONS, {})
}
