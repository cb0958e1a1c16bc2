import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { Hono } from 'hono'
import { beforeAll, describe, expect, it } from 'vitest'
import { addEndpoints } from '../src/endpoints/add_endpoints.ts'
import { type Endpoint, type EndpointFormat, JSON_FORMAT } from '../src/endpoints/endpoint.ts'
import { Responses } from '../src/http/responses.ts'
import { challengeRequired } from '../src/oauth/errors.ts'
import { emptyStores, ISSUER, TestServer } from './support/server.ts'

const ORIGIN = 'https://www.shop.test'

/** Errors are pages for the user of a browser. */
const PAGE_FORMAT: EndpointFormat = {
  cors: false,
  writeError(c, thrown, responses) {
    const { error, headers } = responses.refuse(c, thrown)
    const type = { 'Content-Type': 'text/html; charset=UTF-8' }
    return new Response(`<p>${error.description}</p>`, {
      status: error.status,
      headers: { ...headers, ...type },
    })
  },
}

/** A page by GET and a form by POST, as an authorization endpoint has them. */
const pageEndpoint: Endpoint = {
  path: '/page',
  format: PAGE_FORMAT,
  methods: {
    GET: () => (c) => {
      if (c.req.query('refused') !== undefined) throw challengeRequired('a test')
      return c.html('<form method="post"></form>')
    },
    POST: () => (c) => c.redirect('https://client.test/callback?code=1', 303),
  },
}

/** An endpoint for programs with two methods, as userinfo has them. */
const dataEndpoint: Endpoint = {
  path: '/data',
  format: JSON_FORMAT,
  methods: {
    GET: (_services, responses) => () => responses.private({ method: 'GET' }),
    POST: (_services, responses) => () => responses.private({ method: 'POST' }),
  },
}

let app: Hono

async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const context = createExecutionContext()
  const response = await app.fetch(new Request(ISSUER + path, { redirect: 'manual', ...init }), {}, context)
  await waitOnExecutionContext(context)
  return response
}

beforeAll(async () => {
  await emptyStores()
  const { services } = new TestServer()
  app = new Hono()
  addEndpoints(app, [pageEndpoint, dataEndpoint], { services, responses: new Responses(services.config) })
})

describe('an endpoint for users in a browser', () => {
  it('the endpoint responds with HTML to GET and with a redirect to POST', async () => {
    const page = await send('/page')
    expect(page.status).toBe(200)
    expect(page.headers.get('Content-Type')).toBe('text/html; charset=UTF-8')
    expect(await page.text()).toBe('<form method="post"></form>')
    const redirect = await send('/page', { method: 'POST', body: 'a=1' })
    expect(redirect.status).toBe(303)
    expect(redirect.headers.get('Location')).toBe('https://client.test/callback?code=1')
  })

  it('the endpoint writes an error of its handler as HTML', async () => {
    const response = await send('/page?refused')
    expect(response.status).toBe(400)
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=UTF-8')
    expect(await response.text()).toBe(
      '<p>Solve a challenge and send its response as challenge_response.</p>',
    )
  })

  it('the endpoint refuses a body over the limit with HTML', async () => {
    const response = await send('/page', { method: 'POST', body: 'a'.repeat(16 * 1024 + 1) })
    expect(response.status).toBe(413)
    expect(await response.text()).toBe('<p>The request body is larger than 16 KiB.</p>')
  })

  it.each(['PUT', 'DELETE', 'OPTIONS'])(
    'the endpoint refuses %s with 405 and Allow, as HTML',
    async (method) => {
      const response = await send('/page', { method })
      expect(response.status).toBe(405)
      expect(response.headers.get('Allow')).toBe('GET, HEAD, POST')
      expect(await response.text()).toBe('<p>This endpoint takes GET, HEAD, POST.</p>')
    },
  )

  it.each(['GET', 'POST', 'OPTIONS'])(
    'the endpoint has no CORS headers for %s (RFC 9700 §2.6)',
    async (method) => {
      const headers = { Origin: ORIGIN, 'Access-Control-Request-Method': 'POST' }
      const response = await send('/page', { method, headers })
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    },
  )
})

describe('an endpoint for programs with two methods', () => {
  it.each(['GET', 'POST'])('the endpoint handles %s', async (method) => {
    const response = await send('/data', { method })
    expect([response.status, await response.json()]).toEqual([200, { method }])
  })

  it('the endpoint handles HEAD as GET without a body (RFC 9110 §9.3.2)', async () => {
    const response = await send('/data', { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('the endpoint refuses other methods with a JSON error that names both methods', async () => {
    const response = await send('/data', { method: 'PUT' })
    expect(response.status).toBe(405)
    expect(response.headers.get('Allow')).toBe('GET, HEAD, POST, OPTIONS')
    expect(await response.json()).toEqual({
      error: 'invalid_request',
      error_description: 'This endpoint takes GET, HEAD, POST, OPTIONS.',
    })
  })

  it('a preflight allows both methods', async () => {
    const headers = { Origin: ORIGIN, 'Access-Control-Request-Method': 'POST' }
    const response = await send('/data', { method: 'OPTIONS', headers })
    expect(response.status).toBe(204)
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
    expect(response.headers.get('Access-Control-Allow-Methods')).toBe('GET,HEAD,POST,OPTIONS')
  })
})
