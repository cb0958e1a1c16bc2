import { addConsoleClient, ConsoleBrowser } from './console.ts'
import { ISSUER, TestServer } from './server.ts'

export const AUTHORIZE = '/oauth2-token/authorize'

export async function newOperator(server: TestServer, roles = ['admin']) {
  await addConsoleClient(server)
  return server.addUser({ pool: 'operators', roles })
}

/** A browser in which a new operator signed in on the pages. */
export async function signedIn(server = new TestServer(), roles = ['admin']) {
  const user = await newOperator(server, roles)
  const browser = new ConsoleBrowser(server)
  await browser.signInAt('/console', user.username)
  return { server, user, browser }
}

/** The address of the response to a new attempt. The browser session signs the operator in without a page. */
export async function newResponse(browser: ConsoleBrowser, path = '/console'): Promise<URL> {
  browser.cookie = null
  const begun = await browser.get(path)
  const { location } = await browser.get(begun.location ?? '')
  return new URL(location ?? '')
}

/** Opens the address of a response, with changed parameters. */
export function openResponse(
  browser: ConsoleBrowser,
  { pathname, searchParams }: URL,
  changes: Record<string, string> = {},
) {
  return browser.get(
    `${pathname}?${new URLSearchParams({ ...Object.fromEntries(searchParams), ...changes })}`,
  )
}

/** Whether the service shows the sign-in page in this browser if it opens the console. */
export async function asksForPassword(browser: ConsoleBrowser): Promise<boolean> {
  const page = await browser.pages.open(`${ISSUER}/console`)
  return page.url.pathname === AUTHORIZE && page.html.includes('name="password"')
}
