import { describe, expect, it } from 'vitest'
import { createRoutes } from '../src/app.ts'
import { BROWSER_PATH, PAGE_PATHS } from '../src/browser/browser_path.ts'
import { ACCOUNT_PAGES_PATH } from '../src/config/account_path.ts'
import { CONSOLE_PATH } from '../src/console/console_path.ts'
import { PAGES } from '../src/console/pages.ts'
import { createManagement, createManagementRoutes } from '../src/management_app.ts'
import { basic, ISSUER, TestServer } from './support/server.ts'

const OF_DATA = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
}

const OF_PAGES = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** The page of a form whose last redirect leads to a client: browsers check `form-action` for each redirect. */
const OF_FORMS = {
  ...OF_PAGES,
  'content-security-policy': OF_PAGES['content-security-policy'].replace(" form-action 'self';", ''),
  'cross-origin-opener-policy': 'unsafe-none',
}

/** The headers that give a browser security instructions. */
const PROTECTS = /^(?:content-security-policy|cross-origin-|referrer-policy|strict-transport|x-|permissions-)/

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function protectionOf({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => PROTECTS.test(name)))
}

const BROWSER_PAGES = [...PAGE_PATHS.map((path) => BROWSER_PATH + path), ACCOUNT_PAGES_PATH]

/** Every path of the server except pages, with a value for each parameter, and an unknown path. */
function pathsOf(server: TestServer): string[] {
  const routes = [
    ...createRoutes(server.services, createManagement(server.services)).routes,
    ...createManagementRoutes(server.services).routes,
  ]
  const paths = routes.map(({ path }) => path.replaceAll(/:\w+/g, 'something'))
  const isData = (path: string) => !path.includes('*') && !BROWSER_PAGES.includes(path)
  return [...new Set([...paths.filter(isData), '/nowhere', '/admin/api/nowhere'])]
}

async function ask(server: TestServer, method: string, path: string, accept = '*/*'): Promise<Response> {
  return server.fetch(path, { method, headers: { Origin: 'https://www.shop.test', Accept: accept } })
}

describe('the security headers', () => {
  it('every response has the security headers, for each path and method', async () => {
    const server = new TestServer()
    const paths = pathsOf(server)
    expect(paths).toEqual(
      expect.arrayContaining(['/oauth2-token', '/.well-known/jwks.json', '/admin/api/users/something']),
    )
    expect(paths.length).toBeGreaterThan(30)
    for (const path of paths) {
      for (const method of METHODS) {
        const response = await ask(server, method, path)
        expect([method, path, protectionOf(response)]).toEqual([method, path, OF_DATA])
      }
    }
  })

  it('each page of the console has the security headers, and so has an unknown page', async () => {
    const server = new TestServer()
    const paths = PAGES.map(({ path }) => CONSOLE_PATH + path.replaceAll(/:\w+/g, 'something'))
    const others = [
      '',
      '/',
      '/sign-in',
      '/callback',
      '/signed-out',
      '/style.css',
      '/icon.svg',
      '/nowhere',
    ].map((path) => CONSOLE_PATH + path)
    for (const path of new Set([...paths, ...others])) {
      for (const method of METHODS) {
        const response = await ask(server, method, path)
        expect([method, path, protectionOf(response)]).toEqual([method, path, OF_PAGES])
      }
    }
  })

  it('each page of the sign-in by browser has the security headers, also an error page', async () => {
    const server = new TestServer()
    for (const path of BROWSER_PAGES) {
      for (const method of METHODS) {
        const response = await ask(server, method, path.replace('*', 'style.css'), 'text/html')
        const isForm = path === `${BROWSER_PATH}/logout` && response.status === 200
        const expected = isForm ? OF_FORMS : OF_PAGES
        expect([method, path, protectionOf(response)]).toEqual([method, path, expected])
      }
    }
  })

  it('a 304 has the security headers', async () => {
    const server = new TestServer()
    for (const path of ['/.well-known/jwks.json', '/.well-known/openid-configuration', '/revocations']) {
      const { headers } = await server.fetch(path)
      const again = await server.fetch(path, { headers: { 'If-None-Match': headers.get('ETag') ?? '' } })
      expect([again.status, protectionOf(again)]).toEqual([304, OF_DATA])
    }
  })

  it('every kind of refusal has the security headers', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const answers = [
      await server.postJson('{'),
      await server.postJson('x'.repeat(17_000)),
      await server.postJson({ grant_type: 'password' }, { Authorization: basic(client.id, 'wrong') }),
      await server.fetch('/oauth2-token', { method: 'OPTIONS', headers: { Origin: 'https://evil.example' } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([400, 413, 401, 204])
    for (const answer of answers) expect(protectionOf(answer)).toEqual(OF_DATA)
  })

  it('a response has no Strict-Transport-Security if the issuer is http on loopback', async () => {
    const server = new TestServer({ config: { issuer: 'http://127.0.0.1:8787' } })
    for (const [path, headers] of [
      ['/health', OF_DATA],
      ['/admin/api/me', OF_DATA],
      ['/nowhere', OF_DATA],
      ['/console/signed-out', OF_PAGES],
    ] as const) {
      const { 'strict-transport-security': _, ...others } = headers
      expect(protectionOf(await server.fetch(path))).toEqual(others)
    }
  })

  it('the issuer in config.yml decides on Strict-Transport-Security, not the request', async () => {
    const request = new Request(`${ISSUER.replace('https:', 'http:')}/health`)
    expect(protectionOf(await new TestServer().send(request))).toEqual(OF_DATA)
  })
})
