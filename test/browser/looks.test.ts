import { beforeAll, describe, expect, it } from 'vitest'
import { LANGUAGES } from '../../src/lib/language.ts'
import { TEXTS } from '../../src/pages/languages/texts.ts'
import { authorizeUrl, browserOf, CALLBACK, CODE_CLIENT } from '../support/authorize.ts'
import { ISSUER, PASSWORD, type TestClient, TestServer } from '../support/server.ts'

const LOGO = `data:image/svg+xml;base64,${btoa('<svg xmlns="http://www.w3.org/2000/svg"/>')}`
const BRANDING = {
  name: 'Corner Shop',
  logo: LOGO,
  colors: { light: '#0a5c36', dark: '#6fd3a0' },
  links: { help: 'https://shop.test/help', privacy: 'https://shop.test/privacy' },
  texts: {
    sign_in: { de: 'Mit Ihrer Kundennummer.' },
    username: { en: 'Email address', de: 'E-Mail-Adresse' },
  },
}
const MAX_PAGE_BYTES = 20_000

describe('the looks of the pages', () => {
  const server = new TestServer({
    config: {
      apis: {
        storefront: {
          audience: 'https://shop.test/api',
          users: 'customers',
          guests: true,
          scopes: ['cart', 'orders', 'catalog'],
          scope_texts: { cart: { en: 'Your cart', de: 'Ihren Warenkorb' }, orders: 'Orders' },
          branding: BRANDING,
        },
      },
    },
  })
  let shop: TestClient
  let partner: TestClient
  let username: string

  beforeAll(async () => {
    shop = await server.addClient(CODE_CLIENT)
    partner = await server.addClient({
      ...CODE_CLIENT,
      isFirstParty: false,
      name: 'Partner',
      logoUri: LOGO,
      policyUri: 'https://partner.test/privacy',
      scopes: ['cart', 'orders', 'catalog'],
    })
    username = (await server.addUser()).username
  })

  const get = (url: string, headers: Record<string, string> = {}) =>
    server.fetch(url.replace(ISSUER, ''), { headers: { Accept: 'text/html', ...headers } })

  /** The whole size of a page: its HTML and its stylesheets. */
  async function sizeOf(html: string): Promise<number> {
    const sheets = [...html.matchAll(/<link rel="stylesheet" href="([^"]+)"/g)].map(([, href = '']) => href)
    const bodies = await Promise.all(sheets.map(async (href) => (await get(href)).text()))
    return [html, ...bodies].reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0)
  }

  it('a page has the name, the logo, the links and the texts of its API', async () => {
    const html = await (await get(authorizeUrl(shop))).text()
    expect(html).toContain('<title>Sign in · Corner Shop</title>')
    expect(html).toContain(`<link rel="icon" href="${LOGO}"/>`)
    expect(html).toContain(`<span class="brand"><img src="${LOGO}" alt=""/>Corner Shop</span>`)
    expect(html).toContain('<label for="username">Email address</label>')
    expect(html).toContain(
      '<a href="https://shop.test/help" target="_blank" rel="noopener noreferrer">Help</a>',
    )
    expect(html).not.toMatch(/Sallyport|>Terms</)
  })

  it('the stylesheet of an API has its colors, at an address that changes with them', async () => {
    const html = await (await get(authorizeUrl(shop))).text()
    const path = /"(\/oauth2-token\/pages\/brand-storefront\.css\?v=[\w-]{12})"/.exec(html)?.[1] ?? ''
    const response = await get(path)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/css; charset=UTF-8',
      'cache-control': 'public, max-age=31536000, immutable',
    })
    expect(await response.text()).toBe(':root{--accent-light:#0a5c36;--accent-dark:#6fd3a0}')
    expect((await get('/oauth2-token/pages/brand-other.css')).status).toBe(404)
  })

  it('an API without branding has the looks of Sallyport', async () => {
    const plain = new TestServer()
    const client = await plain.addClient(CODE_CLIENT)
    const { html } = await browserOf(plain).open(authorizeUrl(client))
    expect(html).toContain('<title>Sign in · Sallyport</title>')
    expect(html).not.toContain('brand-')
  })

  it.each([
    ['de', { ui_locales: 'xx de-AT fr' }, 'fr'],
    ['es', { user_locale: 'es_MX' }, undefined],
    ['fr', { ui_locales: 'xx' }, 'de;q=0.5, fr-CA;q=0.9, en;q=0.1'],
    ['uk', {}, 'uk-UA,uk;q=0.9,en;q=0.8'],
    ['nl', {}, 'de;q=0, nl;q=0.3'],
    ['en', {}, 'zh, *;q=0.5'],
    ['en', { ui_locales: 'constructor __proto__' }, 'de;q=x, ;;,=, fr;q=7'],
    ['en', {}, undefined],
  ] as const)(
    'the language of a page is %s for %j and Accept-Language: %s',
    async (language, changes, accepted) => {
      const headers: Record<string, string> = accepted === undefined ? {} : { 'Accept-Language': accepted }
      const html = await (await get(authorizeUrl(shop, changes), headers)).text()
      expect(html).toContain(`<html lang="${language}" dir="ltr">`)
      expect(html).toContain(`<h1>${TEXTS[language].signIn.title}</h1>`)
    },
  )

  it('a refused form and the next pages keep the language of the request', async () => {
    const browser = browserOf(server)
    const opened = await browser.open(
      authorizeUrl(partner, { ui_locales: 'de', scope: 'cart orders catalog email' }),
    )
    expect(opened.html).toContain('<p>Mit Ihrer Kundennummer.</p>')
    const values = { 'E-Mail-Adresse': username, Passwort: 'wrong' }
    const refused = await browser.press('Anmelden', values)
    expect(refused.html).toContain(
      `<title>${TEXTS.de.problems.wrongCredentials} · Anmelden · Corner Shop</title>`,
    )
    const { html } = await browser.press('Anmelden', { Passwort: PASSWORD })
    expect(html).toContain('<h1>Darf Partner Ihr Konto verwenden?</h1>')
  })

  it('a text of config.yml in another language than the page has its language for screen readers', async () => {
    const html = await (await get(authorizeUrl(shop, { ui_locales: 'fr' }))).text()
    expect(html).toContain('<p><span lang="de" dir="ltr">Mit Ihrer Kundennummer.</span></p>')
    expect(html).toContain('<label for="username"><span lang="en" dir="ltr">Email address</span></label>')
  })

  it('the consent page shows the client, its logo, the scopes in words, the host and the account', async () => {
    const browser = browserOf(server)
    await browser.open(authorizeUrl(partner, { scope: 'cart orders catalog email' }))
    const { html } = await browser.press('Sign in', { 'Email address': username, Password: PASSWORD })
    expect(html).toContain(
      `<img class="client-logo" src="${LOGO}" alt=""/><h1>Allow Partner to use your account?</h1>`,
    )
    const scopes = [...html.matchAll(/<li>([^<]+)<\/li>/g)].map(([, text]) => text)
    expect(scopes).toEqual(['Your email address', 'Your cart', 'Orders', 'catalog'])
    expect(html).toContain(`You then return to:<strong class="host">${new URL(CALLBACK).host}`)
    expect(html).toContain('href="https://partner.test/privacy"')
    expect(html).toContain(`<p>You are signed in as ${username}</p>`)
    expect(await sizeOf(html)).toBeLessThan(MAX_PAGE_BYTES)
    const other = await browser.press('Use another account')
    expect(other.html).toContain('<h1>Sign in</h1>')
    const again = await browser.press('Sign in', { 'Email address': username, Password: PASSWORD })
    expect(again.html).toContain('<h1>Allow Partner to use your account?</h1>')
    expect((await browser.press('Allow')).url.searchParams.has('code')).toBe(true)
  })

  it.each(LANGUAGES)(
    'an error page says what to do in the language %s, with the looks of a known client',
    async (language) => {
      const headers = { 'Accept-Language': language }
      const { link, notFound } = TEXTS[language].errors
      for (const [url, name, { title, text }] of [
        [authorizeUrl(shop, { redirect_uri: 'https://evil.test/' }), 'Corner Shop', link],
        [authorizeUrl({ ...shop, id: 'nothing' }), 'Sallyport', link],
        ['/oauth2-token/pages/nothing', 'Sallyport', notFound],
      ] as const) {
        const response = await get(url, headers)
        const html = await response.text()
        expect(html).toContain(`<title>${title} · ${name}</title>`)
        expect(html).toContain(`<h1>${title}</h1><p>${text}</p>`)
        expect(await sizeOf(html)).toBeLessThan(MAX_PAGE_BYTES)
      }
    },
  )

  it('an error page and the page after a sign-out have the language of ui_locales', async () => {
    for (const url of [
      '/oauth2-token/authorize?ui_locales=it',
      '/oauth2-token/authorize?user_locale=it',
      '/oauth2-token/logout?ui_locales=it',
    ]) {
      expect(await (await get(url, { 'Accept-Language': 'de' })).text()).toContain(
        '<html lang="it" dir="ltr">',
      )
    }
  })

  it('a page with form_post has the language of the request and names the host', async () => {
    const url = authorizeUrl(shop, { response_mode: 'form_post', ui_locales: 'pl', prompt: 'none' })
    const html = await (await get(url)).text()
    expect(html).toContain('<html lang="pl" dir="ltr">')
    expect(html).toContain(`<p>${TEXTS.pl.leave.text('app.test')}</p>`)
    expect(html).toContain('<title>Dalej · Corner Shop</title>')
  })

  it('the stylesheets of the pages are ready for languages from right to left', async () => {
    const html = await (await get(authorizeUrl(shop))).text()
    const [, href = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec(html) ?? []
    const rules = await (await get(href)).text()
    expect(rules).toContain('.single')
    expect(rules.match(/^\s*(?:[\w-]*-)?(?:left|right)(?:-[\w-]+)?\s*:|:\s*(?:left|right)\s*;/gm)).toBeNull()
  })
})
