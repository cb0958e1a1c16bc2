import { describe, expect, it } from 'vitest'
import { version } from '../package.json'
import { addConsoleClient } from './support/console.ts'
import { ISSUER, TestServer } from './support/server.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const JSON_HOME = {
  name: 'Sallyport',
  version,
  issuer: ISSUER,
  metadata: `${ISSUER}/.well-known/oauth-authorization-server`,
  jwks_uri: `${ISSUER}/.well-known/jwks.json`,
  console: `${ISSUER}/console`,
  admin_api: `${ISSUER}/admin/api/openapi.json`,
  documentation: 'docs/README.md in the source code of the server',
}

const open = (server: TestServer, accept: string, path = '/') =>
  server.fetch(path, { headers: { Accept: accept } })

describe('the address without a path', () => {
  it.each([
    '*/*',
    'application/json',
    'application/json, text/html',
    'text/*;q=0, */*',
    'text/html;q=0',
    ',',
  ])('responds with JSON to a program that sends Accept: %s', async (accept) => {
    const response = await open(new TestServer(), accept)
    expect([response.status, await response.json()]).toEqual([200, JSON_HOME])
    expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
    expect([response.headers.get('Cache-Control'), response.headers.get('Vary')]).toEqual([
      'no-store, no-transform',
      'Accept, Origin',
    ])
  })

  it('responds to a browser with a page that links to the console and the public documents', async () => {
    const server = new TestServer()
    await addConsoleClient(server)
    const response = await open(server, BROWSER)
    const html = await response.text()
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/html; charset=UTF-8'])
    expect(response.headers.get('Vary')).toBe('Accept, Origin')
    expect(response.headers.get('Content-Security-Policy')).toMatch(/^default-src 'none'; style-src 'self';/)
    expect(html).toContain(`Documentation: ${JSON_HOME.documentation}.`)
    expect(html).toContain(`Sallyport ${version} issues the tokens of <code>${ISSUER}</code>`)
    const addresses = [...html.matchAll(/(?:href)="([^"]+)"/g)].map(([, href = '']) => href)
    const { console, metadata, jwks_uri, admin_api } = JSON_HOME
    expect(addresses.slice(2)).toEqual([console, metadata, jwks_uri, admin_api])
    // The console redirects to its sign-in.
    const statuses = addresses.map(async (href) => (await server.fetch(href.replace(ISSUER, ''))).status)
    expect(await Promise.all(statuses)).toEqual([200, 200, 303, 200, 200, 200])
  })

  it('names no console if config.yml has no admin API', async () => {
    const server = new TestServer({ config: { admin_api: undefined } })
    const { console: _, admin_api: __, ...home } = JSON_HOME
    expect(await (await open(server, '*/*')).json()).toEqual(home)
    expect(await (await open(server, BROWSER)).text()).not.toContain('/console')
  })

  it('names the account page if a pool has self_service', async () => {
    const server = new TestServer({ config: { accounts: { customers: { self_service: true } } } })
    const account = `${ISSUER}/account`
    expect(await (await open(server, '*/*')).json()).toEqual({ ...JSON_HOME, account })
    expect(await (await open(server, BROWSER)).text()).toContain(`<a href="${account}">Your account</a>`)
  })

  it('refuses other methods, and its files have no other path', async () => {
    const server = new TestServer()
    const posted = await server.fetch('/', { method: 'POST', headers: { Accept: BROWSER } })
    expect([posted.status, posted.headers.get('Allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    const head = await server.fetch('/', { method: 'HEAD', headers: { Accept: BROWSER } })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const unknown = await open(server, BROWSER, '/home/nothing')
    expect([unknown.status, await unknown.text()]).toEqual([404, expect.stringContaining('Page not found')])
  })
})
