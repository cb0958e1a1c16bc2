import { browserOf, signInAt } from './authorize.ts'
import type { PageBrowser, ShownPage } from './page_browser.ts'
import { ISSUER, type TestServer } from './server.ts'

export const ACCOUNT = `${ISSUER}/account/customers`

/** The configuration of an account page of the pool `customers`, with other keys of the pool. */
export function selfService(customers: Record<string, unknown> = {}): Record<string, unknown> {
  return { accounts: { customers: { self_service: true, ...customers } } }
}

/** A browser in which a user has signed in for the account page. It shows the page of the path. */
export async function openAccount(
  server: TestServer,
  username: string,
  { path = '', browser = browserOf(server) }: { path?: string; browser?: PageBrowser } = {},
): Promise<{ browser: PageBrowser; page: ShownPage }> {
  await browser.open(ACCOUNT + path)
  return { browser, page: await signInAt(browser, username) }
}
