import { CookieJar } from './cookie_jar.ts'

const MAX_PAGES = 8

interface Options {
  username: string
  password: string
  /** The cookies of the browser. The function adds the cookies of each response. */
  cookies?: CookieJar
  /** Sends a request. The default is `fetch`. */
  sendRequest?: (request: Request) => Promise<Response>
}

/**
 * Opens an authorization request as a browser does: keeps cookies, follows redirects, signs the user in, and presses the main
 * button of every other page.
 *
 * @returns The address of the client, with the code. The function does not open it
 */
export async function signInByForms(
  address: string,
  { username, password, cookies = new CookieJar(), sendRequest = fetch }: Options,
): Promise<URL> {
  const { origin } = new URL(address)
  let url = new URL(address)
  let body: URLSearchParams | null = null
  for (let i = 0; i < MAX_PAGES; i++) {
    const response = await sendRequest(requestFor(url, body, cookies))
    cookies.keep(response.headers.getSetCookie())
    const location = response.headers.get('Location')
    const html = await response.text()
    if (location !== null) {
      url = new URL(location, url)
      body = null
      if (url.origin !== origin) return url
      continue
    }
    if (!response.ok) throw new Error(`${response.status} at ${url.pathname}: ${html}`)
    const form = attribute(
      html,
      /(<form(?:(?!<\/form>)[\s\S])*? class="primary"(?:(?!<\/form>)[\s\S])*<\/form>)/,
    )
    body = fillForm(form, { username, password })
    url = new URL(attribute(form, /<form[^>]* action="([^"]*)"/), url)
  }
  throw new Error('there are too many pages')
}

function requestFor(url: URL, body: URLSearchParams | null, { header }: CookieJar): Request {
  const headers = new Headers({ Accept: 'text/html', Origin: url.origin })
  if (header !== '') headers.set('Cookie', header)
  const method = body === null ? 'GET' : 'POST'
  return new Request(url, { method, body, headers, redirect: 'manual' })
}

/** The fields of a form, and its main button. */
function fillForm(html: string, credentials: Readonly<Record<string, string>>): URLSearchParams {
  const fields = new URLSearchParams()
  for (const [tag] of html.matchAll(/<input[^>]*>/g)) {
    const name = attribute(tag, / name="([^"]*)"/)
    fields.set(name, credentials[name] ?? / value="([^"]*)"/.exec(tag)?.[1] ?? '')
  }
  const button = attribute(html, /(<button[^>]* class="primary"[^>]*>)/)
  const [, name, value = ''] = / name="([^"]+)" value="([^"]*)"/.exec(button) ?? []
  if (name !== undefined) fields.set(name, value)
  return fields
}

function attribute(html: string, pattern: RegExp): string {
  const found = pattern.exec(html)?.[1]
  if (found === undefined) throw new Error(`the page has no ${pattern}`)
  return found.replaceAll('&amp;', '&')
}
