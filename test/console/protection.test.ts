import { beforeAll, describe, expect, it, vi } from 'vitest'
import { ConsoleBrowser, inputOf } from '../support/console.ts'
import { ISSUER, PASSWORD, TestServer } from '../support/server.ts'

const server = new TestServer()
let browser: Awaited<ReturnType<typeof ConsoleBrowser.signIn>>
beforeAll(async () => {
  browser = await ConsoleBrowser.signIn(server)
})

describe('a form', () => {
  const fields = { client_id: 'forged', api: 'storefront', grants: ['password'] }
  const post = (headers: Record<string, string>, more = {}) =>
    browser.post('/console/clients/~new', { ...fields, ...more }, headers)

  it.each([
    ['another site', { Origin: 'https://evil.test', 'Sec-Fetch-Site': 'cross-site' }],
    ['another host of this site', { Origin: 'https://shop.test', 'Sec-Fetch-Site': 'same-site' }],
    ['an unknown origin', {}],
    ['a page without an origin', { Origin: 'null' }],
  ])('a form from %s is refused even with the right token', async (_, headers) => {
    const response = await post(headers)
    expect(response.status).toBe(403)
    expect(response.html).toContain('This form was not sent from this site')
  })

  it.each([
    ['no token', { csrf_token: '' }],
    ['the token of another session', { csrf_token: 'A'.repeat(32) }],
  ])('a form with %s is refused even from the right origin', async (_, token) => {
    expect((await post({ Origin: ISSUER }, token)).status).toBe(403)
  })

  it('the sign-out refuses a forged form', async () => {
    expect((await browser.post('/console/sign-out', {}, { Origin: 'https://evil.test' })).status).toBe(403)
    expect((await browser.post('/console/sign-out', { csrf_token: '' })).status).toBe(403)
  })

  it.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])(
    'a form is refused as %s',
    async (type) => {
      const headers = { 'Content-Type': type, Origin: ISSUER }
      const response = await browser.send('/console/clients/~new', { method: 'POST', headers, body: 'x=1' })
      expect(response.status).toBe(415)
    },
  )

  it('a form that is too large is refused', async () => {
    expect((await post({ Origin: ISSUER }, { name: 'x'.repeat(17_000) })).status).toBe(413)
  })

  it('no refused form has changed anything', async () => {
    expect(await server.services.clientAdmin.find('forged')).toBeNull()
    expect((await browser.get('/console')).status).toBe(200)
  })
})

describe('every page', () => {
  const PAGES = [
    '/console',
    '/console/clients',
    '/console/clients/sallyport-console',
    '/console/clients/~new',
    '/console/users',
    '/console/users/new',
    '/console/sessions',
    '/console/keys',
    '/console/audit',
    '/console/password',
    '/console/kept',
    '/console/nothing',
    '/console/users/user:nobody',
  ]

  it.each(PAGES)(
    'the page has security headers, one script of the console and no inline style: %s',
    async (path) => {
      const { headers, html } = await browser.get(path)
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store, no-transform',
        'content-security-policy': `default-src 'none'; script-src ${ISSUER}/console/local_times.js; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
        'content-type': 'text/html; charset=UTF-8',
        'referrer-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      })
      expect(headers.get('Access-Control-Allow-Origin')).toBeNull()
      expect(html).toMatch(/^<!doctype html><html lang="en" dir="ltr">/)
      expect(html.match(/<script.*?<\/script>/g)).toEqual([
        expect.stringMatching(/^<script defer="" src="\/console\/local_times\.js\?v=[\w-]{12}"><\/script>$/),
      ])
      expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i)
    },
  )

  it.each(['/console/signed-out', '/console/nothing'])(
    'a page without a session has no script, and its policy allows none: %s',
    async (path) => {
      const { headers, html } = await new ConsoleBrowser(server).get(path)
      expect(headers.get('Content-Security-Policy')).toBe(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      )
      expect(html).not.toMatch(/<script/i)
    },
  )

  it.each([
    ['style.css', 'text/css; charset=UTF-8', 'light-dark('],
    ['local_times.js', 'text/javascript; charset=UTF-8', "'use strict'"],
  ])('the file %s can be cached for a year, because its address has a hash', async (name, type, part) => {
    const { html } = await browser.get('/console')
    const [address = ''] = new RegExp(`/console/${name}\\?v=[\\w-]{12}`).exec(html) ?? []
    const { status, headers, html: text } = await new ConsoleBrowser(server).get(address)
    expect(status).toBe(200)
    expect(text).toContain(part)
    expect(headers.get('Content-Type')).toBe(type)
    expect(headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
  })

  it('a page without an action accepts only GET', async () => {
    const response = await browser.post('/console/audit')
    expect(response.status).toBe(405)
    expect(response.headers.get('Allow')).toBe('GET, HEAD')
  })

  it.each([
    ['/users/user:a/password', '/users/user:a'],
    ['/users/user:a/sessions/s1.b/end', '/users/user:a'],
    ['/clients/storefront/disable', '/clients/storefront'],
    ['/keys/rotate', '/keys'],
  ])('the address of the action %s leads to the page of its object', async (path, page) => {
    expect(await browser.get(`/console${path}`)).toMatchObject({ status: 303, location: `/console${page}` })
  })

  it('a page is found with a slash at the end', async () => {
    expect(await browser.get('/console/')).toMatchObject({ status: 301, location: '/console' })
    expect(await browser.get('/console/keys//')).toMatchObject({ status: 301, location: '/console/keys' })
  })

  it('an unknown address is 404', async () => {
    expect(await browser.get('/console/nothing')).toMatchObject({
      status: 404,
      html: expect.stringContaining('Page not found'),
    })
  })

  it.each([
    [404, '/console/nothing', ['admin']],
    [404, '/console/users/user:nobody', ['admin']],
    [403, '/console/clients/~new', ['support']],
  ])('an error page %i keeps the navigation of a signed-in operator: %s', async (status, path, roles) => {
    const response = await (await ConsoleBrowser.signIn(server, roles)).get(path)
    expect(response.status).toBe(status)
    expect(response.html).toContain(`Error ${status}`)
    expect(response.html).toContain('<nav aria-label="Console">')
    expect(response.html).toContain('Sign out')
    expect((await new ConsoleBrowser(server).get('/console/nothing')).html).not.toContain('<nav')
  })
})

describe('user input', () => {
  const HOSTILE = `"><script>alert(1)</script>'&`

  it('user input is shown as text on every page', async () => {
    const created = await browser.post('/console/clients/~new', {
      client_id: `hostile-${crypto.randomUUID()}`.slice(0, 60),
      api: 'storefront',
      grants: ['password'],
      name: HOSTILE,
    })
    expect(created.status).toBe(201)
    const draft = {
      pool: 'customers',
      username: HOSTILE,
      password: PASSWORD,
      'profile.name': HOSTILE,
      roles: HOSTILE,
    }
    const person = await browser.post('/console/users/new', draft)
    const path = new URL(person.location ?? '', ISSUER).pathname
    const pages = await Promise.all(
      [
        '/console/clients?q=hostile',
        '/console/users?q=%22',
        path,
        `/console/clients?q=${encodeURIComponent(HOSTILE)}`,
        `/console/audit?sid=${encodeURIComponent(HOSTILE)}`,
        `/console/sessions?client_id=${encodeURIComponent(HOSTILE)}`,
        `/console/audit?done=${encodeURIComponent(HOSTILE)}&kind=${encodeURIComponent(HOSTILE)}`,
      ].map((address) => browser.get(address)),
    )
    const failed = await browser.post('/console/users/new', { ...draft, pool: HOSTILE })
    for (const { html } of [...pages, created, failed]) expect(html).not.toContain('<script>')
    expect(pages[0]?.html).toContain('&lt;script&gt;')
    expect(pages[2]?.html).toContain('&lt;script&gt;')
    expect(inputOf(failed.html, 'username').replaceAll('&#39;', "'")).toContain('alert(1)')
  })
})

describe('a secret', () => {
  it('no page, address or log line contains a secret', async () => {
    const lines: string[] = []
    const spies = (['info', 'warn', 'error'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation((line: string) => lines.push(line)),
    )
    const own = await ConsoleBrowser.signIn(server)
    const { value: tokens } = JSON.parse((await server.services.consoleSealer.open(own.cookie ?? '')) ?? '{}')
    const password = `typed-${crypto.randomUUID()}`
    const seen: string[] = []
    const note = ({ html, location }: { html: string; location: string | null }) =>
      seen.push(html, location ?? '')
    note(await own.get(`/console/callback?state=${password}&code=${tokens.refreshToken}`))
    note(await own.post('/console/users/new', { pool: 'customers', username: '', password }))
    note(await own.post('/console/password', { current_password: password, password, repeated: password }))
    const id = `secret-${crypto.randomUUID()}`
    const created = await own.post('/console/clients/~new', {
      client_id: id,
      api: 'storefront',
      grants: ['password'],
    })
    const [secret = ''] = /sps_[\w-]+/.exec(created.html) ?? []
    for (const path of [`/console/clients/${id}`, '/console/audit', '/console/clients', '/console']) {
      note(await own.get(path))
    }
    note(await own.get(`/console/sessions/${tokens.accessToken}`))
    const { html } = await own.post('/console/sign-out')
    seen.push(html)
    for (const spy of spies) spy.mockRestore()
    expect(secret).toMatch(/^sps_[\w-]{43}$/)
    expect(lines.length).toBeGreaterThan(2)
    const everything = [...seen, ...lines].join('\n')
    for (const text of [tokens.accessToken, tokens.refreshToken, password, secret]) {
      expect(text.length).toBeGreaterThan(20)
      expect(everything).not.toContain(text)
    }
  })
})
