import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { compact } from '../src/lib/compact.ts'
import type { ErrorDialect } from '../src/oauth/error_dialect.ts'
import { saveCopy } from './support/copies.ts'
import { D1_DOWN } from './support/faults.ts'
import { basic, credentials, PASSWORD, TestServer } from './support/server.ts'

interface Wire {
  status: number
  error: string
  description: string
  hint?: string
}

interface ErrorCase {
  name: string
  send(server: TestServer): Promise<Response>
  rfc6749: Wire
  /** The differences in status, error or text. Only this form has a hint. */
  oro?: Partial<Wire>
}

const malformed = (description: string): Wire => ({ status: 400, error: 'invalid_request', description })
const invalidClient: Wire = {
  status: 401,
  error: 'invalid_client',
  description: 'Client authentication failed.',
}
const oroClient = { status: 401, error: 'invalid_client', description: 'Client authentication failed' }
const oroGrant = {
  status: 400,
  error: 'unsupported_grant_type',
  description: 'The authorization grant type is not supported by the authorization server.',
  hint: 'Check that all required parameters have been provided',
}
const wrongCredentials: Wire = {
  status: 400,
  error: 'invalid_grant',
  description: 'The user credentials were incorrect.',
}
const invalidScope: Wire = {
  status: 400,
  error: 'invalid_scope',
  description: 'The requested scope is unknown or more than the client may have.',
  hint: 'Check the `scope` parameter',
}
const invalidTarget: Wire = {
  status: 400,
  error: 'invalid_target',
  description: 'The resource is not available to this request.',
}
const RESOURCE = 'https://a.example'
const RESOURCES = [
  ['one', 'resource=https://a.example'],
  ['two', 'resource=https://a.example&resource=https://b.example'],
  ['the same twice', 'resource=https://a.example&resource=https://a.example'],
  ['an empty one as well', 'resource=&resource=https://a.example'],
] as const
const USERNAME_HINT = 'Check the `username` parameter'
const deadRefreshToken: Pick<ErrorCase, 'rfc6749' | 'oro'> = {
  rfc6749: { status: 400, error: 'invalid_grant', description: 'The refresh token is invalid.' },
  oro: { status: 401, error: 'invalid_request', description: 'The refresh token is invalid.' },
}
const NOT_PLAIN = 'The request body must be plain application/json or application/x-www-form-urlencoded.'
const FORM = 'application/x-www-form-urlencoded'

async function asClient(server: TestServer, parameters: Record<string, unknown>): Promise<Response> {
  return server.postJson({ ...credentials(await server.addClient()), ...parameters })
}

function post(body: BodyInit, contentType: string | null, path = '/oauth2-token') {
  const headers = contentType === null ? [] : [['Content-Type', contentType] as [string, string]]
  return (server: TestServer) => server.fetch(path, { method: 'POST', body, headers })
}

const CASES: ErrorCase[] = [
  { name: 'no content type', send: post(new Uint8Array([123, 125]), null), rfc6749: malformed(NOT_PLAIN) },
  { name: 'another media type', send: post('{}', 'text/plain'), rfc6749: malformed(NOT_PLAIN) },
  { name: 'multipart', send: post('{}', 'multipart/form-data; boundary=x'), rfc6749: malformed(NOT_PLAIN) },
  {
    name: 'another charset',
    send: post('{}', 'application/json; charset=latin1'),
    rfc6749: malformed(NOT_PLAIN),
  },
  {
    name: 'two content types',
    send: post('{}', 'application/json, text/plain'),
    rfc6749: malformed(NOT_PLAIN),
  },
  {
    name: 'a compressed body',
    send: (server) => server.postJson({}, { 'Content-Encoding': 'gzip' }),
    rfc6749: malformed(NOT_PLAIN),
  },
  {
    name: 'broken JSON',
    send: (server) => server.postJson('{"grant_type":'),
    rfc6749: malformed('The request body is not valid JSON.'),
  },
  {
    name: 'JSON 8,000 levels deep',
    send: (server) => server.postJson('['.repeat(8000) + ']'.repeat(8000)),
    rfc6749: malformed('The request body must be a JSON object.'),
  },
  {
    name: 'a JSON array',
    send: (server) => server.postJson('[]'),
    rfc6749: malformed('The request body must be a JSON object.'),
  },
  {
    name: 'a repeated JSON key',
    send: (server) => server.postJson('{"grant_type":"password","grant_type":"password"}'),
    rfc6749: malformed('A parameter is repeated.'),
  },
  {
    name: 'a JSON key repeated in another spelling',
    send: (server) => server.postJson('{"grant_type":"password","\\u0067rant_type":"password"}'),
    rfc6749: malformed('A parameter is repeated.'),
  },
  ...[1, true, ['a'], { a: 'b' }].map((value) => ({
    name: `a JSON value that is read and is no string: ${JSON.stringify(value)}`,
    send: (server: TestServer) => asClient(server, { grant_type: 'password', username: value }),
    rfc6749: { ...malformed('The parameter username must be a string.'), hint: USERNAME_HINT },
  })),
  {
    name: 'a JSON value that is null, which is absent',
    send: (server) => asClient(server, { grant_type: 'password', username: null }),
    rfc6749: { ...malformed('The parameter username is missing.'), hint: USERNAME_HINT },
  },
  {
    name: 'a grant type that is no string',
    send: (server) => asClient(server, { grant_type: ['password'] }),
    rfc6749: {
      ...malformed('The parameter grant_type must be a string.'),
      hint: 'Check the `grant_type` parameter',
    },
  },
  {
    name: 'a repeated JSON key that nothing reads',
    send: (server) => server.postJson('{"grant_type":"password","x":{"y":1},"x":[]}'),
    rfc6749: malformed('A parameter is repeated.'),
  },
  ...RESOURCES.map(([name, body]) => ({
    name: `a resource that is not the API of the client (RFC 8707 §2): ${name}`,
    send: async (server: TestServer) => {
      const client = new URLSearchParams(credentials(await server.addClient()))
      return server.postForm(`grant_type=client_credentials&${client}&${body}`)
    },
    rfc6749: invalidTarget,
  })),
  ...[RESOURCE, [RESOURCE], [RESOURCE, 'https://b.example']].map((resource) => ({
    name: `another resource in JSON: ${JSON.stringify(resource)}`,
    send: (server: TestServer) => asClient(server, { grant_type: 'client_credentials', resource }),
    rfc6749: invalidTarget,
  })),
  {
    name: 'a resource as two JSON keys',
    send: (server) => server.postJson('{"resource":"https://a.example","resource":"https://b.example"}'),
    rfc6749: malformed('A parameter is repeated.'),
  },
  {
    name: 'a resource that is no string',
    send: (server) => asClient(server, { grant_type: 'client_credentials', resource: [1] }),
    rfc6749: {
      ...malformed('The parameter resource must be a string.'),
      hint: 'Check the `resource` parameter',
    },
  },
  {
    name: 'a repeated form parameter',
    send: (server) => server.postForm('grant_type=password&grant_type=password'),
    rfc6749: malformed('A parameter is repeated.'),
  },
  {
    name: 'a broken percent sequence in a form',
    send: (server) => server.postForm('grant_type=%zz'),
    rfc6749: malformed('The request body is not a valid form.'),
  },
  {
    name: 'a body that is not UTF-8',
    send: post(new Uint8Array([0x7b, 0xff, 0x7d]), 'application/json'),
    rfc6749: malformed('The request body is not valid UTF-8.'),
  },
  {
    name: 'a parameter in the query string',
    send: post('grant_type=password', FORM, '/oauth2-token?client_id=a'),
    rfc6749: malformed('Parameters must be in the body, not in the address.'),
  },
  {
    name: 'two kinds of client authentication, of which the body wins in the dialect oro',
    send: (server) =>
      server.postForm(
        { grant_type: 'password', client_id: 'a', client_secret: 'b' },
        { Authorization: basic('a', 'b') },
      ),
    rfc6749: malformed('The client must authenticate in one way only.'),
    oro: oroClient,
  },
  {
    name: 'two clients, of which that of the body wins in the dialect oro',
    send: (server) =>
      server.postForm({ grant_type: 'password', client_id: 'b' }, { Authorization: basic('a', 'b') }),
    rfc6749: malformed('The client must authenticate in one way only.'),
    oro: oroClient,
  },
  {
    name: 'an Authorization header of another scheme and no client in the body',
    send: (server) => server.postForm('grant_type=password', { Authorization: 'Bearer null' }),
    rfc6749: {
      ...malformed('The parameter client_id is missing.'),
      hint: 'Check the `client_id` parameter',
    },
  },
  {
    name: 'no client',
    send: (server) => server.postForm('grant_type=password'),
    rfc6749: {
      ...malformed('The parameter client_id is missing.'),
      hint: 'Check the `client_id` parameter',
    },
  },
  {
    name: 'no username',
    send: (server) => asClient(server, { grant_type: 'password', password: PASSWORD }),
    rfc6749: { ...malformed('The parameter username is missing.'), hint: 'Check the `username` parameter' },
  },
  {
    name: 'no refresh token',
    send: (server) => asClient(server, { grant_type: 'refresh_token' }),
    rfc6749: {
      ...malformed('The parameter refresh_token is missing.'),
      hint: 'Check the `refresh_token` parameter',
    },
  },
  {
    name: 'a body over 16 KiB',
    send: (server) => server.postJson({ grant_type: 'password', password: 'x'.repeat(100_000) }),
    rfc6749: {
      status: 413,
      error: 'invalid_request',
      description: 'The request body is larger than 16 KiB.',
    },
  },
  ...['16385', '9'.repeat(400)].map((length) => ({
    name: `a body with a Content-Length of ${length.slice(0, 8)} bytes`,
    send: (server: TestServer) => server.postJson('{}', { 'Content-Length': length }),
    rfc6749: {
      status: 413,
      error: 'invalid_request',
      description: 'The request body is larger than 16 KiB.',
    },
  })),
  {
    name: 'a body over 16 KiB in chunks with a Content-Length of 5 bytes',
    send: (server) =>
      server.postJson(
        { grant_type: 'x'.repeat(20_000) },
        { 'Content-Length': '5', 'Transfer-Encoding': 'chunked' },
      ),
    rfc6749: {
      status: 413,
      error: 'invalid_request',
      description: 'The request body is larger than 16 KiB.',
    },
  },
  ...['5', 'many'].map((length) => ({
    name: `a body over 16 KiB with a Content-Length of ${length} bytes`,
    send: (server: TestServer) =>
      server.postJson({ grant_type: 'x'.repeat(20_000) }, { 'Content-Length': length }),
    rfc6749: {
      status: 413,
      error: 'invalid_request',
      description: 'The request body is larger than 16 KiB.',
    },
  })),
  {
    name: 'an empty body',
    send: (server) => server.postForm(''),
    rfc6749: { ...malformed('The parameter grant_type is missing.') },
    oro: oroGrant,
  },
  {
    name: 'an empty grant type',
    send: (server) => asClient(server, { grant_type: '' }),
    rfc6749: { ...malformed('The parameter grant_type is missing.') },
    oro: oroGrant,
  },
  ...['__proto__', 'Password', 'urn:ietf:params:oauth:grant-type:device_code'].map((type) => ({
    name: `the grant type ${type}`,
    send: (server: TestServer) => asClient(server, { grant_type: type }),
    rfc6749: {
      status: 400,
      error: 'unsupported_grant_type',
      description: 'The grant type is not supported.',
    },
    oro: oroGrant,
  })),
  {
    name: 'an unknown client',
    send: (server) => server.postForm({ grant_type: 'password', client_id: 'nobody', client_secret: 'a' }),
    rfc6749: invalidClient,
    oro: oroClient,
  },
  {
    name: 'a grant that the client may not use',
    send: async (server) => {
      const client = await server.addClient({ grants: ['client_credentials'] })
      return server.postJson({ grant_type: 'refresh_token', ...credentials(client), refresh_token: 'x' })
    },
    rfc6749: {
      status: 400,
      error: 'unauthorized_client',
      description: 'The client is not allowed to use this grant type.',
    },
    oro: oroClient,
  },
  {
    name: 'wrong credentials',
    send: (server) => asClient(server, { grant_type: 'password', username: 'nobody', password: 'x' }),
    rfc6749: wrongCredentials,
  },
  {
    name: 'a refresh token that is garbage',
    send: (server) => asClient(server, { grant_type: 'refresh_token', refresh_token: 'garbage' }),
    ...deadRefreshToken,
  },
  {
    name: 'a scope that is not allowed',
    send: (server) => asClient(server, { grant_type: 'client_credentials', scope: 'root' }),
    rfc6749: invalidScope,
  },
  {
    name: 'an unknown path',
    send: (server) => server.fetch('/oauth2-tokens'),
    rfc6749: { status: 404, error: 'invalid_request', description: 'There is no such endpoint.' },
  },
  ...['GET', 'PUT', 'DELETE', 'PATCH'].map((method) => ({
    name: `the method ${method}`,
    send: (server: TestServer) => server.fetch('/oauth2-token', { method }),
    rfc6749: { status: 405, error: 'invalid_request', description: 'This endpoint takes POST, OPTIONS.' },
  })),
]

describe.each<ErrorDialect>(['rfc6749', 'oro'])('errors: %s', (dialect) => {
  it.each(CASES)('the token endpoint refuses $name', async ({ send, rfc6749, oro }) => {
    const server = new TestServer({ config: { errors: dialect } })
    const { status, error, description, hint } = dialect === 'oro' ? { ...rfc6749, ...oro } : rfc6749
    const response = await send(server)
    expect(response.status).toBe(status)
    expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
    expect(response.headers.get('Pragma')).toBe('no-cache')
    expect(response.headers.get('Allow')).toBe(status === 405 ? 'POST, OPTIONS' : null)
    const members = { error, error_description: description }
    const added = compact({ message: description, hint })
    expect(await response.json()).toEqual(dialect === 'oro' ? { ...members, ...added } : members)
  })
})

describe('a failure behind the token endpoint', () => {
  it('the token endpoint responds with 503 and Retry-After if a store is down, never invalid_grant', async () => {
    const healthy = new TestServer()
    const client = await healthy.addClient()
    const user = await healthy.addUser()
    const { refresh_token } = await healthy.signIn(client, user.username)
    const server = new TestServer({ env: { DB: D1_DOWN } })
    for (const parameters of [
      { grant_type: 'password', username: user.username, password: PASSWORD },
      { grant_type: 'refresh_token', refresh_token },
    ]) {
      const response = await server.postJson({ ...credentials(client), ...parameters })
      expect(response.status).toBe(503)
      expect(response.headers.get('Retry-After')).toBe('2')
      expect(await response.json()).toEqual({
        error: 'temporarily_unavailable',
        error_description: 'The service is not available now. Try again shortly.',
      })
    }
  })

  it('guests and machines get tokens while D1 is down', async () => {
    const healthy = new TestServer()
    const client = await healthy.addClient()
    await healthy.signIn(client, 'guest', 'guest')
    const server = new TestServer({ env: { DB: D1_DOWN } })
    await server.signIn(client, 'guest', 'guest')
    await server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
  })

  it('a corrupt record gives server_error, and the next request succeeds', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    for (const broken of ['a text', { id: 1 }, null]) {
      await saveCopy(`client:${client.id}`, broken, server)
      const response = await new TestServer().postJson({
        grant_type: 'client_credentials',
        ...credentials(client),
      })
      expect(response.status).toBe(500)
      expect(await response.json()).toEqual({
        error: 'server_error',
        error_description: 'The server met an unexpected condition.',
      })
    }
    const user = await server.addUser()
    await env.DB.prepare("UPDATE users SET roles = '[1]' WHERE id = ?").bind(user.id).run()
    const parameters = { grant_type: 'password', username: user.username, password: PASSWORD }
    const other = await server.addClient()
    expect((await server.postJson({ ...credentials(other), ...parameters })).status).toBe(500)
    expect((await server.fetch('/health')).status).toBe(200)
    // Other tests list the users, so this test removes the record.
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(user.id).run()
  })
})
