import type { PageBrowser } from './page_browser.ts'
import { ISSUER, type TestServer } from './server.ts'

/** Sends the right code of the page 40 times in parallel, to two isolates. @returns where each response leads */
export async function tryInParallel(
  server: TestServer,
  browser: PageBrowser,
  { path, code }: { path: string; code: string },
): Promise<string[]> {
  const isolates = [server, server.anotherIsolate()]
  const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(browser.page.html) ?? []
  const headers = {
    Origin: ISSUER,
    Cookie: `__Host-sallyport-form=${browser.cookie('__Host-sallyport-form')}`,
    'Content-Type': 'application/x-www-form-urlencoded',
  }
  const body = new URLSearchParams({ ticket, email_code: code }).toString()
  const tries = Array.from({ length: 40 }, (_, i) =>
    isolates[i % 2]?.fetch(path, { method: 'POST', headers, body }),
  )
  return (await Promise.all(tries)).map((response) => response?.headers.get('Location') ?? '')
}
