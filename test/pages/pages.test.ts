import { Hono } from 'hono'
import { html } from 'hono/html'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { compact } from '../../src/lib/compact.ts'
import { type ContentPolicy, formatContentPolicy, OWN_ORIGIN_ONLY } from '../../src/pages/content_policy.ts'
import { createPageApp } from '../../src/pages/page_app.ts'
import { PageError, UNEXPECTED } from '../../src/pages/page_error.tsx'
import { readForm } from '../../src/pages/read_form.ts'
import { renderPage } from '../../src/pages/render_page.ts'
import { SealedCookie } from '../../src/pages/sealed_cookie.ts'
import { addConsoleClient } from '../support/console.ts'
import { PageBrowser } from '../support/page_browser.ts'
import { ISSUER, PASSWORD, TestServer } from '../support/server.ts'

const CLIENT = 'https://client.test'

/** An app with one form. Its post ends with a redirect to the client. */
function createFormApp(policy: ContentPolicy): Hono {
  const app = createPageApp({
    basePath: '/form',
    issuer: ISSUER,
    showError(c, error) {
      const { title, status } = error instanceof PageError ? error.content : UNEXPECTED
      return renderPage(c, { document: html`<p>${title}</p>`, policy: OWN_ORIGIN_ONLY, status })
    },
  })
  const document = html`<form method="post" action="/form">
    <label for="name">Name</label><input id="name" name="name" /><button>Send</button>
  </form>`
  app.get('/', (c) => renderPage(c, { document, policy }))
  app.post('/', async (c) => c.redirect(`${CLIENT}/callback?name=${(await readForm(c)).text('name')}`, 303))
  return app
}

function browserOf(app: Hono): PageBrowser {
  return new PageBrowser(async (request) =>
    request.url.startsWith(ISSUER) ? app.fetch(request) : new Response('the client'),
  )
}

describe('the content security policy of a page', () => {
  it('the content security policy lets a post end at an origin that the page names', async () => {
    const browser = browserOf(createFormApp({ formTargets: [CLIENT] }))
    const { headers } = await browser.open(`${ISSUER}/form`)
    expect(headers.get('Content-Security-Policy')).toContain(`; form-action 'self' ${CLIENT};`)
    const { url, html: text } = await browser.press('Send', { Name: 'ada' })
    expect([url.href, text]).toEqual([`${CLIENT}/callback?name=ada`, 'the client'])
  })

  it('the content security policy of a page blocks a redirect to an origin that the page does not name', async () => {
    const browser = browserOf(createFormApp(OWN_ORIGIN_ONLY))
    await browser.open(`${ISSUER}/form`)
    await expect(browser.press('Send')).rejects.toThrow(`form-action blocks ${CLIENT}`)
  })

  it('has no form-action if the page leaves it out', async () => {
    const browser = browserOf(createFormApp({ formTargets: null }))
    const { headers } = await browser.open(`${ISSUER}/form`)
    expect(headers.get('Content-Security-Policy')).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    )
    expect((await browser.press('Send', { Name: 'ada' })).url.origin).toBe(CLIENT)
  })

  it.each(['https://client.test/', "'unsafe-inline'", 'https://a.test; script-src *', ''])(
    'the content security policy of a page cannot contain the form target %j, which is not an origin',
    (target) => {
      expect(() => formatContentPolicy({ formTargets: [target] })).toThrow('is not an origin')
    },
  )
})

describe('the opener policy of a page', () => {
  it.each(['same-origin-allow-popups', 'unsafe-none', undefined] as const)(
    'is the value %s that the page sets, and same-origin by default',
    async (openerPolicy) => {
      const app = createPageApp({ basePath: '/form', issuer: ISSUER, showError: (c) => c.body(null, 500) })
      app.get('/', (c) =>
        renderPage(c, { document: html``, policy: OWN_ORIGIN_ONLY, ...compact({ openerPolicy }) }),
      )
      const { headers } = await app.request(`${ISSUER}/form`)
      expect(headers.get('Cross-Origin-Opener-Policy')).toBe(openerPolicy ?? 'same-origin')
    },
  )
})

describe('a sealed cookie', () => {
  it('is refused in a cookie of another name', async () => {
    const sealer = new TestServer().services.consoleSealer
    const app = new Hono()
    for (const name of ['one', 'two']) {
      const cookie = new SealedCookie(sealer, ISSUER, {
        name,
        path: '/',
        sameSite: 'Lax',
        schema: z.string(),
      })
      app.put(`/${name}`, async (c) => {
        await cookie.write(c, 'ada')
        return c.body(null, 204)
      })
      app.get(`/${name}`, async (c) => c.json(await cookie.read(c)))
    }
    const written = await app.request(`${ISSUER}/one`, { method: 'PUT' })
    const sealed = /^__Host-one=([^;]+);/.exec(written.headers.get('Set-Cookie') ?? '')?.[1]
    const read = async (name: string) => {
      const headers = { Cookie: `__Host-${name}=${sealed}` }
      return (await app.request(`${ISSUER}/${name}`, { headers })).json()
    }
    expect([await read('one'), await read('two')]).toEqual(['ada', null])
  })

  it('has the prefix __Host- and Secure with https, and neither at a loopback address without https', async () => {
    const sealer = new TestServer().services.consoleSealer
    const lines: string[] = []
    for (const issuer of [ISSUER, 'http://127.0.0.1:8787']) {
      const options = { name: 'one', path: '/pages', sameSite: 'Lax', schema: z.string() } as const
      const app = new Hono().get('/', async (c) => {
        await new SealedCookie(sealer, issuer, options).write(c, 'ada', 60)
        return c.body(null, 204)
      })
      const { headers } = await app.request('/')
      lines.push(headers.get('Set-Cookie')?.replace(/=[^;]+/, '') ?? '')
    }
    expect(lines).toEqual([
      '__Host-one; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax',
      'one; Max-Age=60; Path=/pages; HttpOnly; SameSite=Lax',
    ])
  })
})

describe('an app of pages', () => {
  it('an app of pages refuses a form from another origin', async () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Origin: CLIENT }
    const request = new Request(`${ISSUER}/form`, { method: 'POST', headers, body: 'name=ada' })
    const response = await createFormApp(OWN_ORIGIN_ONLY).fetch(request)
    expect(response.status).toBe(403)
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
  })
})

describe('the console in a browser that fills forms by their labels', () => {
  it('a browser signs an operator in, creates a user and signs out by the labels of the forms', async () => {
    const server = new TestServer()
    await addConsoleClient(server)
    const { username } = await server.addUser({ pool: 'operators', roles: ['admin'] })
    const browser = new PageBrowser((request) => server.send(request))
    await browser.open(`${ISSUER}/console/users/new`)
    expect(browser.page.url.pathname).toBe('/oauth2-token/authorize')
    await browser.press('Sign in', { Username: username, Password: PASSWORD })
    expect(browser.page.url.pathname).toBe('/console/users/new')
    const name = `${crypto.randomUUID()}@example.com`
    const button = /<button type="submit" class="primary">([^<]+)</.exec(browser.page.html)?.[1] ?? ''
    const created = await browser.press(button, { Username: name, 'Password of the user': PASSWORD })
    expect([created.status, created.url.search]).toEqual([200, ''])
    expect(created.html).toContain('The user was created and can sign in.')
    expect(created.html).toContain(name)
    await browser.press('Sign out')
    expect(browser.page.url.pathname).toBe('/console/signed-out')
    expect(browser.cookie('__Host-sallyport-console')).toBeUndefined()
  })
})
