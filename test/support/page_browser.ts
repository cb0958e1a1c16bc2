import { CookieJar } from '../../scripts/cookie_jar.ts'
import { type HtmlButton, type HtmlForm, readForms } from './html_forms.ts'

const MAX_REDIRECTS = 5

const HTML = { Accept: 'text/html' }

/** The page that a browser shows. */
export interface ShownPage {
  url: URL
  status: number
  headers: Headers
  /** Without the places for line breaks in long names. */
  html: string
}

/** The values of fields and the states of checkboxes by the text of the label; those of hidden fields by their names. */
type Values = Readonly<Record<string, string | boolean>>

/** A browser for pages. It keeps cookies, follows redirects and refreshes, fills forms by their labels, and obeys `form-action`. */
export class PageBrowser {
  readonly #fetch: (request: Request) => Promise<Response>
  readonly #cookies: CookieJar
  #page: ShownPage | null = null

  /** @param fetch Responds to a request to any host */
  constructor(fetch: (request: Request) => Promise<Response>, cookies = new CookieJar()) {
    this.#fetch = fetch
    this.#cookies = cookies
  }

  get page(): ShownPage {
    if (this.#page === null) throw new Error('the browser shows no page')
    return this.#page
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  /** Removes the cookies, as a browser that refuses or deletes them. */
  removeCookies(): void {
    this.#cookies.clear()
  }

  /** Shows a page again without a request: another tab, or the back button. */
  show(page: ShownPage): void {
    this.#page = page
  }

  open(url: string): Promise<ShownPage> {
    return this.#load(new Request(url, { headers: HTML, redirect: 'manual' }), () => true)
  }

  /** Fills the form that has the button, and sends it. @throws Error if the page's `form-action` blocks an address */
  async press(button: string, values: Values = {}): Promise<ShownPage> {
    const { url, html, headers } = this.page
    const forms = await readForms(html)
    const hasButton = ({ text }: HtmlButton) => text.trim() === button
    const form = forms.find(({ buttons }) => buttons.some(hasButton))
    const pressed = form?.buttons.find(hasButton)
    if (!form || !pressed) throw new Error(`the page has no button "${button}"`)
    for (const [label, value] of Object.entries(values)) fill(form, label, value)
    return this.#load(toRequest(form, pressed, url), (target) => isAllowed(target, url, headers))
  }

  async #load(first: Request, mayGoTo: (target: URL) => boolean): Promise<ShownPage> {
    let request = first
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const url = new URL(request.url)
      if (!mayGoTo(url)) throw new Error(`form-action blocks ${url.origin}`)
      const { header } = this.#cookies
      if (header !== '') request.headers.set('Cookie', header)
      const response = await this.#fetch(request)
      this.#cookies.keep(response.headers.getSetCookie())
      const html = (await response.text()).replaceAll('<wbr/>', '')
      const location = response.headers.get('Location') ?? findRefresh(response.headers)
      if (location === null) {
        this.#page = { url, status: response.status, headers: response.headers, html }
        return this.#page
      }
      request = new Request(new URL(location, url), { headers: HTML, redirect: 'manual' })
    }
    throw new Error('there are too many redirects')
  }
}

/** The address that a page opens at once; null for a page that stays. */
function findRefresh(headers: Headers): string | null {
  return /^0; url=(.*)/.exec(headers.get('Refresh') ?? '')?.[1] ?? null
}

function fill(form: HtmlForm, label: string, value: string | boolean): void {
  const field = form.fields.find(({ label: text, type, name }) => (type === 'hidden' ? name : text) === label)
  if (!field) throw new Error(`the form has no field "${label}"`)
  if (typeof value === 'string') {
    field.value = value
    return
  }
  if (field.type === 'radio') {
    for (const other of form.fields) if (other.name === field.name) other.checked = false
  }
  field.checked = value
}

function toRequest({ action, method, fields }: HtmlForm, pressed: HtmlButton, page: URL): Request {
  const sent = fields.filter(({ type, checked }) => checked || (type !== 'checkbox' && type !== 'radio'))
  const named = pressed.name === '' ? [] : [pressed]
  const body = new URLSearchParams([...sent, ...named].map(({ name, value }) => [name, value]))
  const target = new URL(action, page)
  if (method === 'get') return new Request(`${target}?${body}`, { headers: HTML, redirect: 'manual' })
  const headers = { ...HTML, 'Content-Type': 'application/x-www-form-urlencoded', Origin: page.origin }
  return new Request(target, { method: 'POST', headers, body: body.toString(), redirect: 'manual' })
}

/** Whether the page's `form-action` allows a target (CSP Level 3 §6.3.1). Browsers check each redirect too. */
function isAllowed(target: URL, page: URL, headers: Headers): boolean {
  const policy = headers.get('Content-Security-Policy') ?? ''
  const directive = policy.split('; ').find((text) => text.startsWith('form-action '))
  if (directive === undefined) return true
  const sources = directive.split(' ').slice(1)
  return sources.some((source) => (source === "'self'" ? page.origin : source) === target.origin)
}
