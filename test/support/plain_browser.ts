import { setTimeout as sleep } from 'node:timers/promises'
import { CookieJar } from '../../scripts/cookie_jar.ts'

const MAX_REDIRECTS = 5

/** A browser without scripts for tests in Node: it keeps cookies, follows redirects, and fills and sends forms. */
export class PlainBrowser {
  readonly #cookies = new CookieJar()
  url = ''
  status = 0
  headers = new Headers()
  html = ''

  open(url: string): Promise<void> {
    return this.#load(url, {})
  }

  /** Sends the form that has the button, with its hidden fields and the given values by field name. */
  async press(button: string, values: Record<string, string> = {}): Promise<void> {
    const form = this.html.match(/<form\b.*?<\/form>/gs)?.find((text) => buttonOf(text, button) !== undefined)
    if (!form) throw new Error(`the page has no button "${button}":\n${this.html}`)
    const hidden = [...form.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)].map(([tag]) => fieldOf(tag))
    const pressed = fieldOf(buttonOf(form, button) ?? '')
    const named = pressed[0] === '' ? [] : [pressed]
    const body = new URLSearchParams([...hidden, ...Object.entries(values), ...named])
    const target = new URL(attribute(form, 'action'), this.url)
    await this.#load(target.href, { method: 'POST', body, headers: { Origin: new URL(this.url).origin } })
  }

  async #load(url: string, init: RequestInit): Promise<void> {
    let [address, next] = [url, init]
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const { header } = this.#cookies
      const headers = { ...next.headers, ...(header && { Cookie: header }), Accept: 'text/html' }
      const response = await fetch(address, { ...next, headers, redirect: 'manual' })
      this.#cookies.keep(response.headers.getSetCookie())
      const location = response.headers.get('Location')
      if (location === null) {
        Object.assign(this, { url: address, status: response.status, headers: response.headers })
        this.html = await response.text()
        return
      }
      ;[address, next] = [new URL(location, address).href, {}]
    }
    throw new Error('there are too many redirects')
  }
}

/** Waits until a text has an http address, and returns the first one with that path. */
export async function waitForAddress(read: () => string, path: string): Promise<string> {
  for (;;) {
    const found = read()
      .match(/https?:\/\/\S+/g)
      ?.find((address) => new URL(address).pathname === path)
    if (found !== undefined) return found
    await sleep(20)
  }
}

function buttonOf(form: string, text: string): string | undefined {
  const buttons = [...form.matchAll(/(<button\b[^>]*>)(.*?)<\/button>/gs)]
  return buttons.find(([, , content = '']) => content.replace(/<[^>]*>/g, '').trim() === text)?.[1]
}

function fieldOf(tag: string): [name: string, value: string] {
  return [attribute(tag, 'name'), attribute(tag, 'value')]
}

function attribute(tag: string, name: string): string {
  const text = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  return text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&')
}
